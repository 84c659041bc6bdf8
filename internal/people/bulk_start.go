package people

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/internal/access"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message/email"
	"countersign/internal/user"
)

// JobBulk is the kind of job that continues an action on many people.
const JobBulk = "people.bulk"

// An action on few people runs while the page waits for it.
const (
	bulkAtOnce = 200
	bulkWait   = 8 * time.Second
	// When the job checks whether everyone was processed, in case the server stopped meanwhile.
	bulkLookAgain = 20 * time.Second
	// An action that has made no progress for so long no longer blocks others.
	bulkStalled = time.Hour
)

var (
	// ErrBulkChanged means that the people who are chosen now are not those that the actor was shown.
	ErrBulkChanged = fault.New(fault.Conflict, "bulk.changed")
	errBulkNoOne   = fault.New(fault.Conflict, "bulk.no_one")
	errBulkRunning = fault.New(fault.Conflict, "bulk.running")
)

// StartBulk starts the action that PlanBulk described, for the administrators of a company and the command line, and
// returns its id. shown is the digest of the plan that the actor saw; ErrBulkChanged if other people are chosen now.
// Conflict also if the company has an action of that kind under way, or if there is no one to do it to. An action on
// few people has normally finished when it returns.
func (s *Service) StartBulk(
	ctx context.Context, a access.Actor, company string, b Bulk, shown string,
) (id string, err error) {
	run, people, err := s.beginBulk(ctx, a, company, b, shown)
	if err != nil {
		return "", err
	}
	if people <= bulkAtOnce { // if this fails, the job continues it
		_, _ = s.workBulk(ctx, run, bulkWait)
	}
	return run.ID, nil
}

// beginBulk stores an action and its job, and returns how many people it affects.
func (s *Service) beginBulk(
	ctx context.Context, a access.Actor, company string, b Bulk, shown string,
) (run *bulkRun, people int, err error) {
	plan, err := s.PlanBulk(ctx, a, company, b)
	switch {
	case err != nil:
		return nil, 0, err
	case plan.Digest != shown:
		return nil, 0, ErrBulkChanged
	case plan.People == 0:
		return nil, 0, errBulkNoOne
	}
	if b.Reason, err = b.checkExemption(a, s.DB.Now()); err != nil {
		return nil, 0, err
	}
	err = s.inCompany(ctx, a, b.Kind.Action(), company, func(ctx context.Context, tx *db.Tx, a access.Actor) error {
		if err := checkBulk(a, b.Kind, tx.Tenant); err != nil {
			return err
		}
		run = &bulkRun{TenantID: tx.Tenant, ID: tx.NewID(), Origin: a.Origin}
		return s.storeBulk(ctx, tx, a, b, plan, run)
	})
	return run, plan.People, err
}

// checkExemption fails with Invalid under the same conditions as Exempt for one person. It returns the reason as it is
// stored.
func (b Bulk) checkExemption(a access.Actor, now time.Time) (reason string, err error) {
	if b.Kind != BulkExempt {
		return "", nil
	}
	if reason, err = CleanReason(a, b.Reason); err == nil {
		err = checkExemptionEnd(b.Until, now)
	}
	return reason, err
}

// storeBulk stores an action with the people whom it affects, records it and enqueues the job that continues it.
func (s *Service) storeBulk(
	ctx context.Context, tx *db.Tx, a access.Actor, b Bulk, plan BulkPlan, run *bulkRun,
) error {
	if err := endStalled(ctx, tx, b.Kind); err != nil {
		return err
	}
	first, err := insertBulk(ctx, tx, a, b, plan, run.ID)
	if err == nil && !first {
		err = errBulkRunning
	}
	if err != nil {
		return err
	}
	for ids := range slices.Chunk(plan.ids, MaxChosen) {
		if err := insertBulkPeople(ctx, tx, run.ID, ids); err != nil {
			return err
		}
	}
	if err := recordBulk(ctx, tx, a, run.ID, b.text(plan.People)); err != nil {
		return err
	}
	if b.Kind == BulkExempt { // once, instead of once for each person
		if err := TellOwners(ctx, tx, s.Notifier, a, email.AlertExemptedMany, user.User{}); err != nil {
			return err
		}
	}
	at := tx.Now
	if plan.People <= bulkAtOnce {
		at = at.Add(bulkLookAgain)
	}
	_, err = s.Notifier.Queue.Jobs.Enqueue(ctx, tx, JobBulk, bulkJob{run.ID, run.Origin}, at)
	return err
}

// text is an action as audit rows show it.
func (b Bulk) text(people int) string {
	text := string(b.Kind) + " " + strconv.Itoa(people) + " people"
	if b.Kind == BulkExempt {
		text += " " + exemptionText(user.Exemption{Until: b.Until, Reason: b.Reason})
	}
	return text
}

// endStalled ends an action of a kind that has made no progress for a long time.
func endStalled(ctx context.Context, tx *db.Tx, k BulkKind) error {
	id := ""
	err := tx.QueryRow(ctx, `
		UPDATE bulk_actions SET ended_at = $1, ended_because = 'stalled'
		WHERE tenant_id = $2 AND kind = $3 AND ended_at = 0 AND touched_at < $4 RETURNING id`,
		tx.Now, tx.Tenant, string(k), tx.Now.Add(-bulkStalled)).Scan(&id)
	if db.IsNoRows(err) {
		return nil
	}
	if err == nil {
		err = stopWaiting(ctx, tx, id)
	}
	if err != nil {
		return fmt.Errorf("end a stalled action: %w", err)
	}
	return nil
}

// insertBulk stores an action; it reports false if one of the same kind is under way.
func insertBulk(
	ctx context.Context, tx *db.Tx, a access.Actor, b Bulk, plan BulkPlan, id string,
) (first bool, err error) {
	u := user.User{} // the command line has no account
	if a.Kind == access.Person {
		if u, err = user.ByID(ctx, tx, a.UserID); err != nil {
			return false, fmt.Errorf("load the actor: %w", err)
		}
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO bulk_actions (tenant_id, id, kind, browsers, actor_id, session_id, security_version, left_out,
			exempt_until, reason, started_at, touched_at, ended_at, ended_because)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, 0, '')
		ON CONFLICT (tenant_id, kind) WHERE ended_at = 0 DO NOTHING`, tx.Tenant, id, string(b.Kind), b.Browsers,
		a.ID(), a.SessionID, u.SecurityVersion, writeCounts(plan.LeftOut), b.Until, b.Reason, tx.Now)
	if err != nil {
		return false, fmt.Errorf("store action: %w", err)
	}
	return n > 0, nil
}

// insertBulkPeople stores the people whom an action affects, at most MaxChosen people of tx.Tenant.
func insertBulkPeople(ctx context.Context, tx *db.Tx, id string, ids []string) error {
	q := &listQuery{args: []any{tx.Tenant, id}}
	q.text.WriteString(`
		INSERT INTO bulk_people (tenant_id, action_id, user_id, outcome, ended_at)
		SELECT u.tenant_id, $2, u.id, '', 0 FROM users u WHERE u.tenant_id = $1`)
	q.among("u.id", ids, MaxChosen)
	if _, err := tx.Exec(ctx, q.text.String(), q.args...); err != nil {
		return fmt.Errorf("store the people of an action: %w", err)
	}
	return nil
}

// stopWaiting marks the people who are still waiting as stopped.
func stopWaiting(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `
		UPDATE bulk_people SET outcome = $1, ended_at = $2
		WHERE tenant_id = $3 AND action_id = $4 AND outcome = ''`, string(OutcomeStopped), tx.Now, tx.Tenant, id)
	return err
}

func recordBulk(ctx context.Context, tx *db.Tx, a access.Actor, id string, what ...string) error {
	err := audit.Record(ctx, tx, audit.Event{
		Action:    audit.UserBulk,
		Result:    audit.OK,
		ActorID:   a.ID(),
		SubjectID: id,
		Reason:    strings.Join(what, " "),
		Origin:    a.Origin,
	})
	if err != nil {
		return fmt.Errorf("record an action: %w", err)
	}
	return nil
}
