package ops

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/ratelimit"
)

// Metrics counts what happens in this process. Its methods are called from many goroutines
// on the path of every request: they add to counters and do nothing else.
type Metrics struct {
	registry *prometheus.Registry
	routes   words

	requests   *prometheus.CounterVec
	took       *prometheus.HistogramVec
	events     *prometheus.CounterVec
	sessions   *prometheus.CounterVec
	messages   *prometheus.CounterVec
	sending    *prometheus.HistogramVec
	refusals   *prometheus.CounterVec
	hashing    prometheus.Histogram
	queueing   prometheus.Histogram
	units      *prometheus.HistogramVec
	rolledBack *prometheus.CounterVec
	groups     prometheus.Histogram
}

// Bounds of histograms, in seconds.
var (
	requestBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	unitBounds    = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5}
	hashBounds    = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	sendBounds    = []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 50}
	groupBounds   = []float64{1, 2, 4, 8, 16, 32, 64, 128}
)

// NewMetrics returns counters that stand at nought, with the figures of the process and of
// the Go runtime beside them.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), routes: words{}}
	m.requests = m.counters("http_requests_total", "Requests answered on the public listener.", "route",
		"method", "status")
	m.took = m.histograms("http_request_seconds", "Time from a request to its answer.", requestBounds, "route")
	m.events = m.counters("events_total", "Rows of the audit trail that this process wrote.", "action", "result",
		"method", "reason")
	m.sessions = m.counters("sessions_total", "Sessions begun.", "level")
	m.messages = m.counters("messages_total", "Messages that came into a state; a retry comes into delayed again.",
		"channel", "state")
	m.sending = m.histograms("message_send_seconds", "Time of one attempt to hand a message over.", sendBounds,
		"channel", "result")
	m.refusals = m.counters("budget_refusals_total", "Tries turned away because a budget was empty.", "limit")
	m.hashing = m.histogram("password_seconds", "Time of one Argon2id computation.", hashBounds)
	m.queueing = m.histogram("password_wait_seconds", "Time that a computation waited for its turn.", unitBounds)
	m.units = m.histograms("database_seconds",
		"Time of a unit of work, its wait for a connection or the writer included.", unitBounds, "kind")
	m.rolledBack = m.counters("database_rollbacks_total",
		"Units of work that ended without a commit, for whatever reason.", "kind")
	m.groups = m.histogram("database_group_size", "Units of work that shared one durable commit (SQLite).", groupBounds)
	m.registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.initSeries()
	return m
}

const namespace = "countersign"

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histograms(name, help string, bounds []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace,
		Name:      name,
		Help:      help,
		Buckets:   bounds,
	}, labels)
	m.registry.MustRegister(h)
	return h
}

func (m *Metrics) histogram(name, help string, bounds []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace,
		Name:      name,
		Help:      help,
		Buckets:   bounds,
	})
	m.registry.MustRegister(h)
	return h
}

// initSeries makes the series that alerts and panels ask for, so that their first event is a
// step up from nothing and not a beginning that rate() cannot see.
func (m *Metrics) initSeries() {
	for _, e := range []audit.Event{
		{Action: audit.SignInCompleted, Result: audit.OK}, {
			Action: audit.SignInDenied,
			Result: audit.Refused,
			Reason: "level_unreachable",
		},
		{
			Action: audit.SignInSecondFactor,
			Result: audit.Failed,
			Method: "email",
			Reason: "wrong_code",
		},
		{
			Action: audit.SignInPassword,
			Result: audit.Failed,
			Method: "password",
			Reason: "wrong_password",
		},
	} {
		m.event(e)
	}
	m.events.Reset()
	for limit := range limits {
		if limit != "" {
			m.refusals.WithLabelValues(limit)
		}
	}
	for state := range states {
		if state != "" {
			m.messages.WithLabelValues("email", state)
		}
	}
	for _, kind := range []string{"read", "write"} {
		m.units.WithLabelValues(kind)
		m.rolledBack.WithLabelValues(kind)
	}
}

// Routes names the patterns that requests may match; a request that matches another counts
// as "other". Call it before the first request.
func (m *Metrics) Routes(patterns []string) {
	for _, p := range patterns {
		name := p
		if _, path, ok := strings.Cut(p, " "); ok {
			name = path
		}
		m.routes[p] = strings.TrimSuffix(name, "{$}")
	}
	m.routes["/"] = "unknown" // what no route matches; the start page is "/{$}"
}

// Request counts an answered request. route is the pattern that it matched.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	route = m.routes.orOther(route)
	m.requests.WithLabelValues(route, Method(method), statusClass(status)).Inc()
	m.took.WithLabelValues(route).Observe(max(0, took.Seconds()))
}

// CountEvent counts what units of work emit. It is a db.Watch's OnEvent.
func (m *Metrics) CountEvent(what any) {
	switch what := what.(type) {
	case audit.Recorded:
		for _, e := range what {
			m.event(e)
		}
	case message.Became:
		m.messages.WithLabelValues(channels.orOther(what.Channel), states.orOther(string(what.State))).Inc()
	case ratelimit.Refused:
		m.refusals.WithLabelValues(limits.orOther(string(what))).Inc()
	case db.Grouped:
		m.groups.Observe(float64(what))
	}
}

func (m *Metrics) event(e audit.Event) {
	action, result := actions.orOther(string(e.Action)), results.orOther(string(e.Result))
	reason, _, _ := strings.Cut(e.Reason, " clock ") // how early an app's clock was is no label
	m.events.WithLabelValues(action, result, methods.all(e.Method), reasons.orOther(reason)).Inc()
	if e.Action == audit.SignInCompleted {
		m.sessions.WithLabelValues(levels.orOther(e.Level)).Inc()
	}
}

// ObserveUnit counts a unit of work. It is a db.Watch's OnUnit.
func (m *Metrics) ObserveUnit(write bool, took time.Duration, failed bool) {
	kind := "read"
	if write {
		kind = "write"
	}
	m.units.WithLabelValues(kind).Observe(took.Seconds())
	if failed {
		m.rolledBack.WithLabelValues(kind).Inc()
	}
}

// Hashed counts an Argon2id computation.
func (m *Metrics) Hashed(waited, took time.Duration) {
	m.queueing.Observe(max(0, waited.Seconds()))
	m.hashing.Observe(max(0, took.Seconds()))
}

// Sent counts an attempt to hand a message over.
func (m *Metrics) Sent(channel string, took time.Duration, failed bool) {
	result := "ok"
	if failed {
		result = "failed"
	}
	m.sending.WithLabelValues(channels.orOther(channel), result).Observe(max(0, took.Seconds()))
}
