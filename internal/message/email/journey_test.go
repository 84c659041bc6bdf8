package email

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/jobs"
	"countersign/internal/message"
	"countersign/internal/secret"

	"github.com/emersion/go-smtp"
)

// post office: queue, runner, courier and sender as they are wired in the house.
func office(t testing.TB, d *db.DB, s *sink, log *slog.Logger) (*message.Queue, func()) {
	t.Helper()
	keys := secret.NewKeys(time.Now())
	q := &message.Queue{Jobs: &jobs.Queue{}, Keys: keys}
	courier := &message.Courier{DB: d, Keys: keys,
		Senders: map[string]message.Sender{"email": newSender(t, s, nil)}, Log: log}
	runner := &jobs.Runner{DB: d, Queue: q.Jobs, Handlers: map[string]jobs.Handler{message.JobSend: courier.Deliver},
		Poll: 100 * time.Millisecond, Log: log}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = runner.Run(ctx) })
	return q, func() { cancel(); running.Wait() }
}

func putCode(t testing.TB, d *db.DB, q *message.Queue, n int) (id string) {
	t.Helper()
	err := d.InTx(t.Context(), "t1", func(tx *db.Tx) (err error) {
		id, err = q.Put(t.Context(), tx,
			message.Outgoing{UserID: "u1", Channel: "email", Purpose: "signin.second_factor",
				To: fmt.Sprintf("canary%d@example.test", n), Hint: "c•••@example.test",
				Language: "en", Template: Template(SignInCode{}),
				Data: SignInCode{Vendor: "Harbor", AppName: "Dashboard", Code: "481516", Reference: "KQ7M",
					Link: "https://x.test/l/canarytoken"},
				ExpiresAt: tx.Now.Add(10 * time.Minute)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func await(t testing.TB, d *db.DB, id string, want message.State) message.Status {
	t.Helper()
	var s message.Status
	for deadline := time.Now().Add(20 * time.Second); s.State != want; time.Sleep(5 * time.Millisecond) {
		err := d.View(t.Context(), "t1",
			func(tx *db.Tx) (err error) { s, err = message.Delivery(t.Context(), tx, id); return err })
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v, want %s: %v", s, want, err)
		}
	}
	return s
}

// TestSEC127_NothingOfAMailStaysBehind looks through every column of every table, and the
// log, for what the mail said, after it was greylisted once and then accepted.
func TestSEC127_NothingOfAMailStaysBehind(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		s := newSink(t, false, "127.0.0.1")
		s.data = func(n int) error {
			if n == 1 {
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1},
					Message: "canary1@example.test 481516 later"}
			}
			return nil
		}
		var log strings.Builder
		q, stop := office(t, d, s, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		id := putCode(t, d, q, 1)
		await(t, d, id, message.Delayed)
		if got := await(t, d, id, message.Accepted); got.Attempts != 2 || got.Host != "127.0.0.1" {
			t.Errorf("%+v", got)
		}
		stop()
		for _, table := range []string{"messages", "jobs", "audit_events", "budgets"} {
			if text := dump(t, d, table); strings.Contains(text, "481516") || strings.Contains(text, "canary") {
				t.Errorf("%s holds it: %s", table, text)
			}
		}
		if strings.Contains(log.String(), "481516") || strings.Contains(log.String(), "canary") {
			t.Errorf("the log holds it: %s", log.String())
		}
		if a, b := s.mails[0].text, s.mails[1].text; messageID(a) != messageID(b) || messageID(a) == "" {
			t.Errorf("the Message-ID changed: %q, %q", messageID(a), messageID(b))
		}
	})
}

func messageID(text []byte) string {
	_, rest, _ := strings.Cut(string(text), "Message-ID: ")
	id, _, _ := strings.Cut(rest, "\r\n")
	return id
}

func dump(t *testing.T, d *db.DB, table string) string {
	t.Helper()
	var b strings.Builder
	err := d.View(t.Context(), "t1", func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT * FROM `+table+` WHERE tenant_id = $1`, tx.Tenant)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, _ := rows.Columns()
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(sql.RawBytes)
			}
			if err := rows.Scan(cells...); err != nil {
				return err
			}
			for _, c := range cells {
				b.Write(*c.(*sql.RawBytes))
				b.WriteByte('|')
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestABadAddressBouncesAndTheOthersArrive(t *testing.T) {
	dbtest.Each(t, time.Now, func(t *testing.T, d *db.DB) {
		s := newSink(t, false, "127.0.0.1")
		s.rcpt = func(to string) error {
			if to == "canary7@example.test" {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
			}
			return nil
		}
		q, stop := office(t, d, s, slog.New(slog.DiscardHandler))
		defer stop()
		for n := range 20 {
			id := putCode(t, d, q, n)
			if n == 7 {
				await(t, d, id, message.Bounced)
				continue
			}
			await(t, d, id, message.Accepted)
		}
	})
}

func BenchmarkQueuedMails(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLiteURL,
		"postgres": dbtest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			d, s := dbtest.Open(b, url(b), time.Now), newSink(b, false, "127.0.0.1")
			q, stop := office(b, d, s, slog.New(slog.DiscardHandler))
			defer stop()
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					putCode(b, d, q, 1)
				}
			})
			for {
				s.mu.Lock()
				n := len(s.mails)
				s.mu.Unlock()
				if n >= b.N {
					break
				}
				time.Sleep(time.Millisecond)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
		})
	}
}
