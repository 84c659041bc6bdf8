package walk

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"countersign/acceptance/rig"
	wiring "countersign/internal/app"
	"countersign/internal/config"
	"countersign/internal/secret"
	"countersign/internal/web"
)

// inventory is the program's own list of everything that its public listener answers.
func inventory(t *testing.T) []web.Route {
	t.Helper()
	return inventoryOf(t, func(*config.Config) {})
}

// inventoryOf is inventory with another configuration.
func inventoryOf(t *testing.T, change func(*config.Config)) []web.Route {
	t.Helper()
	c := config.Default()
	c.PublicURL, c.KeyFile = rig.PublicURL, filepath.Join(t.TempDir(), "countersign.key")
	c.Database.URL = secret.Text("sqlite:" + filepath.Join(t.TempDir(), "house.db"))
	c.SMTP.Host, c.SMTP.From = "localhost", "sign-in@example.test"
	change(&c)
	a, err := wiring.New(t.Context(), c, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a.Routes
}

// routes counts which lines of the inventory were reached.
type routes struct {
	list  []web.Route
	match []*regexp.Regexp
	seen  map[web.Route]int
	came  map[string]int // what came of the walk, so that it is known to have gone anywhere
}

var hole = regexp.MustCompile(`\\\{[a-z]+\\\}`)

func newRoutes(list []web.Route) *routes {
	r := &routes{list: list, seen: map[web.Route]int{}, came: map[string]int{}}
	for _, one := range list {
		r.match = append(r.match,
			regexp.MustCompile("^"+hole.ReplaceAllString(regexp.QuoteMeta(one.Pattern), `[^/]+`)+"$"))
	}
	return r
}

func (r *routes) reached(method, path string) {
	for i, one := range r.list {
		if one.Method == method && r.match[i].MatchString(path) {
			r.seen[one]++
		}
	}
}

// unreached names the lines that nothing has asked for.
func (r *routes) unreached() []string {
	var out []string
	for _, one := range r.list {
		if r.seen[one] == 0 {
			out = append(out, one.Method+" "+one.Pattern)
		}
	}
	return slices.Sorted(slices.Values(out))
}

// happenings are what a walk of some length must have seen.
var happenings = []string{
	"session by password", "session by memory", "session by code", "session by link", "session after a step-up",
	"session after a new password", "password reset", "browser remembered",
	"session taken over", "sign-in disowned", "code for an app", "tokens for a code", "tokens for a token", "userinfo",
	"home", "operator",
	"bound: totp", "bound: passkey", "bound: backup", "bound: sms", "bound: push", "method removed", "session raised",
	"right by a device", "right by a passkey", "right by a passkey alone", "refused code", "refused cookie",
}

var holes = regexp.MustCompile(`\{[a-z.]+\}`)

// fill puts a value into a pattern's holes.
func fill(pattern, value string) string { return holes.ReplaceAllLiteralString(pattern, value) }

func isForm(one web.Route) bool { return one.Method == http.MethodPost }
