package company

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/people"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// ActivityGroup is a kind of event that administrators look for.
type ActivityGroup string

// ActivityGroups are the groups, in the order in which they are offered.
var ActivityGroups = []ActivityGroup{"sign_ins", "methods", "people", "rules", "sessions"}

// groupPrefixes are the beginnings of the actions of each group.
var groupPrefixes = map[ActivityGroup][]string{
	"sign_ins": {"signin.", "challenge.", "admission."},
	"methods":  {"method.", "methods.", "second_step.", "passkey.", "receiver."},
	"people":   {"user.", "activity.", "password.", "address.", "account.", "notice.", "administration."},
	"rules":    {"tenant.", "company.", "texts."},
	"sessions": {"session.", "browser.", "token.", "client."},
}

// ActivityFilter selects what happened in a company, newest first. What is empty selects everything.
type ActivityFilter struct {
	UserID string
	Group  ActivityGroup
	Result audit.Result
	IP     string // the whole address
	Since  time.Time
	Before string // the id of the last row on the page before
	Limit  int

	// Text is part of the name or address of whom it concerns or who did it, or a request's id; TextActions are the
	// actions that the text names in the reader's language. A row matches with any of them, and is at most
	// ActivitySearched old.
	Text        string
	TextActions []audit.Action
}

// ActivitySearched is how far back a search by text looks.
const ActivitySearched = 90 * day

// Activity is one page of what happened.
type Activity struct {
	Rows []audit.Row
	More bool
	Many bool // more people match the text than are searched for

	// Where a search by text did not look at everything: the row, of BackAt, before which the next one begins.
	Back   string
	BackAt time.Time

	Names map[string]string // of the people in the rows, by id; those of the vendor's staff are the vendor's
	Apps  map[string]string // by id
}

// Activity lists what happened in a company.
func (s *Service) Activity(
	ctx context.Context, a access.Actor, idOrName string, f ActivityFilter,
) (out Activity, err error) {
	err = people.View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := people.Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		t, err := find(ctx, tx, a, access.ViewActivity, idOrName)
		if err != nil {
			return err
		}
		if err := access.Check(a, access.ViewActivity, access.Target{TenantID: t.ID}); err != nil {
			return err
		}
		tx = tx.ForTenant(t.ID)
		if err := out.load(ctx, tx, f); err != nil {
			return err
		}
		if out.More = len(out.Rows) > f.Limit; out.More {
			out.Rows = out.Rows[:f.Limit]
		}
		return s.addNames(ctx, tx, &out)
	})
	return out, err
}

func (out *Activity) load(ctx context.Context, tx *db.Tx, f ActivityFilter) (err error) {
	filter := audit.Filter{
		UserID:   f.UserID,
		Prefixes: groupPrefixes[f.Group],
		Result:   f.Result,
		IP:       f.IP,
		Since:    f.Since,
		Before:   f.Before,
		Limit:    f.Limit + 1,
	}
	text := strings.TrimSpace(f.Text)
	if text == "" {
		out.Rows, err = audit.List(ctx, tx, filter)
		return err
	}
	if oldest := tx.Now.Add(-ActivitySearched); filter.Since.Before(oldest) {
		filter.Since = oldest
	}
	words := audit.Words{Actions: f.TextActions}
	if requestID.MatchString(strings.ToUpper(text)) {
		words.RequestID = strings.ToUpper(text)
	} else if words.People, err = user.Matching(ctx, tx, text, audit.MaxWordPeople+1); err != nil {
		return fmt.Errorf("look for people: %w", err)
	}
	if out.Many = len(words.People) > audit.MaxWordPeople; out.Many {
		words.People = words.People[:audit.MaxWordPeople]
	}
	found, err := audit.Search(ctx, tx, filter, words)
	out.Rows = found.Rows
	if len(found.Rows) <= f.Limit {
		out.Back, out.BackAt = found.Back, found.BackAt
	}
	return err
}

// requestID is what the ids of requests look like. Other texts are not looked for among them.
var requestID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// programs are the actors that are no people.
var programs = []string{"", "setup", string(access.CommandLine), string(access.APIKey), string(access.SCIM)}

// addNames adds the names of the people and apps in the rows.
func (s *Service) addNames(ctx context.Context, tx *db.Tx, out *Activity) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	if out.Apps, err = client.Names(ctx, tx, i.Name); err != nil {
		return err
	}
	var ids []string
	for _, row := range out.Rows {
		ids = append(ids, row.UserID, row.ActorID)
	}
	slices.Sort(ids)
	if out.Names, err = user.Names(ctx, tx, slices.Compact(ids)); err != nil {
		return fmt.Errorf("load names: %w", err)
	}
	for _, row := range out.Rows {
		if out.Names[row.ActorID] == "" && !slices.Contains(programs, row.ActorID) {
			out.Names[row.ActorID] = i.Name
		}
	}
	return nil
}
