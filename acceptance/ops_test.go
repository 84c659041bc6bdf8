package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// watched is a world with a listener for operations and a collector of traces.
type watched struct {
	*rig.World
	ops    string // address of the listener for operations
	traces *collector
}

// collector takes what the program sends and keeps it.
type collector struct {
	mu    sync.Mutex
	texts []string
	kinds []string
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.texts = append(c.texts, string(body))
	c.kinds = append(c.kinds, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+
		r.Header.Get("Authorization"))
	w.WriteHeader(http.StatusOK)
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.texts, "\n")
}

// span is what the tests want to know of one.
type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	Attributes                          []struct {
		Key   string
		Value struct{ StringValue, IntValue string }
	}
}

func (c *collector) spans(t *testing.T) (out []span) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.texts {
		var request struct {
			ResourceSpans []struct{ ScopeSpans []struct{ Spans []span } }
		}
		if err := json.Unmarshal([]byte(text), &request); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		for _, r := range request.ResourceSpans {
			for _, s := range r.ScopeSpans {
				out = append(out, s.Spans...)
			}
		}
	}
	return out
}

const collectorToken = "canary-collector-token-91c2"

// eachWatched runs fn on both databases, each in a world of its own.
func eachWatched(t *testing.T, more string, fn func(t *testing.T, w watched)) {
	t.Helper()
	for _, engine := range rig.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := watched{ops: rig.FreeAddr(t), traces: &collector{}}
			endpoint := httptest.NewServer(w.traces)
			t.Cleanup(endpoint.Close)
			w.World = rig.New(t, engine,
				rig.Options{Config: fmt.Sprintf(
					"[ops]\nlisten = %q\n%s[tracing]\nendpoint = \"%s/v1/traces\"\ntoken = %q\n", w.ops, more,
					endpoint.URL, collectorToken)})
			t.Cleanup(w.Close)
			fn(t, w)
		})
	}
}

// ask asks the listener for operations.
func (w watched) ask(t *testing.T, path string) (int, string) {
	t.Helper()
	res, err := http.Get("http://" + w.ops + path)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

var sample = regexp.MustCompile(`(?m)^([a-z_:]+)(\{[^}]*\})? ([0-9.e+-]+|NaN)$`)

// metrics are all series by name and labels.
func (w watched) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	status, text := w.ask(t, "/metrics")
	if status != 200 {
		t.Fatalf("metrics: %d %s", status, text)
	}
	out := map[string]float64{}
	for _, found := range sample.FindAllStringSubmatch(text, -1) {
		out[found[1]+found[2]], _ = strconv.ParseFloat(found[3], 64)
	}
	return out
}

// moved are the series of ours that grew.
func moved(before, after map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for name, v := range after {
		if d := v - before[name]; d > 0 && strings.HasPrefix(name, "countersign_") {
			out[name] = d
		}
	}
	return out
}

// signInAndOut goes through most of what people do, and returns its secrets.
func (w watched) signInAndOut(t *testing.T) map[string]string {
	u, app, p := w.Covered(t).User(t), w.Dashboard(t), w.Person(t)
	p.Visit(app.Visit())
	p.Password(u.Email, u.Password+"not")
	mail := p.ToCode(t, app, u)
	secrets := map[string]string{
		"password": u.Password, "address": u.Email, "name": u.Name, "client secret": app.Secret,
		"collector's token": collectorToken,
		"code":              mail.Code, "link": lastPart(mail.Link), "not me": lastPart(mail.NotMe),
		"flow": lastPart(p.Cookie("flow")),
	}
	p.Get(mail.Link)
	p.Code(wrongCode(mail.Code, 7))
	left(t, p.CodeRemembered(mail.Code))
	tokens := p.Again(t, app)
	next, err := app.Refresh(tokens.Raw.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	app.UserInfo(t, next.AccessToken)
	secrets["session"], secrets["browser"] = lastPart(p.Cookie("session")), lastPart(p.Cookie("browser"))
	secrets["access token"], secrets["refresh token"] = lastPart(next.AccessToken), lastPart(next.RefreshToken)
	p.Get("/nothing?" + u.Email)
	signOut(p)
	rig.Within(t, 10*time.Second, "the mail is told to have left", func() bool {
		return w.Number(t, `SELECT count(*) FROM messages WHERE state <> 'accepted'`) == 0
	})
	return secrets
}

// guard: every label comes from a list; spans and lines hold the pattern of a path
func TestATK160_WatchingDelaysNoOne(t *testing.T) {
	eachWatched(t, "", func(t *testing.T, w watched) {
		before := w.metrics(t)
		secrets := w.signInAndOut(t)
		t.Run("metrics move", func(t *testing.T) { w.metricsMove(t, before) })
		t.Run("what is named exists", func(t *testing.T) { w.namesExist(t) })
		t.Run("spans", func(t *testing.T) { w.spansTell(t) })
		_, metrics := w.ask(t, "/metrics")
		_, ready := w.ask(t, "/readyz")
		_, goroutines := w.ask(t, "/debug/pprof/goroutine?debug=2")
		for where, text := range map[string]string{"metrics": metrics, "readiness": ready, "log": w.A.Log(),
			"traces": w.traces.text(), "goroutines": goroutines} {
			if text == "" {
				t.Errorf("nothing in the %s", where)
			}
			for name, secret := range secrets {
				for _, form := range spellings(secret) {
					if contains([]byte(text), form, len(secret) < 10) {
						t.Errorf("the %s is in the %s", name, where)
					}
				}
			}
		}
		for _, personal := range []string{"people.example.test", "covered", "company-", "127.1", "Pat"} {
			for where, text := range map[string]string{"metrics": metrics, "traces": w.traces.text()} {
				if strings.Contains(text, personal) {
					t.Errorf("%q is in the %s", personal, where)
				}
			}
		}
	})
}

func (w watched) metricsMove(t *testing.T, before map[string]float64) {
	after := w.metrics(t)
	grown := moved(before, after)
	for _, want := range []string{
		`countersign_http_requests_total{method="POST",route="/signin/password",status="3xx"}`,
		`countersign_http_requests_total{method="GET",route="unknown",status="4xx"}`,
		`countersign_http_request_seconds_count{route="/signin/code"}`,
		`countersign_events_total{action="signin.password",method="password",reason="wrong_password",result="failed"}`,
		`countersign_events_total{action="signin.password",method="password",reason="",result="ok"}`,
		`countersign_events_total{action="signin.second_factor",method="email",reason="wrong_code",result="failed"}`,
		`countersign_events_total{action="signin.second_factor",method="email",reason="typed",result="ok"}`,
		`countersign_events_total{action="token.refreshed",method="",reason="",result="ok"}`,
		`countersign_events_total{action="session.ended",method="",reason="signed_out",result="ok"}`,
		`countersign_messages_total{channel="email",state="queued"}`,
		`countersign_messages_total{channel="email",state="accepted"}`,
		`countersign_message_send_seconds_count{channel="email",result="ok"}`,
		`countersign_sessions_total{level="` + rig.Level1e + `"}`,
		`countersign_password_seconds_count`, `countersign_database_statements_total`,
		`countersign_database_seconds_count{kind="write"}`,
	} {
		if grown[want] == 0 {
			t.Errorf("%s has not grown", want)
		}
	}
	for name := range after {
		if strings.Contains(name, `="other"`) {
			t.Errorf("%s: something has no name in the lists", name)
		}
	}
	for name, want := range map[string]float64{"countersign_ready": 1, "countersign_database_up": 1,
		`countersign_check{check="draining"}`: 1} {
		if after[name] != want {
			t.Errorf("%s is %v", name, after[name])
		}
	}
	if w.Engine == "sqlite" && grown["countersign_database_group_size_count"] == 0 {
		t.Error("no commit of SQLite was counted")
	}
}

var (
	named    = regexp.MustCompile(`\b(?:countersign|go|process)_[a-z_]+[a-z]\b`)
	row      = regexp.MustCompile("(?m)^\\| `(countersign_[a-z_]+)` \\|([^|]*)\\|")
	family   = regexp.MustCompile(`(?m)^# TYPE ([a-z_]+) (counter|gauge|histogram|summary|untyped)$`)
	matchers = regexp.MustCompile(
		`\b(status|state|result|kind|action|route|limit|level|check|channel|method|reason)(=~?)"([^"]*)"`)
)

// families are the metrics that the program exports, with their kinds.
func (w watched) families(t *testing.T) map[string]string {
	_, text := w.ask(t, "/metrics")
	out := map[string]string{}
	for _, found := range family.FindAllStringSubmatch(text, -1) {
		out[found[1]] = found[2]
	}
	return out
}

// namesExist holds the page, the dashboard and the alerts to what is exported.
func (w watched) namesExist(t *testing.T) {
	exported := w.families(t)
	documented := map[string]bool{}
	for _, found := range row.FindAllStringSubmatch(document(t, "watching.md"), -1) {
		documented[found[1]] = true
		if exported[found[1]] == "" {
			t.Errorf("watching.md names %s, which is not exported", found[1])
		}
		if kind := exported[found[1]]; strings.HasSuffix(found[1], "_total") != (kind == "counter") &&
			exported[found[1]] != "" {
			t.Errorf("%s is a %s", found[1], kind)
		}
	}
	for name := range exported {
		if strings.HasPrefix(name, "countersign_") && !documented[name] {
			t.Errorf("%s is exported and not in watching.md", name)
		}
	}
	asked := 0
	for where, exprs := range map[string][]string{"grafana.json": queries(t),
		"alerts.yaml": slices.Collect(maps.Values(alerts(t)))} {
		for _, expr := range exprs {
			for _, name := range named.FindAllString(expr, -1) {
				asked++
				if !known(exported, name) {
					t.Errorf("%s asks for %s, which is not exported: %s", where, name, expr)
				}
			}
			w.valuesExist(t, where, expr)
		}
	}
	if asked < 60 || len(documented) < 25 {
		t.Errorf("only %d names in queries and %d in the page", asked, len(documented))
	}
}

// known holds for a metric, and for the parts of a histogram.
func known(exported map[string]string, name string) bool {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if whole, ok := strings.CutSuffix(name, part); ok && exported[whole] == "histogram" {
			return true
		}
	}
	kind := exported[name]
	return kind != "" && kind != "histogram"
}

// valuesExist: a query for a value that no series has shows nothing for ever.
func (w watched) valuesExist(t *testing.T, where, expr string) {
	_, text := w.ask(t, "/metrics")
	rare := []string{"5xx", "signin.denied", "signin.disowned", "signin.ended", "token.reuse", "browser.replayed",
		"refused", "sms"}
	for _, m := range matchers.FindAllStringSubmatch(expr, -1) {
		for value := range strings.SplitSeq(m[3], "|") {
			pattern := regexp.MustCompile(m[1] + `="` + map[bool]string{true: value,
				false: regexp.QuoteMeta(value)}[m[2] == "=~"] + `"`)
			if !pattern.MatchString(text) && !slices.Contains(rare, value) {
				t.Errorf("%s asks for %s %q, which nothing has: %s", where, m[1], value, expr)
			}
		}
	}
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/operations/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// queries are those of the dashboard, whose shape is checked on the way.
func queries(t *testing.T) (out []string) {
	t.Helper()
	type panel struct {
		ID          int
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Datasource  struct{ UID string }
		Targets     []struct{ Expr, RefID string }
	}
	var board struct {
		Title, UID    string
		SchemaVersion int
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []panel
	}
	if err := json.Unmarshal([]byte(document(t, "grafana.json")), &board); err != nil {
		t.Fatal(err)
	}
	if board.Title == "" || board.UID == "" || board.SchemaVersion < 36 || len(board.Panels) < 20 {
		t.Errorf("%s %s, schema %d, %d panels", board.Title, board.UID, board.SchemaVersion, len(board.Panels))
	}
	variables := map[string]bool{"$__rate_interval": true}
	for _, v := range board.Templating.List {
		variables["$"+v.Name] = true
		out = append(out, v.Definition)
	}
	ids, dollar := map[int]bool{}, regexp.MustCompile(`\$[a-z_]+`)
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 {
			t.Errorf("panel %d %q lies badly: %+v", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Datasource.UID != "${datasource}" || len(p.Targets) == 0) {
			t.Errorf("panel %q: data source %q, %d queries", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, target := range p.Targets {
			out = append(out, target.Expr)
			for _, v := range dollar.FindAllString(target.Expr, -1) {
				if !variables[v] {
					t.Errorf("panel %q: %s is no variable", p.Title, v)
				}
			}
		}
	}
	return out
}

var rule = regexp.MustCompile(
	`(?m)^      - alert: (\w+)\n        expr: (.+)\n(?:        for: \d+[ms]\n)?        labels:\n          severity: (?:critical|warning)\n        annotations:\n          summary: (.+)\n`)

// alerts are the expressions of alerts.yaml by name. Each is one plain scalar of YAML.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	text, page := document(t, "alerts.yaml"), document(t, "watching.md")
	out := map[string]string{}
	for _, found := range rule.FindAllStringSubmatch(text, -1) {
		name, expr, summary := found[1], found[2], found[3]
		out[name] = expr
		for _, scalar := range []string{expr, summary} {
			if strings.Contains(scalar, ": ") || strings.Contains(scalar, " #") ||
				strings.ContainsAny(scalar[:1], "{}[]&*#?|-<>=!%@`\"'") ||
				strings.Count(scalar, "(") != strings.Count(scalar, ")") {
				t.Errorf("%s is no plain scalar: %s", name, scalar)
			}
		}
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("watching.md does not say what to do about %s", name)
		}
	}
	if n := strings.Count(text, "- alert:"); n != len(out) || n < 10 {
		t.Errorf("%d alerts, of which %d are well formed", n, len(out))
	}
	for _, found := range regexp.MustCompile("`(Countersign[A-Z]\\w+)`").FindAllStringSubmatch(page, -1) {
		if out[found[1]] == "" {
			t.Errorf("watching.md names %s, which is no alert", found[1])
		}
	}
	return out
}

func (w watched) spansTell(t *testing.T) {
	var request span
	var inside []string
	rig.Within(t, 10*time.Second, "the password step is traced", func() bool {
		inside = nil
		all := w.traces.spans(t)
		for _, s := range all {
			if s.Name == "POST /signin/password" {
				request = s
			}
		}
		for _, s := range all {
			if request.SpanID != "" && s.ParentSpanID == request.SpanID && s.TraceID == request.TraceID {
				inside = append(inside, s.Name)
			}
		}
		sends := slices.ContainsFunc(all, func(s span) bool { return s.Name == "message send" && s.ParentSpanID == "" })
		return sends && slices.Contains(inside, "argon2id") && slices.Contains(inside, "database read") &&
			slices.Contains(inside, "database write")
	})
	if len(inside) > 12 {
		t.Errorf("a span for each statement: %v", inside)
	}
	attributes := map[string]string{}
	for _, a := range request.Attributes {
		attributes[a.Key] = a.Value.StringValue + a.Value.IntValue
	}
	id := attributes["countersign.request_id"]
	if len(id) != 26 || attributes["http.route"] != "/signin/password" || attributes["http.request.method"] != "POST" ||
		len(attributes["http.response.status_code"]) != 3 {
		t.Errorf("%v", attributes)
	}
	w.traces.mu.Lock()
	defer w.traces.mu.Unlock()
	for _, kind := range w.traces.kinds {
		if kind != "POST /v1/traces application/json Bearer "+collectorToken {
			t.Errorf("sent as %s", kind)
		}
	}
}

// guard: /readyz says no before the public listener closes
func TestREL27_UnreadyWhileItStillAnswers(t *testing.T) {
	eachWatched(t, "drain = \"12s\"\n", func(t *testing.T, w watched) {
		if status, body := w.ask(t, "/readyz"); status != 200 || !strings.Contains(body, `"ready":true`) {
			t.Fatalf("not ready: %d %s", status, body)
		}
		p := w.Person(t)
		if err := syscall.Kill(w.A.PID(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		rig.Within(t, 2*time.Second, "unready", func() bool {
			status, body := w.ask(t, "/readyz")
			return status == 503 && strings.Contains(body, `{"name":"draining","ok":false`)
		})
		if pg := p.Get(rig.PathSignIn); pg.Status != 200 {
			t.Errorf("while load balancers look away, the page answers %d", pg.Status)
		}
		if m := w.metrics(t); m["countersign_ready"] != 0 || m[`countersign_check{check="database"}`] != 1 {
			t.Errorf("ready %v, database %v", m["countersign_ready"], m[`countersign_check{check="database"}`])
		}
		select {
		case <-w.A.Ended():
		case <-time.After(rig.Slack * 12 * time.Second):
			t.Error("it does not end")
		}
	})
}

// guard: two listeners with two routers
func TestATK174_OpsAndPublicStayApart(t *testing.T) {
	const token = "canary-ops-token-5d1e77"
	eachWatched(t, fmt.Sprintf("token = %q\n", token), func(t *testing.T, w watched) {
		p := w.Person(t)
		for _, path := range []string{"/metrics", "/readyz", "/debug/pprof/", "/debug/pprof/heap",
			"/debug/pprof/profile", "/debug/vars"} {
			for _, authorization := range []string{"", "Bearer " + token} {
				req := p.Request("GET", path, nil)
				req.Header.Set("Authorization", authorization)
				if pg := p.Send(req); pg.Status != 404 {
					t.Errorf("%s on the public listener: %d", path, pg.Status)
				}
			}
		}
		for _, path := range []string{"/", "/signin", "/authorize", "/token", "/userinfo", "/jwks",
			"/.well-known/openid-configuration", "/setup", "/assets/", "/debug/vars", "/debug/pprof/../../signin"} {
			if status, _ := w.ask(t, path); status != 404 {
				t.Errorf("%s on the listener for operations: %d", path, status)
			}
		}
		for path, want := range map[string]int{"/metrics": 401, "/debug/pprof/": 401, "/debug/pprof/heap": 401,
			"/healthz": 200, "/readyz": 200} {
			if status, body := w.ask(t, path); status != want || len(body) > 30 {
				t.Errorf("%s without the token: %d %s", path, status, body)
			}
		}
		if strings.Contains(w.A.Log(), token) || strings.Contains(w.CLI(t, "config", "show"), token) {
			t.Error("the token is told")
		}
	})
}

// An address that cannot be listened on stops the start, and says which key it is.
func TestOpsListenThatIsTakenStopsTheStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	w := rig.Shared(t, "postgres")
	if said := w.Refused(t, rig.Options{Config: fmt.Sprintf("[ops]\nlisten = %q\n", l.Addr())}); !strings.Contains(said,
		"ops.listen") {
		t.Error(said)
	}
}
