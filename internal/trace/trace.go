// Package trace says where the time of a request goes: spans, in a bounded queue, sent in
// batches as OTLP (OpenTelemetry's protocol) in JSON. It never waits: what does not fit is
// dropped and counted. It refuses to know what a span is about, and it holds no HTTP; the
// caller brings the way out.
//
// A nil *Span is a span that no one wants, and every method of it does nothing, so that
// code which is traced reads the same when tracing is off.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"sync/atomic"
	"time"
)

// Kind is a span's role, by its number in OTLP.
type Kind int

// The roles.
const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
)

const (
	queued      = 2048 // spans that may wait to be sent
	batch       = 256
	every       = 2 * time.Second
	sendWithin  = 5 * time.Second
	longestText = 200
)

// Options is what a Tracer needs.
type Options struct {
	Service, Version string
	SampleRatio      float64 // the share of roots that are traced, above 0 up to 1
	Now              func() time.Time
	Send             func(ctx context.Context, otlp []byte) error // JSON of an ExportTraceServiceRequest
	Log              *slog.Logger
}

// Tracer makes spans and sends them. A nil *Tracer makes none.
type Tracer struct {
	Options
	queue         chan *Span
	sent, dropped atomic.Int64
	failing       bool // only Run's
}

// New returns a tracer that sends nothing until Run.
func New(o Options) *Tracer { return &Tracer{Options: o, queue: make(chan *Span, queued)} }

// Sent and Dropped count spans: those the collector took, and those that no one has seen.
func (t *Tracer) Sent() int64    { return t.sent.Load() }
func (t *Tracer) Dropped() int64 { return t.dropped.Load() }

type (
	traceID [16]byte
	spanID  [8]byte
)

// Span is a stretch of time with a name. It belongs to one goroutine until End.
type Span struct {
	tracer     *Tracer
	trace      traceID
	id, parent spanID
	name       string
	kind       Kind
	began      time.Time
	ended      time.Time
	attributes []attribute
	failed     bool
}

type attribute struct {
	key, text string
	number    int64
	isNumber  bool
}

// Root begins the first span of ours in a trace, or returns nil for one that chance leaves
// out. It goes on the caller's trace if there is one. Only where obey is set does the caller
// decide whether it is recorded: a stranger must not make us work.
func (t *Tracer) Root(name string, kind Kind, from Parent, obey bool) *Span {
	if t == nil || !t.wants(from, obey) {
		return nil
	}
	s := t.span(name, kind)
	if s.trace, s.parent = from.trace, from.span; from.none() {
		_, _ = rand.Read(s.trace[:])
	}
	return s
}

func (t *Tracer) wants(from Parent, obey bool) bool {
	if obey && !from.none() {
		return from.sampled
	}
	return t.SampleRatio >= 1 || mathrand.Float64() < t.SampleRatio
}

func (t *Tracer) span(name string, kind Kind) *Span {
	s := &Span{
		tracer: t,
		name:   name,
		kind:   kind,
		began:  t.Now(),
	}
	_, _ = rand.Read(s.id[:])
	return s
}

// Child begins a span inside s.
func (s *Span) Child(name string, kind Kind) *Span {
	if s == nil {
		return nil
	}
	c := s.tracer.span(name, kind)
	c.trace, c.parent = s.trace, s.id
	return c
}

// Past records, inside s, what has just ended and took that long.
func (s *Span) Past(name string, took time.Duration) {
	if c := s.Child(name, Internal); c != nil {
		c.began = c.began.Add(-took)
		c.End(nil)
	}
}

// Name renames the span.
func (s *Span) Name(name string) {
	if s != nil {
		s.name = name
	}
}

// Text sets an attribute. It must hold no secret, nor anything about a person.
func (s *Span) Text(key, value string) {
	if s != nil {
		s.attributes = append(s.attributes,
			attribute{key: key, text: strings.ToValidUTF8(value[:min(len(value), longestText)], "")})
	}
}

// Number sets an attribute.
func (s *Span) Number(key string, value int64) {
	if s != nil {
		s.attributes = append(s.attributes, attribute{key: key, number: value, isNumber: true})
	}
}

// End ends the span; err says only that it failed, since the words of an error may tell
// too much. Nothing may be done with the span afterwards.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	s.ended, s.failed = s.tracer.Now(), err != nil
	select {
	case s.tracer.queue <- s:
	default:
		s.tracer.dropped.Add(1)
	}
}

type key struct{}

// Into returns a context that carries s.
func Into(ctx context.Context, s *Span) context.Context { return context.WithValue(ctx, key{}, s) }

// From returns the span of a context, nil where there is none.
func From(ctx context.Context) *Span {
	s, _ := ctx.Value(key{}).(*Span)
	return s
}

// Parent is the caller's span, from a traceparent header. The zero value is none.
type Parent struct {
	trace   traceID
	span    spanID
	sampled bool
}

func (p Parent) none() bool { return p.trace == traceID{} }

// ReadParent reads a traceparent header (W3C Trace Context, section 3.2). What cannot be
// read counts as none.
func ReadParent(header string) (p Parent) {
	const length = 2 + 1 + 32 + 1 + 16 + 1 + 2
	if len(header) < length || header[2] != '-' || header[35] != '-' || header[52] != '-' ||
		header != strings.ToLower(header) {
		return Parent{}
	}
	var version, flags [1]byte
	_, err1 := hex.Decode(version[:], []byte(header[:2]))
	_, err2 := hex.Decode(p.trace[:], []byte(header[3:35]))
	_, err3 := hex.Decode(p.span[:], []byte(header[36:52]))
	_, err4 := hex.Decode(flags[:], []byte(header[53:55]))
	later := len(header) > length && (version[0] == 0 || header[length] != '-')
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || later || version[0] == 0xff || p.none() ||
		p.span == (spanID{}) {
		return Parent{}
	}
	p.sampled = flags[0]&1 == 1
	return p
}
