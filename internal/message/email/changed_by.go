package email

import "time"

// ChangedBy is who changed what a letter tells of, when, and where from. Without a name it is the command line on the
// vendor's server.
type ChangedBy struct {
	Name, Email        string
	Vendor             bool // they belong to the vendor
	IP, Place, Browser string
	At                 time.Time
}

// changedBy lists who changed something, when and where from.
func (w *writer) changedBy(c ChangedBy, vendor string) []line {
	by := []line{{w.say("mail.changed.by"), w.changer(c, vendor)}}
	if c.IP == "" {
		return append(by, line{w.say("word.time"), w.words.Time(c.At)})
	}
	return append(by, w.originLines(origin{c.IP, c.Place, c.Browser, c.At})...)
}

func (w *writer) changer(c ChangedBy, vendor string) string {
	switch {
	case c.Name == "":
		return w.say("mail.changed.by_server", "Vendor", vendor)
	case c.Vendor:
		return w.say("mail.changed.by_vendor", "Name", defang(c.Name), "Vendor", vendor)
	}
	return w.say("mail.changed.by_person", "Name", defang(c.Name), "Email", cleanName(c.Email))
}
