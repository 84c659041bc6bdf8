package company

import (
	"context"
	"fmt"
	"net/netip"
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

// ActivityBy says who did what administrators look for.
type ActivityBy string

// The answers. Others are administrators, the vendor's staff and programs.
const (
	BySelf   ActivityBy = "self" // whom it concerns
	ByOther  ActivityBy = "other"
	ByServer ActivityBy = "server" // the vendor, by the command line
)

// ActivityBys are the answers, in the order in which they are offered.
var ActivityBys = []ActivityBy{BySelf, ByOther, ByServer}

// ActivityFilter selects what happened in a company, newest first. What is empty selects everything.
type ActivityFilter struct {
	UserID       string
	ActorID      string // who did it
	By           ActivityBy
	Group        ActivityGroup
	Result       audit.Result
	App          string       // its id
	IP           string       // the whole address
	Network      netip.Prefix // in which the address lies
	Place        string       // part of it; a row is at most ActivitySearched old, as no place is kept for longer
	RequestID    string
	Since, Until time.Time // Since <= at < Until
	Before       string    // the id of the last row on the page before
	Limit        int       // 0: no rows, but names

	// Text is part of the name or address of whom it concerns or who did it, or a request's id; TextActions are the
	// actions that the text names in the reader's language. A row matches with any of them, and is at most
	// ActivitySearched old.
	Text        string
	TextActions []audit.Action
}

// ActivitySearched is how far back a search by text or place looks.
const ActivitySearched = audit.KeepPersonal

// Activity is one page of what happened.
type Activity struct {
	Rows []audit.Row
	More bool
	Many bool // more people match the text than are searched for

	// Where a search did not look at everything: the row, of BackAt, before which the next one begins.
	Back   string
	BackAt time.Time

	// Names are those of the people in the rows and the filter, by id; the vendor's staff have the vendor's.
	Names map[string]string
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
		if f.Limit > 0 {
			if err := out.load(ctx, tx, f); err != nil {
				return err
			}
		}
		if out.More = len(out.Rows) > f.Limit; out.More {
			out.Rows = out.Rows[:f.Limit]
		}
		return s.addNames(ctx, tx, &out, f.UserID, f.ActorID)
	})
	return out, err
}

func (out *Activity) load(ctx context.Context, tx *db.Tx, f ActivityFilter) error {
	text := strings.TrimSpace(f.Text)
	filter := f.rows()
	if oldest := tx.Now.Add(-ActivitySearched); (text != "" || f.Place != "") && filter.Since.Before(oldest) {
		filter.Since = oldest
	}
	var words *audit.Words
	if text != "" {
		var err error
		if words, err = out.words(ctx, tx, text, f.TextActions); err != nil {
			return err
		}
	}
	found, err := audit.Search(ctx, tx, filter, words)
	out.Rows = found.Rows
	if len(found.Rows) <= f.Limit {
		out.Back, out.BackAt = found.Back, found.BackAt
	}
	return err
}

// rows is the filter as the log understands it, and one row more, which shows that there are more.
func (f ActivityFilter) rows() audit.Filter {
	filter := audit.Filter{
		UserID:    f.UserID,
		ActorID:   f.ActorID,
		Prefixes:  groupPrefixes[f.Group],
		Result:    f.Result,
		ClientID:  f.App,
		IP:        f.IP,
		Network:   f.Network,
		Place:     f.Place,
		RequestID: f.RequestID,
		Since:     f.Since,
		Until:     f.Until,
		Before:    f.Before,
		Limit:     f.Limit + 1,
	}
	switch server := string(access.CommandLine); f.By {
	case BySelf:
		filter.By = audit.BySelf
	case ByOther:
		filter.By, filter.NotActorID = audit.ByOther, server
	case ByServer:
		filter.By, filter.ActorID = audit.ByOther, server
		if f.ActorID != "" && f.ActorID != server {
			filter.NotActorID = server // who is someone else is not the server
		}
	}
	return filter
}

// words are what a text may mean: a request, or people and actions.
func (out *Activity) words(ctx context.Context, tx *db.Tx, text string, actions []audit.Action) (
	*audit.Words, error,
) {
	words := &audit.Words{Actions: actions}
	if IsRequestID(strings.ToUpper(text)) {
		words.RequestID = strings.ToUpper(text)
		return words, nil
	}
	var err error
	if words.People, err = user.Matching(ctx, tx, text, audit.MaxWordPeople+1); err != nil {
		return nil, fmt.Errorf("look for people: %w", err)
	}
	if out.Many = len(words.People) > audit.MaxWordPeople; out.Many {
		words.People = words.People[:audit.MaxWordPeople]
	}
	return words, nil
}

// requestID is what the ids of requests look like. Other texts are not looked for among them.
var requestID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// IsRequestID reports whether a text looks like the id of a request.
func IsRequestID(text string) bool { return requestID.MatchString(text) }

// programs are the actors that are no people.
var programs = []string{"", "setup", string(access.CommandLine), string(access.APIKey), string(access.SCIM)}

// addNames adds the names of the people in the rows, those of others by their ids, and those of the apps.
func (s *Service) addNames(ctx context.Context, tx *db.Tx, out *Activity, ids ...string) error {
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return fmt.Errorf("load installation: %w", err)
	}
	if out.Apps, err = client.Names(ctx, tx, i.Name); err != nil {
		return err
	}
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
