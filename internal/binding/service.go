package binding

import (
	"cmp"
	"context"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/gate"
	"countersign/internal/notify"
	"countersign/internal/ratelimit"
	"countersign/internal/secret"
	"countersign/internal/session"
	"countersign/internal/signin"
	"countersign/internal/user"
)

// Service binds authenticators.
type Service struct {
	DB       *db.DB
	Keys     *secret.Keys
	Notifier *notify.Notifier
	Limits   config.Limits
	Origin   string // public origin, for the links in notices
	Gate     *gate.Gate
	SignIn   *signin.Service
	Binders  map[authenticator.Kind]authenticator.Binder
}

// Kinds are what can be set up here, strongest first.
func (s *Service) Kinds() (out []authenticator.Kind) {
	for _, k := range authenticator.SecondSteps {
		if s.Binders[k] != nil {
			out = append(out, k)
		}
	}
	return out
}

// Enrollee is the person who sets something up: in one browser, by a session or in the
// middle of a sign-in. A draft belongs to its holder and opens for no one else, and only in
// the browser that was given its reference when it began: a cookie of the session or of the
// sign-in that was copied before does not open it.
type Enrollee struct {
	Tenant  string
	UserID  string
	Scope   string      // "session:" or "flow:" and the id
	FlowID  string      // the sign-in that this rests on, which "this wasn't me" takes back
	Held    secret.Held // of the drafts that began in this browser
	Who     authenticator.Subject
	Visitor session.Visitor
}

// lock takes the person's row and their session until the transaction ends. NotFound where the
// session has ended since it was looked at (ATK-080). A sign-in holds itself.
func (h Enrollee) lock(ctx context.Context, tx *db.Tx) error {
	id, inSession := strings.CutPrefix(h.Scope, "session:")
	if !inSession {
		return nil
	}
	if err := user.Lock(ctx, tx, h.UserID); err != nil {
		return err
	}
	open, err := session.Lock(ctx, tx, h.UserID, id)
	if err == nil && !open {
		err = errOver
	}
	return err
}

// PendingEnrollment is a set-up that has begun.
type PendingEnrollment struct {
	authenticator.PendingEnrollment
	Kind      authenticator.Kind
	TriesLeft int
	Sends     int
	Now       time.Time

	Holds secret.Reference // what the browser must hold from now on; only from Propose
}

var (
	errNoKind = fault.New(fault.NotFound, "binding.no_such_method")
	errOver   = fault.New(fault.NotFound, "binding.over")
)

// limitDrafts bounds what a signed-in browser may write and send by set-ups.
var limitDrafts = ratelimit.Limit{Name: "draft.account", Windows: []ratelimit.Window{{Count: 20, Per: time.Hour}}}

// maxLabel bounds a name, in characters.
const maxLabel = 60

// Begin begins a set-up in place of an earlier one of the same kind by the same holder.
// wish is what the kind asks for (a phone number); a mistake in it is an Invalid fault, and
// nothing is lost but a try.
func (s *Service) Begin(ctx context.Context, h Enrollee, k authenticator.Kind, label,
	wish string) (d PendingEnrollment, err error) {
	b := s.Binders[k]
	if b == nil {
		return d, errNoKind
	}
	label, err = cleanLabel(label)
	if err != nil {
		return d, err
	}
	// On its own and first: what comes after is slow, or sends something.
	if err := s.DB.InTx(ctx, h.Tenant, func(tx *db.Tx) error { return s.spendDraft(ctx, tx, h) }); err != nil {
		return d, err
	}
	var prepared authenticator.State
	if p, ok := b.(authenticator.Preparer); ok {
		lane := password.WithQueueKey(ctx, password.QueueKey{Group: h.Tenant, Key: h.UserID})
		if prepared, err = p.Prepare(lane); err != nil {
			return d, err
		}
	}
	err = s.DB.InTx(ctx, h.Tenant, func(tx *db.Tx) error {
		d, err = s.open(ctx, tx, b, h, PendingEnrollment{Kind: k, PendingEnrollment: authenticator.PendingEnrollment{
			ID:    tx.NewID(),
			Label: label,
			Begun: tx.Now,
			Ends:  tx.Now.Add(s.Limits.FlowLife),
			State: prepared,
		}}, wish)
		return err
	})
	return d, err
}

func (s *Service) spendDraft(ctx context.Context, tx *db.Tx, h Enrollee) error {
	wait, err := ratelimit.SpendIn(ctx, tx, limitDrafts, h.UserID)
	if err == nil && wait > 0 {
		err = fault.New(fault.RateLimited, "error.rate_limited").After(wait)
	}
	return err
}

func (s *Service) open(ctx context.Context, tx *db.Tx, b authenticator.Binder, h Enrollee, d PendingEnrollment,
	wish string) (PendingEnrollment, error) {
	state, err := b.Propose(ctx, tx, h.Who, d.PendingEnrollment, wish)
	if err != nil {
		return d, err
	}
	d.State, d.TriesLeft, d.Now = state, s.Limits.WrongAnswers, tx.Now
	// A browser asks for what it holds only for so long: a draft that outlived its challenge
	// could be looked at and not be finished.
	if limited, ok := b.(interface {
		Ends(authenticator.State) time.Time
	}); ok && limited.Ends(state).Before(d.Ends) {
		d.Ends = limited.Ends(state)
	}
	if err := closeDrafts(ctx, tx, h, d.Kind, "replaced"); err != nil {
		return d, err
	}
	token, hash := secret.NewToken()
	d.Holds = secret.Reference{Tenant: tx.Tenant, ID: d.ID, Token: token}
	return d, s.store(ctx, tx, h, d, hash)
}

func (s *Service) store(ctx context.Context, tx *db.Tx, h Enrollee, d PendingEnrollment, hash []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO drafts (tenant_id, id, token_hash, user_id, kind, label, holder, sealed, tries_left, sends,
			begun_at, ends_at, closed_at, closed_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, 0, '')`,
		tx.Tenant, d.ID, hash, h.UserID, string(d.Kind), d.Label, h.Scope,
		s.Keys.Seal(d.State, place(tx.Tenant, d.ID)...), d.TriesLeft, d.Begun, d.Ends)
	return err
}

func place(tenant, id string) []string { return []string{"drafts", "sealed", tenant, id} }

// closeDrafts ends what the holder has begun of a kind, and erases it.
func closeDrafts(ctx context.Context, tx *db.Tx, h Enrollee, k authenticator.Kind, because string) error {
	_, err := tx.Exec(ctx, `UPDATE drafts SET closed_at = $1, closed_because = $2, sealed = NULL
		WHERE tenant_id = $3 AND user_id = $4 AND kind = $5 AND holder = $6 AND closed_at = 0`,
		tx.Now, because, tx.Tenant, h.UserID, string(k), h.Scope)
	return err
}

// Waiting is the set-up of a kind that the holder has begun and not finished, so that it can
// be left and taken up again. NotFound where there is none, or none that began in this browser.
func (s *Service) Waiting(ctx context.Context, h Enrollee, k authenticator.Kind) (d PendingEnrollment, err error) {
	err = s.DB.View(ctx, h.Tenant, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT id, token_hash, kind, label, sealed, tries_left, sends, begun_at, ends_at FROM drafts
			WHERE tenant_id = $1 AND user_id = $2 AND holder = $3
				AND kind = $4 AND closed_at = 0 AND ends_at > $5 AND tries_left > 0
			ORDER BY id DESC`, tx.Tenant, h.UserID, h.Scope, string(k), tx.Now)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() { // two that began at once are both open
			if d, err = s.scan(tx, h, rows); !fault.Is(err, fault.NotFound) {
				return err
			}
		}
		d = PendingEnrollment{}
		return cmp.Or(rows.Err(), error(errOver))
	})
	return d, err
}

// scan reads a draft, and opens it for a browser that holds its reference only.
func (s *Service) scan(tx *db.Tx, h Enrollee, row db.Row) (d PendingEnrollment, err error) {
	var sealed, hash []byte
	err = row.Scan(
		&d.ID,
		&hash,
		&d.Kind,
		&d.Label,
		&sealed,
		&d.TriesLeft,
		&d.Sends,
		db.ScanTime(&d.Begun),
		db.ScanTime(&d.Ends),
	)
	if db.IsNoRows(err) || err == nil && !h.Held.Opens(tx.Tenant, d.ID, hash) {
		return PendingEnrollment{}, errOver
	}
	if err != nil {
		return d, err
	}
	d.Now = tx.Now
	d.State, err = s.Keys.Open(sealed, place(tx.Tenant, d.ID)...)
	return d, err
}
