package people

import (
	"context"
	"fmt"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/user"
)

// Assurance is what a session of an app means for the people of one role: the weakest way to one.
type Assurance struct {
	App     string // its name; empty = our own pages
	Role    user.Role
	People  int // who have accepted their invitation and are not disabled
	Weakest policy.Path
	New     policy.Path // the weakest one in a browser that is not remembered, for those of Weak
	Weak    int         // for how many of them there is a way as weak
	Closed  int         // for whom there is no way
}

// rulesFor is an input changed to the rules of one app.
type rulesFor struct {
	app   string
	input func(policy.Input) policy.Input
}

// AssuranceOf finds the weakest way to a session for each app and role of the transaction's tenant, by asking policy
// for each kind of account there is. Each change makes the rules others, and gets a list of its own.
func AssuranceOf(
	ctx context.Context, tx *db.Tx, bindable []authenticator.Kind, apps []client.Client, changes ...func(*policy.Input),
) (out [][]Assurance, err error) {
	all := make([]assurances, len(changes))
	for n := range changes {
		all[n] = assurances{rules: rulesOf(apps), known: map[string][]weakestWay{}, byRole: map[user.Role][]Assurance{}}
	}
	rows, err := tx.Query(ctx, `
		SELECT `+facts.Columns+``+withRules+`
		JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		WHERE u.tenant_id = $2 AND u.disabled_at = 0`, client.PortalID, tx.Tenant)
	err = db.ForEach(rows, err, func(row db.Row) error {
		f, err := scanFacts(row)
		if err != nil {
			return err
		}
		for n, change := range changes {
			in := f.Input(tx.Now, bindable, nil, nil)
			change(&in)
			all[n].add(f.User.Role, in)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	for n := range all {
		out = append(out, all[n].list())
	}
	return out, nil
}

// Unchanged leaves the rules as they are.
func Unchanged(*policy.Input) {}

func rulesOf(apps []client.Client) []rulesFor {
	out := []rulesFor{{"", func(in policy.Input) policy.Input {
		in.OwnPages, in.AppID, in.AppName, in.AppExemptUntil = true, "", "", time.Time{}
		return in
	}}}
	for _, app := range apps {
		if app.ID == client.PortalID || app.Disabled() {
			continue
		}
		out = append(out, rulesFor{app.Name, func(in policy.Input) policy.Input {
			in.OwnPages, in.AppID, in.AppName, in.AppExemptUntil = false, app.ID, app.Name, app.ExemptUntil
			return in
		}})
	}
	return out
}

// assurances gathers what people have in common: there are few kinds of account, however many people.
type assurances struct {
	rules  []rulesFor
	known  map[string][]weakestWay // of each app, by kind of account
	byRole map[user.Role][]Assurance
}

type weakestWay struct {
	path, inNewBrowser policy.Path
	found              bool
}

func weakestOf(in policy.Input) (w weakestWay) {
	if w.path, w.found = policy.Weakest(in); !w.path.Remembered {
		w.inNewBrowser = w.path
		return w
	}
	in.InstallationDays = 0
	w.inNewBrowser, _ = policy.Weakest(in)
	return w
}

func (a *assurances) add(role user.Role, in policy.Input) {
	if a.byRole[role] == nil {
		for _, r := range a.rules {
			a.byRole[role] = append(a.byRole[role], Assurance{App: r.app, Role: role})
		}
	}
	in.Account = in.Account.Alike(in.Now)
	kind := fmt.Sprint(in.Account, in.Role, in.OwnChoice, in.PasswordFlagged, policy.StepOf(in.Role, in.UserID))
	ways := a.known[kind]
	if ways == nil {
		for _, r := range a.rules {
			ways = append(ways, weakestOf(r.input(in)))
		}
		a.known[kind] = ways
	}
	for n, way := range ways {
		a.byRole[role][n].count(way)
	}
}

func (a *Assurance) count(way weakestWay) {
	a.People++
	switch {
	case !way.found:
		a.Closed++
	case a.Weak == 0 || way.path.WeakerThan(a.Weakest):
		a.Weakest, a.New, a.Weak = way.path, way.inNewBrowser, 1
	case !a.Weakest.WeakerThan(way.path):
		a.Weak++
		if way.inNewBrowser.WeakerThan(a.New) {
			a.New = way.inNewBrowser
		}
	}
}

// list is in the order of the apps, and of the roles from the highest.
func (a *assurances) list() (out []Assurance) {
	for n := range a.rules {
		for _, role := range []user.Role{
			user.Operator,
			user.Support,
			user.Owner,
			user.Admin,
			user.Supervisor,
			user.Agent,
		} {
			if of := a.byRole[role]; of != nil {
				out = append(out, of[n])
			}
		}
	}
	return out
}
