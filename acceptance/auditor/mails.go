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

// word is what a short code would look like at rest. Hexadecimal and base64 are no words,
// and neither is a duration or an instant of the access log.
var (
	word     = regexp.MustCompile(`(?:^|[^0-9A-Za-z_+/.-])(\d{6}|\d{8})(?:$|[^0-9A-Za-z_+/-])`)
	duration = regexp.MustCompile(`"us":\d+`)
)

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
		for _, found := range word.FindAllSubmatch(raw, -1) {
			if what := codes[string(found[1])]; what != "" {
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
