package people

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// BulkKind is an action on many people at once.
type BulkKind string

// The kinds.
const (
	BulkInvite  BulkKind = "invite"
	BulkRemind  BulkKind = "remind"
	BulkSignOut BulkKind = "sign_out"
	BulkExempt  BulkKind = "exempt"  // gives more time to set up a method, in place of an earlier exemption
	BulkRequire BulkKind = "require" // ends exemptions
)

// BulkKinds are the kinds, in the order in which they are offered.
var BulkKinds = []BulkKind{BulkInvite, BulkRemind, BulkExempt, BulkRequire, BulkSignOut}

// bulkChange changes one person in a transaction of their company.
type bulkChange func(ctx context.Context, tx *db.Tx, a access.Actor, u user.User) error

// Action is the right that a kind needs. An unknown kind needs one that nobody has.
func (k BulkKind) Action() access.Action {
	switch k {
	case BulkInvite:
		return access.InvitePerson
	case BulkRemind:
		return access.RemindPerson
	case BulkSignOut:
		return access.SignOutPerson
	case BulkExempt, BulkRequire:
		return access.ExemptPerson
	}
	return ""
}

// Limits of one action. More than MaxChosen people can only be chosen by a filter.
const (
	MaxChosen = 200
	MaxBulk   = 20_000
	maxNamed  = 20 // how many people are named before it is done
)

// Bulk is an action that an administrator wants to take on many people: those of IDs, those of Emails or, with All,
// everyone whom Search selects.
type Bulk struct {
	Kind     BulkKind
	IDs      []string
	Emails   []string // any number; whose address is not among the company's people is not chosen
	All      bool
	Search   Search
	Browsers bool // BulkSignOut: forget remembered browsers, too

	Until  time.Time // BulkExempt: the end of the exemptions
	Reason string    // BulkExempt: why they are given

	Named bool // the plan names everyone who was chosen
}

// Outcome is the result for one person; empty while they wait.
type Outcome string

// Every outcome but OutcomeDone says why someone is left out.
const (
	OutcomeDone           Outcome = "done"
	OutcomeSelf           Outcome = "self"            // people do it on the pages of their own account
	OutcomeRole           Outcome = "role"            // the actor may not do it to someone of their role
	OutcomeDisabled       Outcome = "disabled"        // their account is closed
	OutcomeHasPassword    Outcome = "has_password"    // needs no invitation
	OutcomeWithdrawn      Outcome = "withdrawn"       // their invitation was withdrawn
	OutcomeNotPending     Outcome = "not_pending"     // has nothing left to set up
	OutcomeNotAccepted    Outcome = "not_accepted"    // must accept their invitation first
	OutcomeRemindedBefore Outcome = "reminded_before" // less than a day ago
	OutcomeSignedOut      Outcome = "signed_out"      // has nothing that could be ended
	OutcomeHadMethod      Outcome = "had_method"      // has or had a second factor, which an exemption is not for
	OutcomeNotExempt      Outcome = "not_exempt"      // has no exemption to end
	OutcomeOften          Outcome = "often"           // has reached the limit of mails or changes
	OutcomeGone           Outcome = "gone"            // is no longer there
	OutcomeStopped        Outcome = "stopped"         // the action ended before it was their turn
	OutcomeFailed         Outcome = "failed"
)

// Outcomes are the outcomes in the order in which they are listed.
var Outcomes = []Outcome{OutcomeSelf, OutcomeRole, OutcomeDisabled, OutcomeHasPassword, OutcomeWithdrawn,
	OutcomeNotPending,
	OutcomeNotAccepted, OutcomeRemindedBefore, OutcomeSignedOut, OutcomeHadMethod, OutcomeNotExempt,
	OutcomeOften, OutcomeGone, OutcomeStopped, OutcomeFailed}

// BulkPlan is what an action would do now.
type BulkPlan struct {
	Matched int             // how many people were chosen
	People  int             // how many of them it would affect
	First   []user.User     // the first of those by address
	LeftOut map[Outcome]int // how many of the others, by reason
	Digest  string          // of the choice and of all who were chosen
	Chosen  []BulkPerson    // with Bulk.Named: everyone, by address

	ids []string // of those whom it would affect
}

var errBulkLarge = fault.New(fault.Invalid, "bulk.too_many")

// PlanBulk says what an action would do, and does nothing. People of other companies are never among those chosen.
// Invalid if more than MaxBulk are chosen.
func (s *Service) PlanBulk(ctx context.Context, a access.Actor, company string, b Bulk) (p BulkPlan, err error) {
	err = s.toPlanBulk(ctx, a, company, b, func(tx *db.Tx, a access.Actor) (err error) {
		p, err = s.planBulk(ctx, tx, a, b)
		return err
	})
	return p, err
}

// PreviewBulk is PlanBulk for someone who looks at the plan. Where a company has many people and everyone of a list is
// chosen, it is made in the background, ErrCounting until there is one: StartBulk makes one of its own and compares.
func (s *Service) PreviewBulk(ctx context.Context, a access.Actor, company string, b Bulk) (p BulkPlan, err error) {
	if !b.All {
		return s.PlanBulk(ctx, a, company, b)
	}
	err = s.toPlanBulk(ctx, a, company, b, func(tx *db.Tx, a access.Actor) (err error) {
		plan := func(ctx context.Context, tx *db.Tx) (BulkPlan, error) {
			p, err := s.planBulk(ctx, tx, a, b)
			p.ids = nil
			return p, err
		}
		p, err = Fully(CountedAmong(ctx, tx, s.Counter, a, Slowly, b.question(a), plan))
		return err
	})
	return p, err
}

// question tells apart what a plan depends on but for the people.
func (b Bulk) question(a access.Actor) string {
	coming := "none"
	if c := b.Search.Coming; c != nil {
		coming = fmt.Sprintf("%q", *c)
	}
	b.Search.Coming = nil
	return fmt.Sprintf("bulk %q %q %+v %s", a.ID(), a.Role, b, coming)
}

// toPlanBulk runs fn for an actor who may begin such an action, in a transaction of the company.
func (s *Service) toPlanBulk(
	ctx context.Context, a access.Actor, company string, b Bulk, fn func(*db.Tx, access.Actor) error,
) error {
	return View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		id, err := companyID(ctx, tx, a, b.Kind.Action(), company)
		if err != nil {
			return err
		}
		if err := checkBulk(a, b.Kind, id); err != nil {
			return err
		}
		return fn(tx.ForTenant(id), a)
	})
}

// checkBulk fails unless the actor may do it to anyone: an actor who may not do it to the lowest role may do it to
// nobody.
func checkBulk(a access.Actor, k BulkKind, company string) error {
	return access.Check(a, k.Action(), access.Target{TenantID: company, Role: user.Agent})
}

func (s *Service) planBulk(ctx context.Context, tx *db.Tx, a access.Actor, b Bulk) (p BulkPlan, err error) {
	if err := b.Search.allowed(a, tx.Tenant); err != nil {
		return p, err
	}
	p.LeftOut = map[Outcome]int{}
	digest := sha256.New()
	fmt.Fprintf(digest, "%s %s %s %t", tx.Tenant, a.ID(), b.Kind, b.Browsers)
	err = s.eachChosen(ctx, tx, b, func(listed []Listed) error {
		if p.Matched += len(listed); p.Matched > MaxBulk {
			return errBulkLarge
		}
		why, err := reasons(ctx, tx, a, b, listed)
		if err != nil {
			return err
		}
		for n, l := range listed {
			fmt.Fprintf(digest, " %s", l.User.ID)
			p.add(l.User, why[n])
			if b.Named {
				p.Chosen = append(p.Chosen, BulkPerson{l.User, why[n]})
			}
		}
		return nil
	})
	p.Digest = base64.RawURLEncoding.EncodeToString(digest.Sum(nil))
	return p, err
}

func (p *BulkPlan) add(u user.User, why Outcome) {
	if why != "" {
		p.LeftOut[why]++
		return
	}
	p.People++
	p.ids = append(p.ids, u.ID)
	if len(p.First) < maxNamed {
		p.First = append(p.First, u)
	}
}

// eachChosen passes the chosen people to fn, by address and at most MaxChosen at a time.
func (s *Service) eachChosen(ctx context.Context, tx *db.Tx, b Bulk, fn func([]Listed) error) error {
	if len(b.Emails) > 0 {
		return s.eachOfEmails(ctx, tx, b.Emails, fn)
	}
	q := b.Search
	if !b.All {
		q = Search{ids: append([]string{}, b.IDs[:min(len(b.IDs), MaxChosen)]...)}
	}
	q.After, q.Limit = "", MaxChosen
	for {
		page, err := s.SearchIn(ctx, tx, q)
		if err != nil {
			return err
		}
		if err := fn(page.People); err != nil || !page.More {
			return err
		}
		q.After = page.People[len(page.People)-1].User.ID
	}
}

// reasons are why each of the people would be left out; empty if they would not be.
func reasons(ctx context.Context, tx *db.Tx, a access.Actor, b Bulk, listed []Listed) (out []Outcome, err error) {
	var open, before map[string]bool
	switch b.Kind {
	case BulkSignOut:
		open, err = signedInAmong(ctx, tx, idsOf(listed), b.Browsers)
	case BulkRemind:
		pending := slices.DeleteFunc(slices.Clone(listed), func(l Listed) bool { return notToRemind(l) != "" })
		before, err = remindedIn(ctx, tx, pending)
	}
	for _, l := range listed {
		why := refusedOutcome(access.Check(a, b.Kind.Action(), target(l.User)))
		switch {
		case why != "":
		case !l.User.DisabledAt.IsZero():
			why = OutcomeDisabled
		case b.Kind == BulkInvite && !l.Invited:
			why = OutcomeHasPassword
		case b.Kind == BulkInvite && l.Withdrawn:
			why = OutcomeWithdrawn
		case b.Kind == BulkRemind && notToRemind(l) != "":
			why = notToRemind(l)
		case b.Kind == BulkRemind && before[l.User.ID]:
			why = OutcomeRemindedBefore
		case b.Kind == BulkSignOut && !open[l.User.ID]:
			why = OutcomeSignedOut
		case b.Kind == BulkExempt:
			why = notToExempt(l)
		case b.Kind == BulkRequire && l.exemptUntil.IsZero():
			why = OutcomeNotExempt
		}
		out = append(out, why)
	}
	return out, err
}

func notToRemind(l Listed) Outcome {
	switch {
	case l.Invited:
		return OutcomeNotAccepted
	case l.Status.Status != policy.Pending:
		return OutcomeNotPending
	}
	return ""
}

func notToExempt(l Listed) Outcome {
	switch {
	case l.hadFactor:
		return OutcomeHadMethod
	case l.Status.Status != policy.Pending:
		return OutcomeNotPending
	}
	return ""
}

func idsOf(listed []Listed) (out []string) {
	for _, l := range listed {
		out = append(out, l.User.ID)
	}
	return out
}

// outcomes are the outcomes of people whose change fails, by the message of the fault.
var outcomes = map[string]Outcome{
	"access.self":             OutcomeSelf,
	"access.role":             OutcomeRole,
	"access.denied":           OutcomeRole,
	errIsDisabled.Message:     OutcomeDisabled,
	"user.has_password":       OutcomeHasPassword,
	errWithdrawn.Message:      OutcomeWithdrawn,
	errNotPending.Message:     OutcomeNotPending,
	errRemindedBefore.Message: OutcomeRemindedBefore,
	errSignedOut.Message:      OutcomeSignedOut,
	errExemptHasOne.Message:   OutcomeHadMethod,
	errExemptNothing.Message:  OutcomeNotExempt,
	errExemptPast.Message:     OutcomeStopped,
	errMailedOften.Message:    OutcomeOften,
	errChangedOften.Message:   OutcomeOften,
	"user.invited_often":      OutcomeOften,
	errUnknown.Message:        OutcomeGone,
}

// refusedOutcome is the outcome of a person whose change fails with err; empty if err is nil or an error on our side.
func refusedOutcome(err error) Outcome {
	if err == nil {
		return ""
	}
	return outcomes[fault.Of(err).Message]
}

// writeCounts writes how many people have each outcome, and readCounts reads it.
func writeCounts(of map[Outcome]int) string {
	var out []string
	for _, o := range Outcomes {
		if of[o] > 0 {
			out = append(out, fmt.Sprintf("%s:%d", o, of[o]))
		}
	}
	return strings.Join(out, " ")
}

func readCounts(text string) (map[Outcome]int, error) {
	out := map[Outcome]int{}
	for word := range strings.FieldsSeq(text) {
		name, number, _ := strings.Cut(word, ":")
		var n int
		if _, err := fmt.Sscanf(number, "%d", &n); err != nil {
			return nil, fmt.Errorf("count %q: %w", word, err)
		}
		out[Outcome(name)] = n
	}
	return out, nil
}
