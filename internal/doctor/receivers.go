package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"countersign/internal/app"
	"countersign/internal/config"
	"countersign/internal/message/push"
)

// receivers looks at what browsers need before they can receive codes.
func (p *examination) receivers(ctx context.Context) []Finding {
	const name = "push"
	if p.Config.Push.Receivers == config.Off {
		return one(name, OK, "", "no codes go to browsers (push.receivers)")
	}
	public, err := url.Parse(p.Config.PublicURL)
	if err != nil || public.Scheme != "https" && public.Hostname() != "localhost" {
		return one(name, Fail, "serve people by https, or set push.receivers to off",
			"browsers receive codes on https pages only, and public_url is %s", p.Config.PublicURL)
	}
	subject := push.Subject(p.Config.Push.Contact, p.Config.PublicURL, p.Config.SMTP.From)
	if subject == "" {
		return one(name, Warn, "give push.contact an address of yours",
			"push services are not told who sends; some refuse that")
	}
	if p.db == nil || p.keys == nil {
		return unknown(name)
	}
	made, err := (&push.Identity{DB: p.db, Keys: p.keys}).Look(ctx)
	switch {
	case err != nil && made:
		return one(name, Fail,
			"put the installation's own key file in place; a new key would make every code receiver deaf",
			"the key that browsers know us by cannot be opened")
	case err != nil:
		return one(name, Warn, "countersign migrate makes what it is kept in",
			"the key that browsers know us by cannot be read: %s", errorText(err))
	case !made:
		return one(name, OK, "",
			"the key that browsers know us by is made when the first one is set up; push services reach you at %s",
			subject)
	}
	return one(name, OK, "", "the key that browsers know us by opens; push services reach you at %s", subject)
}

// makers are the push services of the browsers that people have.
var makers = []struct{ service, browsers string }{
	{"fcm.googleapis.com:443", "Chrome, Edge on Android, Samsung Internet"},
	{"updates.push.services.mozilla.com:443", "Firefox"},
	{"web.push.apple.com:443", "Safari"},
}

// outIn is how long one push service may take to answer the phone.
const outIn = 3 * time.Second

// pushServices tries the way out. Nothing is sent.
func (p *examination) pushServices(ctx context.Context) []Finding {
	const name = "push services"
	c := p.Config.Push
	if c.Receivers == config.Off {
		return nil
	}
	asked := makers
	for _, s := range c.Services {
		asked = append(asked[:len(asked):len(asked)],
			struct{ service, browsers string }{push.HostPort(s), "push.services"})
	}
	why := make([]error, len(asked))
	var together sync.WaitGroup
	for i, a := range asked {
		together.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, outIn)
			defer cancel()
			why[i] = app.ReachPush(ctx, c, a.service)
		})
	}
	together.Wait()
	var lost []string
	var all []Finding
	for i, a := range asked {
		if why[i] != nil {
			lost = append(lost, a.service)
			all = append(all, one(name, Warn, wayOut(why[i]), "%s (%s) cannot be reached: %s", a.service, a.browsers,
				oneLine(why[i]))...)
		}
	}
	if len(lost) == 0 {
		return one(name, OK, "", "the way out is open to %d of them", len(asked))
	}
	if len(lost) == len(asked) {
		return one(name, Warn,
			"let connections out to "+strings.Join(lost,
				", ")+", or set push.receivers to off so that no one sets one up in vain",
			"none can be reached: codes by push will not arrive")
	}
	return all
}

func wayOut(err error) string {
	var trust *tls.CertificateVerificationError
	var dns *net.DNSError
	switch {
	case errors.As(err, &trust):
		return "something on the way speaks in its place; push.ca_file names an authority of your own"
	case errors.As(err, &dns):
		return "let this machine look the name up in DNS, or set push.receivers to off"
	}
	return "let connections out to it through the firewall, or set push.receivers to off"
}
