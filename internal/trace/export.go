package trace

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// Run sends what ends until ctx does, and then what is left, once.
func (t *Tracer) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var waiting []*Span
	for {
		select {
		case s := <-t.queue:
			if waiting = append(waiting, s); len(waiting) < batch {
				continue
			}
		case <-tick.C:
		case <-ctx.Done():
			t.rest(context.WithoutCancel(ctx), waiting)
			return
		}
		t.send(ctx, waiting)
		waiting = nil
	}
}

// rest sends what is left at the end.
func (t *Tracer) rest(ctx context.Context, waiting []*Span) {
	for {
		select {
		case s := <-t.queue:
			waiting = append(waiting, s)
		default:
			t.send(ctx, waiting)
			return
		}
	}
}

// send hands a batch over, once: a collector that is away must not make us keep anything.
func (t *Tracer) send(ctx context.Context, spans []*Span) {
	if len(spans) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	body, err := json.Marshal(t.request(spans))
	if err == nil {
		err = t.Send(ctx, body)
	}
	if err != nil {
		t.dropped.Add(int64(len(spans)))
	} else {
		t.sent.Add(int64(len(spans)))
	}
	t.tell(err)
}

// tell logs when sending begins to fail, and when it goes on, and not every time.
func (t *Tracer) tell(err error) {
	switch {
	case err != nil && !t.failing:
		t.Log.Warn("traces cannot be sent", "error", err)
	case err == nil && t.failing:
		t.Log.Info("traces are sent again")
	}
	t.failing = err != nil
}

// The shapes of OTLP in JSON (opentelemetry-proto, trace.proto): bytes as hexadecimal,
// 64-bit numbers as text.
type (
	otlpRequest struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope      `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		Parent     string          `json:"parentSpanId,omitempty"`
		Name       string          `json:"name"`
		Kind       Kind            `json:"kind"`
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Status     otlpStatus      `json:"status"`
	}
	otlpStatus struct {
		Code int `json:"code,omitempty"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		Text   *string `json:"stringValue,omitempty"`
		Number *string `json:"intValue,omitempty"`
	}
)

const statusError = 2

func (t *Tracer) request(spans []*Span) otlpRequest {
	out := make([]otlpSpan, len(spans))
	for i, s := range spans {
		out[i] = s.otlp()
	}
	return otlpRequest{[]resourceSpans{{
		Resource:   resource{[]otlpAttribute{text("service.name", t.Service), text("service.version", t.Version)}},
		ScopeSpans: []scopeSpans{{scope{"countersign", t.Version}, out}},
	}}}
}

func (s *Span) otlp() otlpSpan {
	out := otlpSpan{
		TraceID: hex.EncodeToString(s.trace[:]),
		SpanID:  hex.EncodeToString(s.id[:]),
		Name:    s.name,
		Kind:    s.kind,
		Start:   strconv.FormatInt(s.began.UnixNano(), 10),
		End:     strconv.FormatInt(s.began.Add(max(0, s.ended.Sub(s.began))).UnixNano(), 10),
	}
	if s.parent != (spanID{}) {
		out.Parent = hex.EncodeToString(s.parent[:])
	}
	if s.failed {
		out.Status.Code = statusError
	}
	for _, a := range s.attributes {
		if a.isNumber {
			n := strconv.FormatInt(a.number, 10)
			out.Attributes = append(out.Attributes, otlpAttribute{a.key, otlpValue{Number: &n}})
			continue
		}
		out.Attributes = append(out.Attributes, text(a.key, a.text))
	}
	return out
}

func text(key, value string) otlpAttribute { return otlpAttribute{key, otlpValue{Text: &value}} }
