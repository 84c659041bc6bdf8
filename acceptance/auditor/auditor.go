package auditor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/acceptance/rig"
)

// Evidence is what there is to look at. It must be at rest: no one writes meanwhile.
type Evidence struct {
	Query   Query
	Chains  error // what the program's own check of the audit chains said
	Mails   []rig.Mail
	History *History
	Rest    map[string][]byte // what lies around, by name: database files, logs, spools
	Now     time.Time         // by the program's clock
}

// Finding is something that must not be.
type Finding struct {
	Invariant string // "I1" … "I7"
	What      string
}

// String is one line.
func (f Finding) String() string { return f.Invariant + ": " + f.What }

// The limits of the installation, as it was configured.
const (
	flowLife     = 15 * time.Minute
	codeLife     = 10 * time.Minute
	lease        = 60 * time.Second
	wrongAnswers = 5
)

// Auditor examines one installation again and again, and remembers what it saw, so that it
// notices what came back to life. The zero value is ready.
type Auditor struct {
	before map[string]mark
}

// desk is one examination.
type desk struct {
	Evidence
	s       state
	byID    map[string]map[string]row // by table and id, whatever the tenant
	byName  map[string]row            // users by address
	byShown map[string]row            // challenges by user and reference
	right   map[string][]row          // the audit rows of right answers, by what they spent
	found   []Finding
}

func (d *desk) index() {
	d.byID, d.byName, d.byShown = map[string]map[string]row{}, map[string]row{}, map[string]row{}
	for table, rows := range d.s {
		d.byID[table] = make(map[string]row, len(rows))
		for _, r := range rows {
			d.byID[table][r.text("id")] = r
		}
	}
	for _, u := range d.s["users"] {
		d.byName[u.text("email")] = u
	}
	for _, c := range d.s["challenges"] {
		d.byShown[c.text("user_id")+" "+c.text("reference")] = c
	}
	d.matchAnswers()
}

// find finds a row by its id, nil where there is none.
func (d *desk) find(table, id string) row { return d.byID[table][id] }

func (d *desk) blame(invariant, format string, args ...any) {
	f := Finding{invariant, fmt.Sprintf(format, args...)}
	if !slices.Contains(d.found, f) {
		d.found = append(d.found, f)
	}
}

// Examine returns everything that it finds. An error means that it could not look.
func (a *Auditor) Examine(ctx context.Context, e Evidence) ([]Finding, error) {
	s, err := read(ctx, e.Query)
	if err != nil {
		return nil, err
	}
	if e.History == nil {
		e.History = &History{}
	}
	d := &desk{Evidence: e, s: s}
	d.index()
	for _, check := range []func(){
		d.onceEach, d.refreshedOnce, d.levels, d.policies, // I1
		d.recorded, d.believed, // I2, I5
		d.counted,           // I3
		d.revoked,           // I4
		d.stuck, d.outboxes, // I6
		d.mails,   // REL-1, REL-2, REL-3
		d.secrets, // I7
	} {
		check()
	}
	if e.Chains != nil {
		d.blame("I2", "the audit chain: %v", e.Chains)
	}
	a.compare(d)
	return d.found, nil
}
