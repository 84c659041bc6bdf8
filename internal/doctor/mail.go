package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strings"

	"countersign/internal/app"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/secret"
	"countersign/internal/tenant"
)

func (p *examination) mail(ctx context.Context) []Finding {
	const name = "mail"
	catalog, err := locale.New()
	if err != nil {
		return one(name, Fail, "report this", "%s", oneLine(err))
	}
	sender, err := app.Sender(p.Config.SMTP, catalog, nil, p.Now, quiet())
	if err != nil {
		return one(name, Fail, "correct the setting", "%s", oneLine(err))
	}
	defer func() { _ = sender.Close() }()
	s := p.Config.SMTP
	probe, err := sender.Probe(ctx)
	if err != nil {
		return one(name, Fail, email.Advice(err), "%s:%d takes no mail from us: %s", s.Host, s.Port, oneLine(err))
	}
	says := fmt.Sprintf("%s:%d takes mail from %s", s.Host, s.Port, s.From)
	if s.Username != "" {
		says += ", signed in"
	}
	how := ", over " + probe.TLS
	if probe.TLS == "" {
		how = ", unprotected on this machine"
	}
	all := append(one(name, OK, "", "%s%s", says, how), beyondASCII(s.UTF8(), probe.UTF8)...)
	if probe.TLS == "" {
		return append(all, p.send(ctx, sender)...)
	}
	if probe.Expires.Sub(p.Now()) < expiring {
		all = append(all, p.expiry("mail certificate", probe.Expires)...)
	}
	return append(all, p.send(ctx, sender)...)
}

// beyondASCII compares what is configured with what the mail server offers.
func beyondASCII(configured, offered bool) []Finding {
	const name = "smtp.addresses"
	switch {
	case configured && !offered:
		return one(name, Fail, "set smtp.addresses = \"ascii\", or use a server with SMTPUTF8",
			"addresses with letters beyond ASCII before the @ are accepted, and the mail server refuses them")
	case offered && !configured:
		return one(name, OK, "",
			"addresses with letters beyond ASCII before the @ are refused; the mail server would take them (smtp.addresses = \"utf8\")")
	}
	return nil
}

// send sends the one mail that was asked for.
func (p *examination) send(ctx context.Context, sender *email.Sender) []Finding {
	const name = "test mail"
	if p.SendTo == "" {
		return nil
	}
	content := email.Trial{Vendor: "Countersign", Host: p.Config.PublicURL, At: p.Now()}
	if p.db != nil {
		_ = p.view(ctx, func(tx *db.Tx) error { // without a name, ours will do
			i, err := tenant.LoadInstallation(ctx, tx)
			if err == nil {
				content.Vendor = i.Name
			}
			return err
		})
	}
	data, err := json.Marshal(content)
	if err != nil {
		return one(name, Fail, "report this", "%s", oneLine(err))
	}
	_, err = sender.Send(ctx, message.Envelope{
		ID:       strings.ToLower(secret.NewID(p.Now(), 0)),
		To:       p.SendTo,
		Language: locale.Default,
		Template: "trial",
		Data:     data,
	})
	if err != nil {
		return one(name, Fail, email.Advice(err), "the mail server did not take it: %s", oneLine(err))
	}
	return one(name, OK, "", "the mail server took it; now look into the mailbox, and among its spam")
}

func (p *examination) dkim(ctx context.Context) []Finding {
	const name = "dkim"
	c := p.Config.SMTP.DKIM
	if c.KeyFile == "" {
		return one(name, OK, "", "mails leave unsigned: the mail server is expected to sign them")
	}
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return one(name, Fail, "check smtp.dkim.key_file", "the key cannot be read: %s", oneLine(err))
	}
	d, err := email.ReadDKIM(c.Domain, c.Selector, text)
	if err != nil {
		return one(name, Fail, "check smtp.dkim.key_file", "the key cannot be used: %s", oneLine(err))
	}
	publish := fmt.Sprintf(`publish in DNS: %s. TXT "%s" (in pieces of up to 255 characters where it is longer)`,
		d.Name(), d.Record())
	all := append(p.checkAlignment(d), othersRead("smtp.dkim.key_file", c.KeyFile)...)
	switch found, err := lookUp(ctx, d.Name()); {
	case err != nil:
		return append(all, one(name, Warn, publish, "DNS shows no record for the key: %s", oneLine(err))...)
	case !matches(found, d.Record()):
		return append(all, one(name, Fail, publish,
			"the record in DNS is not this key's: receivers will refuse the signatures")...)
	}
	return append(all, one(name, OK, "", "every mail is signed for %s; the record is: %s. TXT %q", d.Domain,
		d.Name(), d.Record())...)
}

// checkAlignment compares who signs with whom mails are from: DMARC counts a signature of the
// sender's own domain, or of one above it.
func (p *examination) checkAlignment(d *email.DKIM) []Finding {
	from, err := netmail.ParseAddress(p.Config.SMTP.From)
	if err != nil {
		return nil // the configuration says so
	}
	domain := strings.ToLower(from.Address[strings.LastIndexByte(from.Address, '@')+1:])
	if domain == d.Domain || strings.HasSuffix(domain, "."+d.Domain) {
		return nil
	}
	return one("dkim", Warn, "sign for the domain of smtp.from",
		"%s signs for mails from %s: DMARC does not count that", d.Domain, domain)
}

// lookUp asks DNS; no answer and no record are told apart from a wrong one.
func lookUp(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerIn/2)
	defer cancel()
	found, err := net.DefaultResolver.LookupTXT(ctx, name)
	var dns *net.DNSError
	if errors.As(err, &dns) {
		if dns.IsNotFound {
			return nil, errors.New("there is none")
		}
		return nil, errors.New("DNS does not answer")
	}
	return found, err
}

// matches compares the public keys; receivers skip spaces, and other tags are free.
func matches(found []string, want string) bool {
	key := func(record string) string {
		for tag := range strings.SplitSeq(record, ";") {
			if name, value, _ := strings.Cut(strings.TrimSpace(tag), "="); name == "p" {
				return strings.Join(strings.Fields(value), "")
			}
		}
		return ""
	}
	for _, record := range found {
		if k := key(record); k != "" && k == key(want) {
			return true
		}
	}
	return false
}
