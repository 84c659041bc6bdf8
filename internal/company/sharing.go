package company

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/authenticator/totp"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/session"
	"countersign/internal/sharing"
	"countersign/internal/user"
)

// SharingDays is how many days of activity are searched for evidence that several people use an account.
const SharingDays = 30

// How much one page of evidence looks at. What is left is for the next page.
const (
	suspectsAtOnce = 20
	peopleAtOnce   = 100   // with one statement
	maxPeople      = 2000  // of one page
	maxUses        = 20000 // of one statement, and about as many of a page
)

// Suspect is a person with evidence that others use their account, too.
type Suspect struct {
	User user.User
	sharing.Report
}

// Sharing is one page of evidence.
type Sharing struct {
	People []Suspect // the most likely first
	Looked int       // at how many people
	Next   string    // where the next page begins; empty: there is none
	Places bool      // it is known where addresses are
}

// Sharing looks through the activity of a company's people, by id after one of them, for evidence that several people
// use one account. It changes nothing. It fails with people.ErrCounting while that of many people is looked through.
func (s *Service) Sharing(ctx context.Context, a access.Actor, idOrName, after string) (out Sharing, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.ViewSharing, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.ViewSharing, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		find := func(ctx context.Context, tx *db.Tx) (Sharing, error) { return s.findSharing(ctx, tx, after) }
		out, err = people.Fully(people.CountedAmong(ctx, tx.ForTenant(t.ID), s.People.Counter, a, people.Slowly,
			"sharing "+after, find))
		return err
	})
	return out, err
}

func (s *Service) findSharing(ctx context.Context, tx *db.Tx, after string) (out Sharing, err error) {
	out.Places = s.Places.KnowsPoints()
	for uses := 0; ; {
		some, err := user.ActiveByID(ctx, tx, after, peopleAtOnce)
		if err != nil {
			return out, fmt.Errorf("list people: %w", err)
		}
		if len(some) == 0 {
			break
		}
		found, err := s.activityOf(ctx, tx, after, some[len(some)-1].ID)
		if err != nil {
			return out, err
		}
		for _, u := range some {
			if u.ID > found.until {
				break
			}
			after = u.ID
			out.Looked++
			if r := sharing.Assess(found.of[u.ID]); r.Likelihood != sharing.None {
				out.People = append(out.People, Suspect{u, r})
			}
		}
		uses += found.uses
		if len(some) < peopleAtOnce && found.until == some[len(some)-1].ID {
			break
		}
		if len(out.People) >= suspectsAtOnce || out.Looked >= maxPeople || uses >= maxUses {
			out.Next = after
			break
		}
	}
	slices.SortStableFunc(out.People, func(a, b Suspect) int {
		return likelihoods[b.Likelihood] - likelihoods[a.Likelihood]
	})
	return out, nil
}

var likelihoods = map[sharing.Likelihood]int{sharing.Low: 1, sharing.Likely: 2, sharing.VeryLikely: 3}

// activities are what some people did.
type activities struct {
	of    map[string]sharing.Activity
	uses  int
	until string // the last person whose uses were read
}

// sharingActions are the events that show where and how an account was used.
var sharingActions = []audit.Action{audit.SignInCompleted, audit.SignInSecondFactor}

// activityOf reads what the people after one did up to another. Of a single person with too many uses it reads the
// oldest.
func (s *Service) activityOf(ctx context.Context, tx *db.Tx, after, through string) (out activities, err error) {
	since := tx.Now.AddDate(0, 0, -SharingDays)
	rows, err := audit.ListByPerson(ctx, tx, audit.ByPerson{
		After:   after,
		Through: through,
		Since:   since,
		Actions: sharingActions,
		Result:  audit.OK,
		Limit:   maxUses,
	})
	if err != nil {
		return out, err
	}
	out.until = through
	if len(rows) == maxUses {
		rows, out.until = whole(rows)
	}
	last, err := session.LastUses(ctx, tx, after, through, since, maxUses)
	if err != nil {
		return out, err
	}
	out.uses, out.of = len(rows), map[string]sharing.Activity{}
	for _, row := range rows {
		of := out.of[row.UserID]
		s.addUse(&of, row, last)
		out.of[row.UserID] = of
	}
	return out, nil
}

// whole leaves out the last person of rows that were cut off, unless they are the only one.
func whole(rows []audit.Row) (kept []audit.Row, until string) {
	last := rows[len(rows)-1].UserID
	n := slices.IndexFunc(rows, func(r audit.Row) bool { return r.UserID == last })
	if n == 0 {
		return rows, last
	}
	return rows[:n], rows[n-1].UserID
}

func (s *Service) addUse(to *sharing.Activity, row audit.Row, last map[string]time.Time) {
	use := sharing.Use{
		At:      row.At,
		IP:      row.IP,
		Place:   row.Place,
		Browser: row.Browser,
	}
	use.Point, use.Located = s.Places.Point(addressOf(row.IP))
	if row.Action == audit.SignInSecondFactor {
		to.Codes = append(to.Codes, sharing.Code{
			Use:    use,
			Method: row.Method,
			ID:     row.SubjectID,
			Clock:  totp.ClockOf(row.Reason),
		})
		return
	}
	to.SignIns = append(to.SignIns, sharing.SignIn{Use: use, Until: last[row.SubjectID]})
}

// addressOf reads an address as the log keeps it: older ones are shortened to their network.
func addressOf(ip string) netip.Addr {
	bare, _, _ := strings.Cut(ip, "/")
	a, err := netip.ParseAddr(bare)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
