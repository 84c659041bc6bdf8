package carrier

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"sync"
	"time"
)

// The account at the gateway.
const (
	Account = "AC00000000000000000000000000000001"
	Token   = "canary-gateway-token-51c2"
)

// Gateway is the HTTP one.
type Gateway struct {
	*Phones
	URL string
	// Via carries reports to a program that believes to be somewhere else.
	Via *http.Client

	server *httptest.Server
	wg     sync.WaitGroup
}

// NewGateway starts a gateway, which the caller stops.
func NewGateway() *Gateway {
	g := &Gateway{Phones: newPhones(), Via: http.DefaultClient}
	g.server = httptest.NewServer(http.HandlerFunc(g.messages))
	g.URL = g.server.URL
	return g
}

// Stop ends it, with what hangs in it.
func (g *Gateway) Stop() {
	g.server.CloseClientConnections()
	g.server.Close()
	g.wg.Wait()
}

func (g *Gateway) messages(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != Account || password != Token {
		say(w, http.StatusUnauthorized, map[string]any{"code": 20003, "status": 401})
		return
	}
	if r.Method == http.MethodGet && r.URL.Path == "/2010-04-01/Accounts/"+Account+".json" {
		say(w, http.StatusOK, map[string]any{"sid": Account, "status": "active"})
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/"+Account+"/Messages.json" {
		say(w, http.StatusNotFound, map[string]any{"code": 20404, "status": 404})
		return
	}
	t := Text{
		From:     r.PostFormValue("From"),
		To:       r.PostFormValue("To"),
		Body:     r.PostFormValue("Body"),
		ReportTo: r.PostFormValue("StatusCallback"),
		Handle:   "SM",
		Parts:    1,
	}
	switch b := g.rule(t.To); {
	case b.Refuse != 0:
		say(w, http.StatusBadRequest, map[string]any{"code": b.Refuse, "status": 400, "message": "canary " + t.Body})
	case b.Throttle > 0:
		say(w, http.StatusTooManyRequests, map[string]any{"code": 20429, "status": 429})
	default:
		g.take(w, r, t, b)
	}
}

func (g *Gateway) take(w http.ResponseWriter, r *http.Request, t Text, b Behaviour) {
	t = g.keep(t)
	report := func() {
		for range map[bool]int{true: 2, false: 1}[b.Twice] {
			if b.Report != "" {
				g.report(t, b.Report)
			}
		}
	}
	if b.Early {
		report()
	} else {
		g.wg.Go(func() { time.Sleep(100 * time.Millisecond); report() })
	}
	switch {
	case b.Fail > 0:
		say(w, http.StatusInternalServerError,
			map[string]any{"code": 20500, "status": 500, "message": "canary " + t.Body})
	case b.Break > 0:
		hangUp(w)
	case b.Silent > 0:
		<-r.Context().Done()
	default:
		time.Sleep(b.Delay)
		say(w, http.StatusCreated, map[string]any{"sid": t.Handle, "status": "queued", "to": t.To, "body": t.Body})
	}
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func say(w http.ResponseWriter, status int, what map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what)
}

func (g *Gateway) report(t Text, status string) {
	if t.ReportTo != "" {
		_, _ = g.Report(t.ReportTo, Report(t, status), Token)
	}
}

// Report is the form that tells of a text.
func Report(t Text, status string) url.Values {
	return url.Values{"MessageSid": {t.Handle}, "SmsSid": {t.Handle}, "MessageStatus": {status}, "To": {t.To},
		"From": {t.From}, "AccountSid": {Account}, "ApiVersion": {"2010-04-01"}}
}

// Report posts a form signed with a token and returns the status of the answer. An empty
// token leaves the signature away.
func (g *Gateway) Report(to string, form url.Values, token string) (int, error) {
	req, err := http.NewRequest(http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if token != "" {
		req.Header.Set("X-Twilio-Signature", sign(token, to, form))
	}
	res, err := g.Via.Do(req)
	if err != nil {
		return 0, fmt.Errorf("report: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

func sign(token, to string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	sort.Strings(names)
	text := to
	for _, name := range names {
		text += name + form.Get(name)
	}
	mac := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(mac, text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
