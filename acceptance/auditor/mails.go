package auditor

import (
	"bytes"
	"regexp"
	"strings"

	"countersign/acceptance/rig"
)

// MessageID is the message that a mail carries.
func MessageID(m rig.Mail) string {
	id, _, _ := strings.Cut(strings.Trim(m.Header.Get("Message-Id"), "<>"), "@")
	return id
}

// mails: a duplicate is the same mail with the same code, each mail is a message that
// exists, and a code is stored together with its message or not at all.
func (d *desk) mails() {
	first := map[string]rig.Mail{}
	for _, m := range d.Mails {
		id := MessageID(m)
		before, again := first[id]
		if again && (before.Code != m.Code || before.Link != m.Link || before.NotMe != m.NotMe || before.To != m.To ||
			before.Subject != m.Subject) {
			d.blame("I1", "the mail %s came twice and differs", id)
		}
		first[id] = m
		if d.find("messages", id) == nil {
			d.blame("I2", "the mail %s is no message of ours", id)
		}
	}
	challenges := map[string][]row{}
	for _, c := range d.s["challenges"] {
		challenges[c.ref("message_id")] = append(challenges[c.ref("message_id")], c)
	}
	messages := d.s.by("messages", row.key)
	for _, m := range d.s["messages"] {
		if m.text("purpose") == "signin.code" && len(challenges[m.key()]) != 1 {
			d.blame("I2", "the message %s carries a code of %d challenges", m.key(), len(challenges[m.key()]))
		}
	}
	for key := range challenges {
		if len(messages[key]) != 1 {
			d.blame("I2", "a challenge was stored without its message %s", key)
		}
	}
}

// duration is one of the access log, which may have as many digits as a code.
var duration = regexp.MustCompile(`"us":\d+`)

// shortCodes are what short codes would look like at rest: six or eight digits that stand alone.
// Hexadecimal and base64 are not alone, and neither is an instant of the access log. A regular
// expression for this was a tenth of what the tests of this package's users computed.
func shortCodes(raw []byte) (found []string) {
	for i := 0; i < len(raw); i++ {
		from := i
		for i < len(raw) && '0' <= raw[i] && raw[i] <= '9' {
			i++
		}
		if n := i - from; n != 6 && n != 8 {
			continue
		}
		if (from == 0 || raw[from-1] != '.' && !joins(raw[from-1])) && (i == len(raw) || !joins(raw[i])) {
			found = append(found, string(raw[from:i]))
		}
	}
	return found
}

// joins reports whether a byte next to digits makes them a part of something longer.
func joins(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || strings.IndexByte("_+/-", b) >= 0
}

const prefix = 8 // bytes of a long secret that are looked up

// secrets: what clients and mails hold stands nowhere at rest.
func (d *desk) secrets() {
	if d.Rest == nil {
		return // this examination is not about them
	}
	codes, long := map[string]string{}, map[string][]string{}
	d.gather(func(value, what string) {
		if len(value) <= prefix {
			codes[value] = what
			return
		}
		long[value[:prefix]] = append(long[value[:prefix]], value)
	})
	d.Rest["the rows"] = d.s.texts()
	for name, raw := range d.Rest {
		raw = duration.ReplaceAll(raw, nil)
		for _, found := range shortCodes(raw) {
			if what := codes[found]; what != "" {
				d.blame("I7", "%s holds a %s", name, what)
			}
		}
		for i := 0; i+prefix <= len(raw); i++ {
			for _, value := range long[string(raw[i:i+prefix])] {
				if bytes.HasPrefix(raw[i:], []byte(value)) {
					d.blame("I7", "%s holds a %s", name, d.named(value))
				}
			}
		}
	}
}

func (d *desk) gather(add func(value, what string)) {
	d.History.mu.Lock()
	defer d.History.mu.Unlock()
	for value, what := range d.History.secrets {
		add(value, what)
	}
	for _, m := range d.Mails {
		if m.Code != "" {
			add(m.Code, "code")
		}
		for _, link := range []string{m.Link, m.NotMe} {
			if link != "" {
				add(link[strings.LastIndexByte(link, '.')+1:], "link")
			}
		}
	}
}

func (d *desk) named(value string) string {
	d.History.mu.Lock()
	defer d.History.mu.Unlock()
	if what := d.History.secrets[value]; what != "" {
		return what
	}
	return "link"
}
