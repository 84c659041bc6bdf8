package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign/internal/message/sms"
	"countersign/internal/secret"
)

// Moods of the gateway for text messages.
var signals = []mood{
	{working, "Working", "delivers every text at once, and reports it"},
	{slow, "Slow", "takes eight seconds to deliver"},
	{noSignal, "No signal", "takes the text, and reports that the phone could not be reached"},
	{refusing, "Refusing", "says that the number is no longer in service"},
}

const noSignal = "no-signal"

// The account with the gateway. The gateway is in this process, and so is its only customer.
const (
	gatewayAccount = "ACdemo"
	gatewayToken   = secret.Text("a gateway in the same process")
)

// text is a text message as a phone shows it.
type text struct {
	ID   int
	To   string
	Body string
	At   time.Time
}

// gateway takes text messages over HTTP in the shape of Twilio's Messages API, reports on
// them, and keeps the newest in memory.
type gateway struct {
	arrivals[text]
	listener net.Listener
	reports  *http.Client
	late     sync.WaitGroup
	taken    atomic.Int64
}

func newGateway(ctx context.Context, now func() time.Time) (*gateway, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &gateway{
		arrivals: arrivals[text]{now: now, moods: signals, mood: working},
		listener: l,
		reports:  &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}},
	}, nil
}

func (g *gateway) url() string { return "http://" + g.listener.Addr().String() }

// serve answers until ctx ends, and waits for the reports that are on their way.
func (g *gateway) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2010-04-01/Accounts/"+gatewayAccount+"/Messages.json",
		func(w http.ResponseWriter, r *http.Request) { g.take(ctx, w, r) })
	err := server{g.listener, mux}.serve(ctx)
	g.late.Wait()
	g.reports.CloseIdleConnections()
	return err
}

func (g *gateway) take(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if _, token, _ := r.BasicAuth(); token != gatewayToken.Reveal() || r.ParseForm() != nil {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	to, mood := r.PostForm.Get("To"), g.currently()
	w.Header().Set("Content-Type", "application/json")
	if mood == refusing {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": 21614,
			"message": to + " is not in service", "status": 400})
		return
	}
	handle := fmt.Sprintf("SM%032d", g.taken.Add(1))
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"sid": handle, "status": "queued"})
	callback, body := r.PostForm.Get("StatusCallback"), r.PostForm.Get("Body")
	g.late.Go(func() { g.deliver(ctx, mood, handle, to, body, callback) })
}

// deliver puts a text on the phone, as the mood has it, and reports.
func (g *gateway) deliver(ctx context.Context, mood, handle, to, body, callback string) {
	wait := 300 * time.Millisecond
	if mood == slow {
		wait = slowness
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return
	}
	status := "undelivered"
	if mood != noSignal {
		status = "delivered"
		g.keep(func(id int, at time.Time) text {
			return text{
				ID:   id,
				To:   to,
				Body: body,
				At:   at,
			}
		})
	}
	if callback != "" {
		g.report(ctx, callback,
			url.Values{"MessageSid": {handle}, "MessageStatus": {status}, "To": {to}, "AccountSid": {gatewayAccount}})
	}
}

// report posts what became of a text, signed as gateways do. One that is lost is lost: the
// page then goes on saying that the text is on its way.
func (g *gateway) report(ctx context.Context, callback string, form url.Values) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, callback, strings.NewReader(form.Encode()))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(sms.Sign(gatewayToken, callback, form)))
	if res, err := g.reports.Do(req); err == nil {
		_ = res.Body.Close()
	}
}
