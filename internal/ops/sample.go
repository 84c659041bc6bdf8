package ops

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign/internal/audit"
	"countersign/internal/authenticator/password"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/trace"
)

// Sources are what is looked at when someone reads the metrics, rather than counted.
type Sources struct {
	DB        *db.DB
	Passwords *password.Pool
	Ready     *Readiness
	Tracer    *trace.Tracer // nil: nothing is traced
	Version   string
	Revision  string
	GoVersion string
}

const (
	sampleWithin = time.Second
	sampleHolds  = 2 * time.Second
)

// sampler looks once for each reading; at the database at most once in two seconds,
// however often it is read.
type sampler struct {
	Sources
	mu      sync.Mutex
	looked  bool
	at      time.Time
	backlog backlog
}

// backlog is what waits in the database, of all replicas.
type backlog struct {
	up               bool
	due, unsealed    int
	dueAge, auditAge time.Duration
}

// Look adds the figures of the sources to the metrics.
func (m *Metrics) Look(s Sources) { m.registry.MustRegister(&sampler{Sources: s}) }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

var (
	descBuild = desc("build_info", "Always 1; its labels say what runs here.", "version", "revision",
		"go", "database")
	descReady       = desc("ready", "1 where /readyz says yes.")
	descCheck       = desc("check", "1 where that check passes.", "check")
	descDatabase    = desc("database_up", "1 where the database answered this reading.")
	descConnections = desc("database_connections", "Open connections; on SQLite those that read.", "state")
	descMost        = desc("database_connections_max", "The most connections there may be.")
	descWaits       = desc("database_waits_total", "How often someone waited for a connection.")
	descWaited      = desc("database_wait_seconds_total", "How long, altogether, someone waited for a connection.")
	descStatements  = desc("database_statements_total", "Statements run.")
	descDue         = desc("jobs_due", "Jobs that are due and taken by no one, of all replicas, counted up to 10000.")
	descDueAge      = desc("jobs_due_age_seconds", "Since when the first of them is due.")
	descUnsealed    = desc("audit_unsealed",
		"Audit rows not linked into their chain yet, of all replicas, counted up to 10000.")
	descUnsealedAge = desc("audit_unsealed_age_seconds", "Age of the oldest of them.")
	descSlots       = desc("password_slots", "Argon2id computations that may run at once.")
	descRunning     = desc("password_running", "Argon2id computations that run.")
	descWaiting     = desc("password_waiting", "Argon2id computations that wait for their turn.")
	descRefused     = desc("password_refused_total", "Computations turned away because too many were waiting.")
	descSpans       = desc("trace_spans_total", "Spans that the collector took, and spans that were dropped.", "result")
)

// Describe says nothing: which figures there are depends on what answers.
func (*sampler) Describe(chan<- *prometheus.Desc) {}

// Collect looks at everything.
func (s *sampler) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	gauge(descBuild, 1, s.Version, s.Revision, s.GoVersion, string(s.DB.Dialect))
	s.database(gauge, counter)
	s.readiness(gauge)
	p := s.Passwords.Stats()
	gauge(descSlots, float64(p.Slots))
	gauge(descRunning, float64(p.Running))
	gauge(descWaiting, float64(p.Waiting))
	counter(descRefused, float64(p.Refused))
	if s.Tracer != nil {
		counter(descSpans, float64(s.Tracer.Sent()), "sent")
		counter(descSpans, float64(s.Tracer.Dropped()), "dropped")
	}
}

type put func(d *prometheus.Desc, v float64, labels ...string)

func (s *sampler) database(gauge, counter put) {
	c := s.DB.Connections()
	gauge(descConnections, float64(c.InUse), "in_use")
	gauge(descConnections, float64(c.Idle), "idle")
	gauge(descMost, float64(c.Most))
	counter(descWaits, float64(c.Waits))
	counter(descWaited, c.Waited.Seconds())
	counter(descStatements, float64(s.DB.Statements()))
	b := s.readBacklog()
	gauge(descDatabase, boolValue(b.up))
	if !b.up {
		return // no figure is better than an old one
	}
	gauge(descDue, float64(b.due))
	gauge(descDueAge, b.dueAge.Seconds())
	gauge(descUnsealed, float64(b.unsealed))
	gauge(descUnsealedAge, b.auditAge.Seconds())
}

func (s *sampler) readiness(gauge put) {
	report := s.Ready.Look(context.Background())
	gauge(descReady, boolValue(report.Ready))
	for _, c := range report.Checks {
		gauge(descCheck, boolValue(c.OK), c.Name)
	}
}

func (s *sampler) readBacklog() backlog {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.DB.Now()
	if age := now.Sub(s.at); s.looked && age >= 0 && age < sampleHolds {
		return s.backlog
	}
	ctx, cancel := context.WithTimeout(context.Background(), sampleWithin)
	defer cancel()
	s.backlog = loadBacklog(ctx, s.DB)
	s.looked, s.at = true, now
	return s.backlog
}

func loadBacklog(ctx context.Context, d *db.DB) (b backlog) {
	err := d.View(db.UseServerDefaults(ctx), db.Installation, func(tx *db.Tx) error {
		due, dueSince, err := jobs.Backlog(ctx, tx)
		if err != nil {
			return err
		}
		unsealed, unsealedSince, err := audit.Backlog(ctx, tx)
		b = backlog{
			due:      due,
			dueAge:   age(tx.Now, dueSince),
			unsealed: unsealed,
			auditAge: age(tx.Now, unsealedSince),
		}
		return err
	})
	b.up = err == nil
	return b
}

func age(now, since time.Time) time.Duration {
	if since.IsZero() {
		return 0
	}
	return max(0, now.Sub(since))
}

func boolValue(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
