package doctor

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"countersign/internal/geo"
)

// configuration is well, or Examine would not have come here. What it says in files of
// their own may still be open to everyone.
func (p *examination) configuration(context.Context) []Finding {
	all := one("configuration", OK, "", "every key and variable is understood")
	for key, file := range map[string]string{"database.url_file": p.Config.Database.URLFile,
		"smtp.password_file":  p.Config.SMTP.PasswordFile,
		"sms.http.token_file": p.Config.SMS.HTTP.TokenFile, "sms.smpp.password_file": p.Config.SMS.SMPP.PasswordFile} {
		if file != "" {
			all = append(all, othersRead(key, file)...)
		}
	}
	return all
}

func (p *examination) places(context.Context) []Finding {
	const name = "places"
	file := p.Config.Geo.Database
	if file == "" {
		return one(name, OK, "", "there is no geo database: mails and pages say that the place is unknown")
	}
	about, err := geo.Read(file)
	if err != nil {
		return one(name, Warn, "fetch it anew; sign-in goes on without it", "%s cannot be used: %s", file, oneLine(err))
	}
	since := p.Now().Sub(about.Built)
	says := fmt.Sprintf("%s, %s old%s", about.Type, age(since), licence(about.Type))
	if since > freshPlaces {
		return one(name, Warn,
			"replace the file, which is noticed within seconds: addresses move, and most licences ask for a fresh one",
			"%s", says)
	}
	return one(name, OK, "", "%s", says)
}

// licence reminds of what those who publish a database ask for.
func licence(kind string) string {
	switch {
	case strings.HasPrefix(kind, "GeoLite2"), strings.HasPrefix(kind, "GeoIP2"):
		return "; MaxMind's licence asks to delete it when a newer one has been out for 30 days"
	case strings.HasPrefix(kind, "DBIP"):
		return "; its licence (CC BY 4.0) asks that DB-IP is credited where places are shown"
	}
	return "; see the licence it came with"
}

// What is little on a disk: in bytes, and as a part of it.
const (
	gigabyte  = 1 << 30
	fewBytes  = gigabyte
	tooFew    = gigabyte / 8
	longLog   = gigabyte / 2
	smallPart = 0.10
)

func (p *examination) disk(ctx context.Context) []Finding {
	const name = "disk"
	file, embedded := strings.CutPrefix(p.Config.Database.URL.Reveal(), "sqlite:")
	if p.db == nil && !embedded {
		return unknown(name)
	}
	var data, log int64
	if p.db != nil {
		var err error
		if data, log, err = p.db.Size(ctx); err != nil {
			return one(name, Warn, "check the rights of the database's user",
				"its size is not known: %s", errorText(err))
		}
	}
	if !embedded {
		return one(name, OK, "", "the database takes %s; watch the disk of its server", size(data))
	}
	free, total, err := space(filepath.Dir(file))
	if err != nil {
		return one(name, Warn, "look with df", "the space is not known: %s", oneLine(err))
	}
	return room(free, total, data, log)
}

func room(free, total, data, log int64) []Finding {
	const name = "disk"
	says := fmt.Sprintf("the database takes %s and its log %s; %s are free", size(data), size(log), size(free))
	switch {
	case free < tooFew:
		return one(name, Fail, "make room: no one can sign in when nothing can be written", "%s", says)
	case free < fewBytes || float64(free) < smallPart*float64(total):
		return one(name, Warn, "make room", "%s", says)
	case log > longLog:
		return one(name, Warn,
			"something reads for very long and keeps the log from being cut: a backup that hangs, a shell left open",
			"%s", says)
	}
	return one(name, OK, "", "%s", says)
}

func size(bytes int64) string {
	switch {
	case bytes >= 10*gigabyte:
		return fmt.Sprintf("%d GiB", bytes/gigabyte)
	case bytes >= 10<<20:
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d KiB", bytes>>10)
}

func (p *examination) versionsFound(ctx context.Context) []Finding {
	if p.db == nil {
		return []Finding{p.versions("", nil)}
	}
	s, err := p.db.Server(ctx)
	return []Finding{p.versions(s.Version, err)}
}

// versions is what to quote when asking for help.
func (o Options) versions(engine string, err error) Finding {
	f := Finding{Name: "versions", State: OK, Message: "countersign " + o.Build}
	if engine != "" && err == nil {
		f.Message += ", database " + engine
	}
	return f
}

// freshPlaces is how old a geo database may be before many addresses have moved.
const freshPlaces = 60 * 24 * time.Hour
