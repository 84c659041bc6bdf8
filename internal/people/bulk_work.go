package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/jobs"
	"countersign/internal/session"
	"countersign/internal/tenant"
	"countersign/internal/user"
)

// bulkFor is how long a job works before it lets another replica continue; its lease is longer.
const bulkFor = 40 * time.Second

// bulkRun is an action under way, and the request that started it.
type bulkRun struct {
	TenantID, ID string
	Origin       audit.Origin
	failed       error // the last error on our side
}

// bulkJob is what a job of JobBulk carries.
type bulkJob struct {
	ID     string
	Origin audit.Origin
}

// storedBulk is an action as it is stored.
type storedBulk struct {
	kind     BulkKind
	browsers bool
	actorID  string
	session  string
	version  int64
	endedAt  time.Time
	until    time.Time // of BulkExempt, and so is reason
	reason   string
}

// GoOnWithBulk is the handler of JobBulk. It processes each person once, however often it runs.
func (s *Service) GoOnWithBulk(ctx context.Context, j jobs.Job) error {
	var args bulkJob
	if err := json.Unmarshal(j.Args, &args); err != nil {
		return jobs.Drop(fmt.Errorf("read job: %w", err))
	}
	run := &bulkRun{TenantID: j.Tenant, ID: args.ID, Origin: args.Origin}
	finished, err := s.workBulk(ctx, run, bulkFor)
	err = errors.Join(err, run.failed) // for the log
	if err == nil && !finished {
		err = jobs.Later(s.DB.Now(), errors.New("there are more people"))
	}
	return err
}

// workBulk processes the people who are waiting in an action, for at most within. It reports whether the action has
// ended. Several replicas may work on one action at once.
func (s *Service) workBulk(ctx context.Context, run *bulkRun, within time.Duration) (finished bool, err error) {
	enough, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		b, waiting, err := s.nextOfBulk(ctx, run)
		switch {
		case err != nil:
			return false, err
		case !b.endedAt.IsZero():
			return true, nil
		case len(waiting) == 0:
			return true, s.endBulk(ctx, run, "done")
		}
		for _, id := range waiting {
			if enough.Err() != nil {
				return false, nil
			}
			err := s.doToOne(ctx, run, b, id)
			if errors.Is(err, errStarter) {
				return true, s.endBulk(ctx, run, "rights")
			}
			if err != nil {
				return false, err
			}
		}
	}
}

// nextOfBulk loads an action and the next people who are waiting in it, and records that it makes progress.
func (s *Service) nextOfBulk(ctx context.Context, run *bulkRun) (b storedBulk, waiting []string, err error) {
	err = s.DB.InTx(ctx, run.TenantID, func(tx *db.Tx) (err error) {
		if b, err = loadBulk(ctx, tx, run.ID); err != nil {
			return err
		}
		if waiting, err = tx.Texts(ctx, `
			SELECT user_id FROM bulk_people WHERE tenant_id = $1 AND action_id = $2 AND outcome = ''
			ORDER BY user_id LIMIT 100`, tx.Tenant, run.ID); err != nil {
			return err
		}
		return tx.ExecDeferred(ctx, `UPDATE bulk_actions SET touched_at = $1
			WHERE tenant_id = $2 AND id = $3 AND ended_at = 0`, tx.Now, tx.Tenant, run.ID)
	})
	if err != nil {
		return b, nil, fmt.Errorf("go on with an action: %w", err)
	}
	return b, waiting, nil
}

func loadBulk(ctx context.Context, tx *db.Tx, id string) (b storedBulk, err error) {
	err = tx.QueryRow(ctx, `
		SELECT kind, browsers, actor_id, session_id, security_version, ended_at, exempt_until, reason
		FROM bulk_actions WHERE tenant_id = $1 AND id = $2`, tx.Tenant, id).
		Scan(&b.kind, &b.browsers, &b.actorID, &b.session, &b.version, db.ScanTime(&b.endedAt), db.ScanTime(&b.until),
			&b.reason)
	return b, err
}

// doToOne processes one person. A refusal, or an error on our side, leaves out only that person. errStarter ends the
// action; a canceled context, or an outcome that could not be stored, ends the round.
func (s *Service) doToOne(ctx context.Context, run *bulkRun, b storedBulk, userID string) error {
	err := s.changeInBulk(ctx, run, b, userID)
	if err == nil || ctx.Err() != nil || errors.Is(err, errStarter) {
		return err
	}
	outcome := refusedOutcome(err)
	if outcome == "" {
		outcome, run.failed = OutcomeFailed, err
	}
	failed := s.DB.InTx(ctx, run.TenantID, func(tx *db.Tx) error {
		_, err := takeTurn(ctx, tx, run.ID, userID, outcome)
		return err
	})
	if failed != nil {
		return fmt.Errorf("note why someone is left out: %w", errors.Join(err, failed))
	}
	return nil
}

// changeInBulk changes one person in a transaction of its own, with the rights that the person who started the action
// has at that moment. The turn is taken in the same commit, so that nobody is processed twice.
func (s *Service) changeInBulk(ctx context.Context, run *bulkRun, b storedBulk, userID string) error {
	err := audit.OrLater(ctx, s.DB, run.TenantID, func(ctx context.Context, tx *db.Tx) error {
		a, err := starter(ctx, tx, b)
		if err != nil {
			return err
		}
		a.Origin = run.Origin
		if err := user.Lock(ctx, tx, userID); err != nil {
			return err
		}
		u, err := user.ByID(ctx, tx, userID)
		if err != nil {
			return err
		}
		first, err := takeTurn(ctx, tx, run.ID, userID, OutcomeDone)
		if err != nil || !first {
			return err
		}
		return s.changeOf(b)(ctx, tx, a, u)
	})
	return RecordRefusal(ctx, s.DB, err)
}

func (s *Service) changeOf(b storedBulk) bulkChange {
	switch b.kind {
	case BulkInvite:
		return s.inviteAgain
	case BulkRemind:
		return s.remind
	case BulkExempt:
		return s.exemptPending(b.until, b.reason)
	case BulkRequire:
		return s.endExemption
	}
	return s.signOut(b.browsers)
}

// errStarter means that the person who started an action may not continue it.
var errStarter = errors.New("the one who began the action has other rights now, or none")

// starter is the person who started an action, with the rights that they have in tx. They proved who they are when they
// started it, and need not stay signed in. errStarter if their account or role has changed since, or if their session
// was ended for another reason than signing out or its age: someone else may have started the action.
func starter(ctx context.Context, tx *db.Tx, b storedBulk) (a access.Actor, err error) {
	if b.actorID == access.Server.ID() {
		return access.Server, nil
	}
	a = access.Actor{
		Kind:      access.Person,
		TenantID:  tx.Tenant,
		UserID:    b.actorID,
		SessionID: b.session,
	}
	err = user.Lock(ctx, tx, b.actorID)
	if fault.Is(err, fault.NotFound) {
		return a, errStarter
	}
	if err != nil {
		return a, fmt.Errorf("hold the one who began it: %w", err)
	}
	var kind string
	err = tx.QueryRow(ctx, `
		SELECT u.role, t.kind FROM users u
		JOIN tenants t ON t.tenant_id = u.tenant_id AND t.suspended_at = 0
		JOIN sessions s ON s.tenant_id = u.tenant_id AND s.user_id = u.id AND s.id = $3
			AND (s.ended_at = 0 OR s.ended_because IN ($4, $5))
		WHERE u.tenant_id = $1 AND u.id = $2 AND u.disabled_at = 0 AND u.security_version = $6`,
		tx.Tenant, b.actorID, b.session, session.SignedOut, session.TimeIsOver, b.version).Scan(&a.Role, &kind)
	if db.IsNoRows(err) {
		return a, errStarter
	}
	a.Vendor = kind == tenant.Vendor
	return a, err
}

// takeTurn stores the outcome of a person who is waiting; it reports false if they have been processed before.
func takeTurn(ctx context.Context, tx *db.Tx, id, userID string, o Outcome) (first bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE bulk_people SET outcome = $1, ended_at = $2
		WHERE tenant_id = $3 AND action_id = $4 AND user_id = $5 AND outcome = ''`,
		string(o), tx.Now, tx.Tenant, id, userID)
	if err != nil {
		return false, fmt.Errorf("take a turn: %w", err)
	}
	return n > 0, nil
}

// endBulk ends an action, because everyone was processed or early.
func (s *Service) endBulk(ctx context.Context, run *bulkRun, because string) error {
	err := s.DB.InTx(ctx, run.TenantID, func(tx *db.Tx) error {
		_, err := endAction(ctx, tx, run.ID, because)
		return err
	})
	if err != nil {
		return fmt.Errorf("end an action: %w", err)
	}
	return nil
}

// endAction ends an action and marks the people who are still waiting as stopped; only the first caller gets true.
func endAction(ctx context.Context, tx *db.Tx, id, because string) (first bool, err error) {
	n, err := tx.Exec(ctx, `
		UPDATE bulk_actions SET ended_at = $1, ended_because = $2
		WHERE tenant_id = $3 AND id = $4 AND ended_at = 0`, tx.Now, because, tx.Tenant, id)
	if err != nil || n == 0 {
		return false, err
	}
	return true, stopWaiting(ctx, tx, id)
}
