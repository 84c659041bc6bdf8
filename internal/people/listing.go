package people

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/client"
	"countersign/internal/db"
	"countersign/internal/policy"
	"countersign/internal/policy/facts"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// SavedView is a saved question about the people of a company.
type SavedView string

// The views. Accounts that are disabled are in DisabledAccounts only, people who have not accepted their invitation in
// Invited, unless it was withdrawn, and in the views about sign-ins only.
const (
	AllPeople        SavedView = ""
	OneMethodOwners  SavedView = "owners_with_one_method"
	WeakMethods      SavedView = "email_or_sms_only"
	NeverSignedIn    SavedView = "never_signed_in"
	Invited          SavedView = "invited"
	DisabledAccounts SavedView = "disabled_accounts"
)

// Views are all views, in the order in which they are offered.
var Views = []SavedView{AllPeople, OneMethodOwners, WeakMethods, NeverSignedIn, Invited, DisabledAccounts}

// Search is which people of a company are listed, by address. What is empty selects everything.
type Search struct {
	View   SavedView
	Status policy.Status
	Role   user.Role
	Text   string // part of the name or of the address
	After  string // the id of the last one on the page before
	Limit  int
	Coming *Coming // what the checks ask about; nil: the company's own rules
	Within int     // how many people are looked at for a page, where a filter may find few; 0 = everyone

	ids  []string // only of these, also if their account is disabled
	keys []string // only with these email keys, also if their account is disabled

	address string // only with this email key, in place of Text
	until   string // the id of the last one to look at
}

// Listed is one person in a list.
type Listed struct {
	User    user.User
	Status  policy.PersonStatus
	Methods []Used
	Invited bool // they have yet to choose a password

	Withdrawn bool // and their invitation was withdrawn

	SignedInAt time.Time // their last sign-in; zero = never

	exemptUntil time.Time // also one that is over
	hadFactor   bool      // they have or had a second factor
	key         string    // their email key
}

// Used is one method of a person, and when it was last used; zero = never.
type Used struct {
	Kind       authenticator.Kind
	LastUsed   time.Time
	OutOfOrder bool // disabled or suspended
}

// Page is one page of a list.
type Page struct {
	People []Listed
	More   bool // another page follows the last one
	Rule   policy.Rule

	// LookedTo is the last person who was looked at, where Search.Within ended the page: it goes on after their id.
	LookedTo user.User
}

// Search lists people of a company.
func (s *Service) Search(ctx context.Context, a access.Actor, company string, q Search) (p Page, err error) {
	err = View(ctx, s.DB, func(tx *db.Tx) error {
		a, err := Current(ctx, tx, s.Gate, a)
		if err != nil {
			return err
		}
		id, err := companyID(ctx, tx, a, access.ListPeople, company)
		if err != nil {
			return err
		}
		if err := q.allowed(a, id); err != nil {
			return err
		}
		p, err = s.SearchIn(ctx, tx.ForTenant(id), q)
		return err
	})
	return p, err
}

// allowed fails where the actor may not list people of a company, or not ask what the report says about them.
func (q Search) allowed(a access.Actor, company string) error {
	of := access.Target{TenantID: company}
	if err := access.Check(a, access.ListPeople, of); err != nil {
		return err
	}
	if q.Coming == nil && (q.View == AllPeople || slices.Contains(Views, q.View)) {
		return nil
	}
	return access.Check(a, access.ViewCompany, of)
}

// SearchIn is Search in tx.Tenant, for a caller that has checked what the actor may see.
func (s *Service) SearchIn(ctx context.Context, tx *db.Tx, q Search) (p Page, err error) {
	t, err := tenant.ByID(ctx, tx, tx.Tenant)
	if err != nil {
		return p, err
	}
	i, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return p, fmt.Errorf("load installation: %w", err)
	}
	p.Rule = policy.RuleOf(t, i, tx.Now)
	if err := q.findAddress(ctx, tx); err != nil {
		return p, fmt.Errorf("look for an address: %w", err)
	}
	until, err := q.lookedTo(ctx, tx)
	if err != nil {
		return p, fmt.Errorf("look how far a page goes: %w", err)
	}
	q.until = until.ID
	for _, part := range q.parts() {
		query := part.query(tx, requiredOf(t, i, tx.Now), policy.AllowedIn(t, i),
			coming(t, i, tx.Now, q.Coming, s.Bindable))
		rows, err := tx.Query(ctx, query.text.String(), query.args...)
		some, err := db.Collect(rows, err, func(row db.Row) (Listed, error) { return s.scanListed(tx, row) })
		if err != nil {
			return p, fmt.Errorf("list people: %w", err)
		}
		p.People = append(p.People, some...)
	}
	slices.SortStableFunc(p.People, func(a, b Listed) int { return strings.Compare(a.key, b.key) })
	if p.More = len(p.People) > q.limit(); p.More {
		p.People = p.People[:q.limit()]
		return p, nil
	}
	p.LookedTo = until
	return p, nil
}

// maxListed is the largest number of people on a page.
const maxListed = 500

func (q Search) limit() int {
	if q.Limit <= 0 {
		return 50
	}
	return min(q.Limit, maxListed)
}

// listedColumns are, besides facts.Columns, what a list shows of the user u.
const listedColumns = `,
	u.email_key, u.created_at, u.signed_in_at, COALESCE((SELECT MAX(s.created_at) FROM sessions s
		WHERE s.tenant_id = u.tenant_id AND s.user_id = u.id), 0), COALESCE(p.user_id, ''), COALESCE((
		SELECT string_agg(au.kind || ':' || au.last_used_at || ':' || au.disabled_at, ' ' ORDER BY au.bound_at, au.id)
		FROM authenticators au WHERE au.tenant_id = u.tenant_id AND au.user_id = u.id), ''),
	CASE WHEN p.user_id IS NULL AND ` + invitationWithdrawn + ` THEN 1 ELSE 0 END`

func (s *Service) scanListed(tx *db.Tx, row db.Row) (l Listed, err error) {
	var f facts.Facts
	var password, methods string
	var withdrawn int
	var created, before, session time.Time
	r := facts.Into(&f)
	var key string
	err = row.Scan(append(r.Targets(), &key,
		db.ScanTime(&created), db.ScanTime(&before), db.ScanTime(&session), &password, &methods, &withdrawn)...)
	if err != nil {
		return l, err
	}
	r.Decode(client.PortalID, tenant.MaxRememberDays)
	f.User.CreatedAt = created
	l = Listed{
		User:    f.User,
		Status:  policy.StatusOf(f.Input(tx.Now, s.Bindable, nil, nil)),
		Invited: password == "",

		Withdrawn: withdrawn > 0,

		key:         key,
		exemptUntil: f.ExemptUntil,
		hadFactor:   !f.FirstFactorAt.IsZero(),
	}
	if l.SignedInAt = before; session.After(before) {
		l.SignedInAt = session
	}
	l.Methods, err = parseUsed(methods)
	return l, err
}

func parseUsed(text string) (out []Used, err error) {
	for word := range strings.FieldsSeq(text) {
		parts := strings.Split(word, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("method %q", word)
		}
		at, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("method %q: %w", word, err)
		}
		out = append(out, Used{
			Kind:       authenticator.Kind(parts[0]),
			LastUsed:   db.Time(at),
			OutOfOrder: parts[2] != "0",
		})
	}
	return out, nil
}

// listQuery is a statement in the making.
type listQuery struct {
	text strings.Builder
	args []any
}

// where adds a condition; each %s in it stands for the value.
func (q *listQuery) where(condition string, value any) {
	q.args = append(q.args, value)
	q.and(strings.ReplaceAll(condition, "%s", "$"+strconv.Itoa(len(q.args))))
}

// at adds a condition in which each %s, if any, stands for an instant.
func (q *listQuery) at(now time.Time, condition string) {
	if strings.Contains(condition, "%s") {
		q.where(condition, now)
		return
	}
	q.and(condition)
}

// among adds the condition that a column has one of the values, at most so many. Shorter lists are padded, so that the
// statement is always the same and is prepared only once.
func (q *listQuery) among(column string, values []string, most int) {
	var marks []string
	for i := range most {
		value := ""
		if i < len(values) {
			value = values[i]
		}
		q.args = append(q.args, value)
		marks = append(marks, "$"+strconv.Itoa(len(q.args)))
	}
	q.and(column + " IN (" + strings.Join(marks, ", ") + ")")
}

func (q *listQuery) and(condition string) { q.text.WriteString(" AND " + condition) }

func (q Search) query(tx *db.Tx, from requirement, allowed policy.Allowed, coming comingRules) *listQuery {
	out := &listQuery{args: []any{client.PortalID, tx.Tenant}}
	out.text.WriteString(`
		SELECT ` + facts.Columns + listedColumns + `` + withRules + `
		LEFT JOIN passwords p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
		WHERE u.tenant_id = $2`)
	if q.ids == nil && q.keys == nil { // else SQLite would go through everyone to have them in order
		out.where(`u.email_key > COALESCE((
			SELECT last.email_key FROM users last WHERE last.tenant_id = $2 AND last.id = %s), '')`, q.After)
	}
	if q.until != "" {
		out.where(`u.email_key <= (
			SELECT ending.email_key FROM users ending WHERE ending.tenant_id = $2 AND ending.id = %s)`, q.until)
	}
	q.addView(tx, out, coming)
	if q.Role != "" {
		out.where("u.role = %s", string(q.Role))
		if q.Role != user.Agent {
			out.and("u.role <> 'agent'") // as the index users_with_role has it
		}
	}
	if q.address != "" {
		out.where("u.email_key = %s", q.address)
	} else if text := strings.TrimSpace(q.Text); text != "" {
		out.where(`(lower(u.name) LIKE %s ESCAPE '\' OR u.email_key LIKE %s ESCAPE '\')`,
			"%"+db.EscapeLike(strings.ToLower(text))+"%")
	}
	q.addStatus(out, from, allowed)
	if q.ids == nil && q.keys == nil {
		// PostgreSQL takes a limit that it does not know for a tenth of everyone, and reads all their methods at once.
		out.text.WriteString(" ORDER BY u.email_key LIMIT " + strconv.Itoa(q.limit()+1))
	}
	return out
}

func (q Search) addView(tx *db.Tx, out *listQuery, coming comingRules) {
	switch {
	case q.ids != nil:
		out.among("u.id", q.ids, chosenAtOnce)
		return
	case q.keys != nil:
		out.among("u.email_key", q.keys, chosenAtOnce)
		return
	case q.View == DisabledAccounts:
		out.and("u.disabled_at > 0")
		return
	}
	out.and("u.disabled_at = 0")
	switch q.View {
	case WeakMethods:
		out.and("NOT " + user.HasWorking + "a.kind IN ('totp', 'passkey', 'push'))")
	case NeverSignedIn:
		out.and(neverSignedIn)
	case Invited:
		out.and("p.user_id IS NULL AND NOT " + invitationWithdrawn)
	default:
		if slices.Contains(slices.Concat(Checks, Trials), q.View) {
			out.at(tx.Now, "("+coming.condition(q.View)+")")
		}
	}
}

// addStatus selects as policy.StatusOf decides; TestSearchFindsStatuses compares them.
func (q Search) addStatus(out *listQuery, from requirement, allowed policy.Allowed) {
	if q.Status == "" {
		return
	}
	must := from.condition()
	if q.Status == policy.Disabled {
		out.and("NOT " + must)
		return
	}
	out.and(must)
	method := methodCondition(allowed)
	if q.Status == policy.Pending {
		out.where("NOT ("+method+")", factorWords(allowed))
		return
	}
	out.where("("+method+")", factorWords(allowed))
}

// kindAllowed holds for an authenticator a of a kind that is among factorWords.
const kindAllowed = `%s LIKE '% ' || a.kind || ' %'`

// factorWords are the second factors that are allowed, each between spaces.
func factorWords(a policy.Allowed) string {
	var b strings.Builder
	b.WriteString(" ")
	for _, k := range a.Factors() {
		b.WriteString(string(k) + " ")
	}
	return b.String()
}
