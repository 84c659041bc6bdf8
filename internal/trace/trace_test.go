package trace

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// collector parses what is sent, strictly, as the protocol's JSON.
type collector struct {
	mu    sync.Mutex
	spans []span
	attrs map[string]string
	away  error
}

type span struct {
	TraceID, SpanID, ParentSpanID, Name, StartTimeUnixNano, EndTimeUnixNano string
	Kind                                                                    int
	Attributes                                                              []pair
	Status                                                                  struct{ Code int }
}

type pair struct {
	Key   string
	Value struct{ StringValue, IntValue *string }
}

func (c *collector) take(_ context.Context, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away != nil {
		return c.away
	}
	var request struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []pair }
			ScopeSpans []struct {
				Scope struct{ Name, Version string }
				Spans []span
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&request); err != nil {
		return err
	}
	for _, r := range request.ResourceSpans {
		c.attrs = map[string]string{}
		for _, a := range r.Resource.Attributes {
			c.attrs[a.Key] = *a.Value.StringValue
		}
		for _, s := range r.ScopeSpans {
			c.spans = append(c.spans, s.Spans...)
		}
	}
	return nil
}

var at = time.Date(2026, 11, 22, 10, 42, 0, 0, time.UTC)

// ticking is a clock that moves a millisecond with every look.
func ticking() func() time.Time {
	var mu sync.Mutex
	now := at
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func tracer(c *collector, ratio float64) *Tracer {
	return New(Options{Service: "house", Version: "v1", SampleRatio: ratio, Now: ticking(), Send: c.take,
		Log: slog.New(slog.DiscardHandler)})
}

// sent ends the tracer and returns what reached the collector.
func sent(t *testing.T, tr *Tracer) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tr.Run(ctx)
}

func TestSpansReachTheCollectorInItsShape(t *testing.T) {
	c := &collector{}
	tr := tracer(c, 1)
	root := tr.Root("request", Server, Parent{}, false)
	child := From(Into(t.Context(), root)).Child("database write", Client)
	child.Text("db.system.name", "sqlite")
	child.Number("rows", 7)
	child.End(errors.New("SECRET in the words of an error"))
	root.Past("argon2id", 500*time.Microsecond)
	root.Name("POST /signin/password")
	root.Text("long", strings.Repeat("é", 500))
	root.End(nil)
	sent(t, tr)
	if len(c.spans) != 3 || c.attrs["service.name"] != "house" || c.attrs["service.version"] != "v1" ||
		tr.Sent() != 3 || tr.Dropped() != 0 {
		t.Fatalf("%+v %v", c.spans, c.attrs)
	}
	db, hash, req := c.spans[0], c.spans[1], c.spans[2]
	form := regexp.MustCompile(`^[0-9a-f]+$`)
	for _, s := range c.spans {
		start, err1 := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
		end, err2 := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
		if len(s.TraceID) != 32 || len(s.SpanID) != 16 || !form.MatchString(s.TraceID+s.SpanID) ||
			s.TraceID != req.TraceID ||
			err1 != nil || err2 != nil || end <= start || start < at.UnixNano() ||
			end > at.Add(time.Second).UnixNano() {
			t.Errorf("%+v", s)
		}
	}
	if req.ParentSpanID != "" || req.Kind != 2 || req.Name != "POST /signin/password" || req.Status.Code != 0 ||
		len(*req.Attributes[0].Value.StringValue) > longestText {
		t.Errorf("%+v", req)
	}
	if db.ParentSpanID != req.SpanID || db.Kind != 3 || db.Status.Code != 2 ||
		*db.Attributes[0].Value.StringValue != "sqlite" || *db.Attributes[1].Value.IntValue != "7" {
		t.Errorf("%+v", db)
	}
	if hash.ParentSpanID != req.SpanID || hash.Name != "argon2id" || hash.Kind != 1 {
		t.Errorf("%+v", hash)
	}
}

func TestTheCallersTraceGoesOn(t *testing.T) {
	const theirs, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	c := &collector{}
	tr := tracer(c, 1)
	tr.Root("r", Server, ReadParent("00-"+theirs+"-"+span+"-00"), false).End(nil)
	sent(t, tr)
	if c.spans[0].TraceID != theirs || c.spans[0].ParentSpanID != span {
		t.Errorf("%+v", c.spans[0])
	}
}

// guard: only who is obeyed decides what is recorded
func TestAStrangerDoesNotDecideWhatIsRecorded(t *testing.T) {
	yes, no := ReadParent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
		ReadParent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
	rare, always := tracer(&collector{}, 1e-9), tracer(&collector{}, 1)
	if rare.Root("r", Server, yes, false) != nil {
		t.Error("a stranger made us record")
	}
	if rare.Root("r", Server, yes, true) == nil || always.Root("r", Server, no, true) != nil {
		t.Error("the proxy's decision does not hold")
	}
	if always.Root("r", Server, no, false) == nil {
		t.Error("a stranger kept us from recording")
	}
}

func TestReadParent(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for header, ok := range map[string]bool{
		good: true, "cc" + good[2:] + "-more": true, "cc" + good[2:]: true,
		"": false, "ff" + good[2:]: false, good + "-more": false, "cc" + good[2:] + "more": false,
		strings.ToUpper(good): false, good[:54]: false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01": false, strings.ReplaceAll(good, "-", "_"): false,
		"zz" + good[2:]: false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x": false,
	} {
		if p := ReadParent(header); p.none() == ok || !ok && p != (Parent{}) {
			t.Errorf("%q: %+v", header, p)
		}
	}
}

func FuzzReadParent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, header string) {
		if p := ReadParent(header); !p.none() && p.span == (spanID{}) {
			t.Errorf("%q: %+v", header, p)
		}
	})
}

// guard: the queue is bounded, and a collector that is away keeps no one waiting
func TestWhatDoesNotFitIsDroppedAndCounted(t *testing.T) {
	c := &collector{away: errors.New("away")}
	tr := tracer(c, 1)
	for range queued + 10 {
		tr.Root("r", Server, Parent{}, false).End(nil)
	}
	if tr.Dropped() != 10 {
		t.Errorf("%d dropped", tr.Dropped())
	}
	sent(t, tr)
	if tr.Dropped() != queued+10 || tr.Sent() != 0 {
		t.Errorf("%d dropped, %d sent", tr.Dropped(), tr.Sent())
	}
	c.away = nil
	tr.Root("r", Server, Parent{}, false).End(nil)
	sent(t, tr)
	if tr.Sent() != 1 || tr.failing {
		t.Errorf("%d sent after the collector came back", tr.Sent())
	}
}

func TestChanceLeavesOut(t *testing.T) {
	tr, n := tracer(&collector{}, 0.1), 0
	for range 2000 {
		if tr.Root("r", Server, Parent{}, false) != nil {
			n++
		}
	}
	if n < 100 || n > 320 { // 200 expected; eight deviations either way
		t.Errorf("%d of 2000", n)
	}
}

func TestANilSpanCostsNothing(t *testing.T) {
	var off *Tracer
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { unwanted(ctx, off) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func unwanted(ctx context.Context, off *Tracer) {
	s := off.Root("r", Server, Parent{}, false)
	s.Text("k", "v")
	s.Number("n", 1)
	s.Name("other")
	c := s.Child("c", Internal)
	c.Past("p", time.Second)
	c.End(nil)
	From(ctx).Child("c", Client).End(nil)
	s.End(nil)
}

func BenchmarkOff(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		unwanted(b.Context(), nil)
	}
}

func BenchmarkOn(b *testing.B) {
	tr := New(Options{SampleRatio: 1, Now: func() time.Time { return at }})
	b.ReportAllocs()
	for b.Loop() {
		s := tr.Root("r", Server, Parent{}, false)
		s.Text("http.request.method", "POST")
		s.Child("database write", Client).End(nil)
		s.End(nil)
	}
}
