package email

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"countersign/internal/message"

	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/netutil"
)

const (
	bouncePrefix = "bounces+"
	bounceSize   = 256 << 10
)

// Bounces takes delivery status notifications (RFC 3464) by SMTP. It accepts mail only to
// a return address that we made ourselves, so no one else can make a message look bounced,
// and it keeps nothing of the mail.
type Bounces struct {
	Domain string
	Known  func(returnTo string) error // an error refuses the recipient
	Record func(ctx context.Context, returnTo string, s message.State, host string) error
	Log    *slog.Logger
}

// Serve accepts connections on l until ctx ends.
func (b *Bounces) Serve(ctx context.Context, l net.Listener) error {
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &bounceSession{b: b, ctx: context.WithoutCancel(ctx)}, nil
	}))
	srv.Domain, srv.MaxMessageBytes, srv.MaxRecipients = b.Domain, bounceSize, 1
	srv.ReadTimeout, srv.WriteTimeout = 30*time.Second, 30*time.Second
	srv.ErrorLog = quiet{}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	err := srv.Serve(netutil.LimitListener(brief{l}, atOnce))
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve bounces: %w", err)
}

// How many may talk at once, and each for how long: mail servers stand with no proxy before
// them, and a stranger's silence must not use up what the program needs for people (ATK-170).
const (
	atOnce  = 64
	talkFor = 5 * time.Minute
)

// brief ends each connection after talkFor.
type brief struct{ net.Listener }

// Accept takes the next connection.
func (b brief) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &timed{Conn: c, end: time.AfterFunc(talkFor, func() { _ = c.Close() })}, nil
}

type timed struct {
	net.Conn
	end *time.Timer
}

// Close ends the connection, and the wait for its end.
func (t *timed) Close() error {
	t.end.Stop()
	return t.Conn.Close()
}

// quiet drops the server's own lines: they quote what strangers send.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type bounceSession struct {
	b   *Bounces
	ctx context.Context
	ref string
}

func refuse(code int, enhanced smtp.EnhancedCode, words string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: words}
}

func (s *bounceSession) Mail(string, *smtp.MailOptions) error { s.ref = ""; return nil }
func (s *bounceSession) Reset()                               { s.ref = "" }
func (s *bounceSession) Logout() error                        { return nil }

func (s *bounceSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	at := strings.LastIndexByte(to, '@')
	if at < len(bouncePrefix) || !strings.EqualFold(to[at+1:], s.b.Domain) ||
		!strings.EqualFold(to[:len(bouncePrefix)], bouncePrefix) {
		return refuse(550, smtp.EnhancedCode{5, 1, 1}, "no such mailbox")
	}
	ref := to[len(bouncePrefix):at]
	if s.b.Known(ref) != nil {
		return refuse(550, smtp.EnhancedCode{5, 1, 1}, "no such mailbox")
	}
	s.ref = ref
	return nil
}

// Data reads the report. A mail to a genuine address that is not a report, an
// out-of-office reply for example, is taken and forgotten: refusing it would only make
// another bounce.
func (s *bounceSession) Data(r io.Reader) error {
	if s.ref == "" {
		return refuse(503, smtp.EnhancedCode{5, 5, 1}, "no recipient")
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err // too large, or the connection is gone
	}
	state, host, err := parseReport(bytes.NewReader(text))
	if err != nil || state == "" {
		s.b.Log.Info("mail to a return address is not a failure report", "error", err)
		return nil
	}
	err = s.b.Record(s.ctx, s.ref, state, host)
	if err != nil && !errors.Is(err, message.ErrNotOurs) {
		s.b.Log.Error("bounce cannot be recorded", "error", err)
		return refuse(451, smtp.EnhancedCode{4, 3, 0}, "try again later")
	}
	return nil
}

// parseReport looks for the delivery-status part of a multipart/report and returns what it
// says about the one recipient. state is empty where there is no such part or it reports
// no failure.
func parseReport(r io.Reader) (state message.State, host string, err error) {
	e, err := gomessage.Read(r)
	if err != nil && !gomessage.IsUnknownCharset(err) {
		return "", "", errUnreadable
	}
	kind, _, _ := e.Header.ContentType()
	parts := e.MultipartReader()
	if parts == nil || !strings.EqualFold(kind, "multipart/report") {
		return "", "", nil
	}
	for range 20 {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return "", "", nil
		}
		if err != nil && !gomessage.IsUnknownCharset(err) {
			return "", "", errUnreadable
		}
		if kind, _, _ := part.Header.ContentType(); strings.EqualFold(kind, "message/delivery-status") {
			state, host = readStatus(part.Body)
			return state, host, nil
		}
	}
	return "", "", nil
}

// errUnreadable stands for parse errors, which quote the mail.
var errUnreadable = errors.New("not readable as mail")

// readStatus reads the fields of RFC 3464 section 2. The first Action counts: our mails
// have one recipient.
func readStatus(r io.Reader) (state message.State, host string) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "reporting-mta", "remote-mta":
			if _, name, found := strings.Cut(value, ";"); found {
				host = hostName(name)
			}
		case "action":
			if state == "" {
				state = actions[strings.ToLower(value)]
			}
		}
	}
	return state, host
}

var actions = map[string]message.State{"failed": message.Bounced, "delayed": message.Delayed}

// hostName keeps what can be a host's name and nothing else: it is shown to people.
func hostName(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) > 253 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return ""
	}
	return s
}
