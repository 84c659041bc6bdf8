package demo

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-message/mail"
)

// letter is one mail that arrived.
type letter struct {
	ID         int
	At         time.Time
	To         string // of the envelope
	From       string
	Subject    string
	Text, HTML string
	Source     string
}

// open reads a mail of RFC 5322.
func open(raw []byte) (letter, error) {
	l := letter{Source: string(raw)}
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return l, fmt.Errorf("read mail: %w", err)
	}
	if l.Subject, err = r.Header.Subject(); err != nil {
		return l, fmt.Errorf("read subject: %w", err)
	}
	from, err := r.Header.AddressList("From")
	if err != nil || len(from) == 0 {
		return l, fmt.Errorf("read sender: %w", err)
	}
	l.From = from[0].Name
	return l, l.readParts(r)
}

func (l *letter) readParts(r *mail.Reader) error {
	for {
		part, err := r.NextPart()
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
			l.HTML = string(body)
			continue
		}
		l.Text += strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

// piece is a stretch of the text part, or an address in it.
type piece struct {
	Words string
	Link  bool
}

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// Pieces makes addresses in the text part ready to be pressed, as mail programs do.
func (l letter) Pieces() (out []piece) {
	rest := l.Text
	for _, at := range address.FindAllStringIndex(l.Text, -1) {
		before := len(l.Text) - len(rest)
		out = append(out, piece{l.Text[before:at[0]], false}, piece{l.Text[at[0]:at[1]], true})
		rest = l.Text[at[1]:]
	}
	return append(out, piece{rest, false})
}

// framed is the HTML part for a frame: its links open beside it, since sign-in pages
// refuse to be framed.
func (l letter) framed() string {
	const base = `<base target="_blank">`
	if at := strings.Index(l.HTML, "<head>"); at >= 0 {
		at += len("<head>")
		return l.HTML[:at] + base + l.HTML[at:]
	}
	return base + l.HTML
}
