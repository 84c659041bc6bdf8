// Package doctor looks at an installation from the outside in, part by part, and says of
// each whether it is well and what to do where it is not. It changes nothing: it applies no
// migration, makes no file, sends no text or push, and sends no mail unless it is asked to. It refuses to stop at
// the first part that is ill, and to print a secret.
package doctor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/secret"
)

// State is how a part is.
type State string

// The states, from good to bad.
const (
	OK   State = "ok"
	Warn State = "warn" // it works, but not for ever or not as well as it could
	Fail State = "fail" // something does not work, or serve would not start
)

// Finding is one sentence about one part.
type Finding struct {
	Name    string `json:"name"`
	State   State  `json:"state"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"` // what to do, where something is to be done
}

// Options say what to look at.
type Options struct {
	Config config.Config
	Bad    error  // the configuration cannot be used; then little else is looked at
	Build  string // version, revision and Go
	SendTo string // an address that gets a mail, empty: none is sent
	Now    func() time.Time
}

// patience is how long one part may take. Each network conversation inside is shorter.
const patience = 30 * time.Second

type examination struct {
	Options
	db   *db.DB // nil: it cannot be reached
	why  error  // why not
	keys *secret.Keys
}

// Examine looks at every part and returns the findings in a fixed order. Parts are looked
// at side by side, so that one that does not answer delays no one else.
func Examine(ctx context.Context, o Options) []Finding {
	if o.Bad != nil {
		return append(o.illConfigured(), o.versions("", nil))
	}
	p := &examination{Options: o}
	p.db, p.why = open(ctx, o)
	if p.db != nil {
		defer func() { _ = p.db.Close() }()
	}
	parts := []func(context.Context) []Finding{
		p.configuration, p.database, p.clock, p.keyFile, p.settings, p.epoch, p.signingKeys, p.address, p.certificate,
		p.proxies, p.mail, p.dkim, p.texts, p.textPrices, p.textCountries, p.receivers, p.pushServices, p.places,
		p.disk, p.audit, p.versionsFound,
	}
	p.keys, _ = readKeys(o.Config.KeyFile, o.Now()) // keyFile says what is wrong with it
	found := make([][]Finding, len(parts))
	var together sync.WaitGroup
	for i, part := range parts {
		together.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			found[i] = part(ctx)
		})
	}
	together.Wait()
	var all []Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

// Healthy reports that nothing failed.
func Healthy(all []Finding) bool {
	for _, f := range all {
		if f.State == Fail {
			return false
		}
	}
	return true
}

// Print writes the findings as a table, with what to do under each line that needs it.
func Print(w io.Writer, all []Finding) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range all {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", strings.ToUpper(string(f.State)), f.Name, f.Message)
		if f.Fix != "" {
			_, _ = fmt.Fprintf(table, "\t\t-> %s\n", f.Fix)
		}
	}
	return table.Flush()
}

func one(name string, state State, do, says string, args ...any) []Finding {
	return []Finding{{
		Name:    name,
		State:   state,
		Message: fmt.Sprintf(says, args...),
		Fix:     do,
	}}
}

// unknown is what there is to say about a part that lies in a database that is down.
func unknown(name string) []Finding {
	return one(name, Warn, "mend the database first", "not known while the database cannot be looked at")
}

func (o Options) illConfigured() []Finding {
	var all []Finding
	for line := range strings.Lines(o.Bad.Error()) {
		if line = strings.TrimSpace(line); line != "" && line != "configuration:" {
			all = append(all, Finding{
				Name:    "configuration",
				State:   Fail,
				Message: line,
				Fix:     "countersign config reference explains every key",
			})
		}
	}
	return all
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// age is a span in the largest unit that fits.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}
