package faults

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/auditor"
	"countersign/acceptance/rig"
)

// plant is something that must not be, and what the auditor must say of it.
type plant struct {
	name      string
	invariant string
	says      string
	rows      string // a statement, or
	// "table|condition|column=value": the first such row once more, or
	copied   string
	evidence func(e *auditor.Evidence, h *auditor.History) // something else than rows
}

const (
	codeRight  = `action = 'signin.second_factor' AND result = 'ok'`
	codeWrong  = `action = 'signin.second_factor' AND result = 'failed'`
	passwordID = `action = 'signin.password' AND result = 'failed'`
)

var plants = []plant{
	{name: "a flow with two sessions", invariant: "I1", says: "sessions", rows: `UPDATE sessions
		SET flow_id = (SELECT MIN(flow_id) FROM sessions)`},
	{name: "a session whose flow did not finish", invariant: "I1", says: "finished false", rows: `UPDATE flows
		SET closed_because = 'cancelled' WHERE closed_because = 'done'`},
	{name: "a code that worked twice", invariant: "I1", says: "2 right answers", copied: "audit_events|" + codeRight},
	{name: "a code that is still good", invariant: "I1", says: "has spent 0 challenges", rows: `UPDATE flows
		SET challenge_id = 'other' WHERE closed_because = 'done'`},
	{name: "a code spent by no one", invariant: "I1", says: "0 right answers", rows: `UPDATE challenges
		SET closed_because = 'answered' WHERE closed_because = 'replaced'`},
	{name: "two open codes", invariant: "I1", says: "open challenges",
		rows: `DROP INDEX challenges_one_open; UPDATE flows SET closed_at = 0; UPDATE challenges SET closed_at = 0`},
	{name: "an authorization code that worked twice", invariant: "I1", says: "gave tokens 2 times",
		copied: "audit_events|action = 'token.issued'"},
	{name: "an authorization code that is still good", invariant: "I1", says: "spent false",
		rows: `UPDATE authorization_codes SET redeemed_at = 0`},
	{name: "a refresh token that worked twice", invariant: "I1", says: "in the audit record",
		rows: `UPDATE refresh_families SET generation = generation + 1`},
	{name: "a client that was let in twice by one mail", invariant: "I1", says: "told twice",
		evidence: func(_ *auditor.Evidence, h *auditor.History) { h.Answered("m"); h.Answered("m") }},
	{name: "a client that refreshed one token twice", invariant: "I1", says: "told twice",
		evidence: func(_ *auditor.Evidence, h *auditor.History) {
			h.Refreshed("t.family.old", "t.family.a")
			h.Refreshed("t.family.old", "t.family.b")
		}},
	{name: "a client that redeemed one code twice", invariant: "I1", says: "told twice",
		evidence: func(_ *auditor.Evidence,
			h *auditor.History) {
			h.Redeemed("t.code.x", "")
			h.Redeemed("t.code.x", "")
		}},
	{name: "a level above the methods", invariant: "I1", says: "has level", rows: `UPDATE sessions
		SET acr = 'urn:countersign:acr:1e' WHERE acr = 'urn:countersign:acr:1'`},
	{name: "a session above its proofs", invariant: "I1", says: "stands on the proofs", rows: `UPDATE sessions
		SET acr = 'urn:countersign:acr:1e', amr = 'pwd email'`},
	{name: "a session without an answered mail", invariant: "I1", says: "a mail was answered", rows: `DELETE
		FROM audit_events WHERE ` + codeRight},
	{name: "a covered app without a second step", invariant: "I1", says: "no second step", rows: `UPDATE sessions
		SET acr = 'urn:countersign:acr:1', amr = 'pwd', remembered_id = ''`},
	{name: "a covered app on someone's memory", invariant: "I1", says: "no second step",
		rows: `UPDATE remembered_browsers SET user_id = (SELECT MIN(id) FROM users)`},
	{name: "a session without a record", invariant: "I2", says: "stands in the audit record 0 times", rows: `DELETE
		FROM audit_events WHERE action = 'signin.completed'`},
	{name: "a session with two records", invariant: "I2", says: "stands in the audit record 2 times",
		copied: "audit_events|action = 'signin.completed'"},
	{name: "a record of another level", invariant: "I2", says: "differs", rows: `UPDATE audit_events
		SET level = 'urn:countersign:acr:3' WHERE action = 'signin.completed'`},
	{name: "a record without a session", invariant: "I2", says: "without the session",
		copied: "audit_events|action = 'signin.completed'|subject_id=nothing"},
	{name: "a record without tokens", invariant: "I2", says: "without the family",
		copied: "audit_events|action = 'token.issued'|subject_id=nothing"},
	{name: "tokens without a record", invariant: "I2", says: "lines of tokens", rows: `DELETE FROM audit_events
		WHERE action = 'token.issued'`},
	{name: "a challenge without a record", invariant: "I2", says: "stands in the audit record 0 times",
		rows: `DELETE FROM audit_events WHERE action = 'challenge.sent'`},
	{name: "a record without a challenge", invariant: "I2", says: "which does not exist",
		copied: "audit_events|action = 'challenge.sent'|subject_id=nothing"},
	{name: "a broken chain", invariant: "I2", says: "the audit chain",
		evidence: func(e *auditor.Evidence, _ *auditor.History) { e.Chains = sql.ErrNoRows }},
	{name: "refreshed more often than is known", invariant: "I2", says: "clients heard of",
		rows: `UPDATE refresh_families SET generation = 1`},
	{name: "a session that no row knows", invariant: "I5", says: "no row knows",
		evidence: func(_ *auditor.Evidence, h *auditor.History) { h.Session("t.nothing.x") }},
	{name: "an authorization code that no row knows", invariant: "I5", says: "no row knows",
		evidence: func(_ *auditor.Evidence, h *auditor.History) { h.Authorized("t.nothing.x") }},
	{name: "tokens that no row knows", invariant: "I5", says: "no row knows",
		evidence: func(_ *auditor.Evidence, h *auditor.History) { h.Redeemed("t.nothing.x", "") }},
	{name: "let in by a mail that was not answered", invariant: "I5", says: "was not answered",
		evidence: func(_ *auditor.Evidence, h *auditor.History) { h.Answered("nothing") }},
	{name: "a try that came back", invariant: "I3", says: "were told to be left",
		rows: `UPDATE challenges SET tries_left = 5`},
	{name: "more wrong answers than tries", invariant: "I3", says: "tries were taken",
		rows: `UPDATE challenges SET tries_left = 5`},
	{name: "a wrong answer without a record", invariant: "I3", says: "were told, 0 recorded", rows: `DELETE
		FROM audit_events WHERE ` + codeWrong},
	{name: "a budget that came back", invariant: "I3", says: "the budget knows", rows: `DELETE FROM budgets
		WHERE name = 'second.account'`},
	{name: "a wrong answer to nothing", invariant: "I3", says: "which does not exist",
		evidence: func(_ *auditor.Evidence, h *auditor.History) { h.Wrong("x@y.test", "ABCD", 4) }},
	{name: "a wrong password without a record", invariant: "I3", says: "wrong passwords were told", rows: `DELETE
		FROM audit_events WHERE ` + passwordID},
	{name: "a session that was signed out and lives", invariant: "I4", says: "told to be over",
		rows: `UPDATE sessions SET ended_at = 0`},
	{name: "tokens after the end", invariant: "I4", says: "after its end",
		rows: `UPDATE sessions SET ended_at = 1 WHERE ended_at > 0`},
	{name: "a flow that was disowned and is not", invariant: "I4", says: "told to be disowned",
		rows: `UPDATE flows SET disowned_at = 0`},
	{name: "a disowned browser that is remembered", invariant: "I4", says: "is alive",
		rows: `UPDATE remembered_browsers SET ended_at = 0`},
	{name: "a flow that comes back to life", invariant: "I4", says: "was over since",
		rows: `UPDATE flows SET closed_at = 0`},
	{name: "an authorization code that comes back to life", invariant: "I4", says: "was over since",
		rows: `UPDATE authorization_codes SET redeemed_at = 0`},
	{name: "a refresh family that goes back", invariant: "I3", says: "went back", rows: `UPDATE refresh_families
		SET generation = generation - 1`},
	{name: "an audit row that is gone", invariant: "I2", says: "is gone", rows: `DELETE FROM audit_events
		WHERE action = 'session.ended'`},
	{name: "an audit row that is unsealed again", invariant: "I3", says: "went back",
		rows: `UPDATE audit_events SET seq = 0`},
	{name: "a flow without an end", invariant: "I6", says: "may last too long", rows: `UPDATE flows
		SET expires_at = expires_at + 1`},
	{name: "a challenge without an end", invariant: "I6", says: "may last too long", rows: `UPDATE challenges
		SET expires_at = expires_at + 1`},
	{name: "a job that no one may take", invariant: "I6", says: "is claimed until", rows: `UPDATE jobs
		SET done_at = 0, claimed_until = run_at + 900000000000`},
	{name: "a message that no one sends", invariant: "I6", says: "no one will send it",
		rows: `UPDATE messages SET state = 'queued'`},
	{name: "a message without a job", invariant: "I6", says: "has 0 jobs", rows: `DELETE FROM jobs
		WHERE kind = 'message.send'`},
	{name: "words that stayed", invariant: "I7", says: "its words are still there", rows: `UPDATE messages
		SET sealed = token_hash FROM (SELECT token_hash FROM sessions LIMIT 1) AS any_bytes`},
	{name: "a code without its message", invariant: "I2", says: "without its message", rows: `UPDATE challenges
		SET message_id = 'nothing'`},
	{name: "a message without its code", invariant: "I2", says: "carries a code of 0 challenges",
		rows: `UPDATE challenges SET message_id = 'nothing'`},
	{name: "a mail that is none of ours", invariant: "I2", says: "no message of ours",
		evidence: func(e *auditor.Evidence, _ *auditor.History) {
			m := e.Mails[0]
			m.Header = m.Header.Copy()
			m.Header.Set("Message-Id", "<nothing@example.test>")
			e.Mails = append(e.Mails, m)
		}},
	{name: "a duplicate with another code", invariant: "I1", says: "came twice and differs",
		evidence: func(e *auditor.Evidence, _ *auditor.History) {
			m := e.Mails[0]
			m.Code = "123321"
			e.Mails = append(e.Mails, m)
		}},
	{name: "a password in a log", invariant: "I7", says: "the log holds a password",
		evidence: func(e *auditor.Evidence, h *auditor.History) {
			h.Secret("password", "correct horse battery")
			e.Rest = map[string][]byte{"the log": []byte(`{"msg":"tried correct horse battery"}`)}
		}},
	{name: "a code in a log", invariant: "I7", says: "the log holds a code",
		evidence: func(e *auditor.Evidence, _ *auditor.History) {
			e.Rest = map[string][]byte{"the log": []byte(`{"code":"` + e.Mails[len(e.Mails)-1].Code + `"}`)}
		}},
	{name: "a link in a file", invariant: "I7", says: "the file holds a link",
		evidence: func(e *auditor.Evidence, _ *auditor.History) {
			e.Rest = map[string][]byte{"the file": []byte("GET " + codes(e.Mails)[0].Link)}
		}},
	{name: "a token in the database", invariant: "I7", says: "holds a refresh token",
		evidence: func(e *auditor.Evidence, h *auditor.History) {
			h.Redeemed("t.c.x", "t.f.0123456789abcdefghij")
			e.Rest = map[string][]byte{"the database": []byte("\x00\x010123456789abcdefghij\xff")}
		}},
	{name: "a code among the rows", invariant: "I7", says: "the rows holds a code", rows: `UPDATE jobs
		SET args = '{"code":"246813"}'`, evidence: func(e *auditor.Evidence, h *auditor.History) {
		h.Secret("code", "246813")
		e.Rest = map[string][]byte{}
	}},
}

func codes(mails []rig.Mail) []rig.Mail {
	return slices.DeleteFunc(slices.Clone(mails), func(m rig.Mail) bool { return m.Code == "" })
}

// TestAuditorSeesWhatIsPlanted: a check that cannot fail is worth nothing. The story is
// played, the auditor finds nothing, and then each violation is planted and taken away.
func TestAuditorSeesWhatIsPlanted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, ch := range story {
			if err := ch.play(w.client(t)); err != nil {
				t.Fatalf("%s: %v", ch.name, err)
			}
		}
		w.idle(t)
		rig.Within(t, 10*time.Second, "every audit row is sealed", func() bool {
			return w.Number(t, `SELECT count(*) FROM audit_events WHERE seq = 0`) == 0
		})
		w.A.Kill()
		w.dead(t)
		w.audit(t, true)
		handle := w.writable(t)
		for _, p := range plants {
			if found := w.planted(t, handle, p); !slices.ContainsFunc(found, func(f auditor.Finding) bool {
				return f.Invariant == p.invariant && strings.Contains(f.What, p.says)
			}) {
				t.Errorf("%s is not seen (%s, %q); found %v", p.name, p.invariant, p.says, found)
			}
		}
		w.audit(t, true) // nothing of it has stayed
		w.Tamper(t, `UPDATE audit_events SET reason = 'another' WHERE action = 'signin.completed'`)
		if found := w.examine(t, true); !slices.ContainsFunc(found,
			func(f auditor.Finding) bool { return strings.HasPrefix(f.What, "the audit chain") }) {
			t.Errorf("a changed audit row is not seen; found %v", found)
		}
	})
}

// planted examines with one violation, which is rolled back.
func (w *world) planted(t *testing.T, handle *sql.DB, p plant) []auditor.Finding {
	t.Helper()
	ctx := t.Context()
	tx, err := handle.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	e := auditor.Evidence{
		Query:   tx.QueryContext,
		Mails:   w.Sink.All(),
		History: &auditor.History{},
		Now:     w.now(),
	}
	if p.evidence != nil {
		p.evidence(&e, e.History)
	} else {
		e.History = &w.history
	}
	if p.rows != "" {
		for _, statement := range strings.Split(p.rows, "; ") {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
		}
	}
	if p.copied != "" {
		if err := again(ctx, tx, p.copied); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
	}
	before := w.auditor // a copy: it must not remember what is rolled back
	found, err := before.Examine(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// again stores a row once more, under another id and with another value in a column.
func again(ctx context.Context, tx *sql.Tx, what string) error {
	parts := append(strings.Split(what, "|"), "")
	rows, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT * FROM %s WHERE %s LIMIT 1", parts[0], parts[1]))
	if err != nil {
		return err
	}
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into, holders := make([]any, len(columns)), make([]any, len(columns)), make([]string, len(columns))
	for i := range values {
		into[i], holders[i] = &values[i], fmt.Sprintf("$%d", i+1)
	}
	if !rows.Next() {
		return fmt.Errorf("no row for %s", what)
	}
	if err := rows.Scan(into...); err != nil {
		return err
	}
	_ = rows.Close()
	change, value, _ := strings.Cut(parts[2], "=")
	for i, c := range columns {
		switch c {
		case "id":
			values[i] = "once-more"
		case "seq":
			values[i] = int64(0)
		case change:
			values[i] = value
		}
	}
	_, err = tx.ExecContext(ctx,
		fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", parts[0], strings.Join(columns, ", "),
			strings.Join(holders, ", ")), values...)
	return err
}

// writable is a handle that may write to the database of a program that is not running.
func (w *world) writable(t *testing.T) *sql.DB {
	t.Helper()
	if w.Engine == "postgres" {
		return w.Rows()
	}
	handle, err := sql.Open("sqlite", "file:"+filepath.Join(w.Dir, "house.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = handle.Close() })
	return handle
}
