package rig

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
)

// Mail is one mail as it arrived.
type Mail struct {
	From, To   string // the envelope
	Subject    string
	Header     mail.Header
	Text, HTML string
	Code       string // the digits that stand alone on a line of the text
	Reference  string
	Link       string // path of the secure link, "" = none
	NotMe      string // path of "this wasn't me", "" = none
	Raw        []byte
	At         time.Time
}

var (
	codeLine = regexp.MustCompile(`(?m)^\s*(\d{6}|\d{8})\s*$`)
	address  = regexp.MustCompile(`https?://[^\s<>"']+`)
	refWord  = regexp.MustCompile(`(?i)referenc(?:e|ia):?\s+(\S+)`)
)

func parseMail(from, to string, raw []byte) (Mail, error) {
	m := Mail{
		From: from,
		To:   to,
		Raw:  raw,
		At:   time.Now(),
	}
	reader, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return m, fmt.Errorf("read mail: %w", err)
	}
	m.Header = reader.Header
	if m.Subject, err = reader.Header.Subject(); err != nil {
		return m, fmt.Errorf("read subject: %w", err)
	}
	if err := m.readParts(reader); err != nil {
		return m, err
	}
	m.findSecrets()
	return m, nil
}

func (m *Mail) readParts(reader *mail.Reader) error {
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read part: %w", err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return fmt.Errorf("read part: %w", err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.HTML = string(body)
			continue
		}
		m.Text += strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func (m *Mail) findSecrets() {
	if found := codeLine.FindStringSubmatch(m.Text); found != nil {
		m.Code = found[1]
	}
	if found := refWord.FindStringSubmatch(m.Subject); found != nil {
		m.Reference = strings.Trim(found[1], ".,")
	}
	for _, link := range address.FindAllString(m.Text, -1) {
		u, err := url.Parse(link)
		if err != nil {
			continue
		}
		if strings.HasPrefix(u.Path, "/l/") {
			m.Link = u.Path
		}
		if strings.HasPrefix(u.Path, "/not-me/") {
			m.NotMe = u.Path
		}
	}
}

// Links returns every address in both parts.
func (m Mail) Links() []string {
	return append(address.FindAllString(m.Text, -1), address.FindAllString(m.HTML, -1)...)
}

// report returns a delivery status notification (RFC 3464) to the mail's sender.
func (s *Sink) report(m Mail, action string) {
	if s.bounces == "" {
		return
	}
	_ = Report(s.bounces, m.From, m.To, action)
}

// Report sends a delivery status notification about a mail to "to" to the address
// returnPath, at the listener addr.
func Report(addr, returnPath, to, action string) error {
	status := map[string]string{"failed": "5.1.1", "delayed": "4.4.1"}[action]
	text := strings.ReplaceAll(fmt.Sprintf(dsn, returnPath, to, action, status), "\n", "\r\n")
	conn, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SendMail("", []string{returnPath}, strings.NewReader(text)); err != nil {
		return err
	}
	return conn.Quit()
}

const dsn = `From: Mail Delivery System <mailer-daemon@mail.example.test>
To: <%s>
Subject: Delivery Status Notification
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="cut"

--cut
Content-Type: text/plain

Your message could not be delivered as hoped.

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.test

Final-Recipient: rfc822; %s
Action: %s
Status: %s
Remote-MTA: dns; mx.example.test

--cut--
`

// Digits writes n with at least width digits.
func Digits(n, width int) string { return fmt.Sprintf("%0*d", width, n) }
