package rig

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "countersign/internal/db" // its drivers, to look at rows at rest
)

// PublicURL is where every world's program believes to be.
const (
	PublicURL = "https://" + Host
	Host      = "sign-in.example.test"
)

// Engines are the databases that every behaviour is tested on.
var Engines = []string{"sqlite", "postgres"}

// World is one installation: a database, a mail server, and one or two running programs.
type World struct {
	Engine string
	Sink   *Sink
	A      *Server
	B      *Server // nil until Replica
	Dir    string

	flavour Flavour
	dsn     string
	bounces string
	config  string
	more    string // lines of configuration that the second program needs, too
	clock   string
	shift   atomic.Int64 // nanoseconds
	rows    *sql.DB
	t       testing.TB
	serial  atomic.Int64
	mu      sync.Mutex
	tenants map[string]*Tenant
	apps    map[string]*App

	browsers map[string]*Chromium // by the address of the program that they find
}

// Options change a world before it starts. The zero value is an ordinary release build.
type Options struct {
	Flavour Flavour
	Config  string // more lines of configuration
	Env     []string
	Geo     bool   // with the small place database of TestPlaces
	Server  string // a PostgreSQL to use instead of TEST_POSTGRES_URL
	Data    string // a folder for the SQLite database
}

var shared = struct {
	sync.Mutex
	worlds map[string]*World
}{worlds: map[string]*World{}}

// Each runs fn on both databases, in the world that the tests of the package share. A
// test brings its own people.
func Each(t *testing.T, fn func(t *testing.T, w *World)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			fn(t, Shared(t, engine))
		})
	}
}

// EachFresh runs fn on both databases, each in a world of its own.
func EachFresh(t *testing.T, o Options, fn func(t *testing.T, w *World)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := New(t, engine, o)
			t.Cleanup(w.Close)
			fn(t, w)
		})
	}
}

// EachTimed runs fn on both databases, in the shared world whose clock can be advanced.
func EachTimed(t *testing.T, fn func(t *testing.T, w *World)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			fn(t, share(t, engine, Options{Flavour: Rigged, Geo: true}))
		})
	}
}

// Shared returns the package's world on an engine, and starts it at first use.
func Shared(t testing.TB, engine string) *World {
	t.Helper()
	return share(t, engine, Options{Flavour: Release, Geo: true})
}

func share(t testing.TB, engine string, o Options) *World {
	t.Helper()
	key := engine + " " + string(o.Flavour)
	shared.Lock()
	defer shared.Unlock()
	if shared.worlds[key] == nil {
		shared.worlds[key] = New(t, engine, o)
	}
	return shared.worlds[key]
}

func closeShared() {
	shared.Lock()
	defer shared.Unlock()
	for _, w := range shared.worlds {
		w.Close()
	}
}

// New starts a world. The caller closes it.
func New(t testing.TB, engine string, o Options) *World {
	t.Helper()
	if o.Flavour == "" {
		o.Flavour = Release
	}
	w := &World{
		Engine:  engine,
		Dir:     Folder(t),
		flavour: o.Flavour,
		t:       t,
		bounces: freeAddr(t),
		tenants: map[string]*Tenant{},
		apps:    map[string]*App{},

		browsers: map[string]*Chromium{},
	}
	w.Sink = newSink(t, w.bounces)
	w.openDatabase(t, o)
	writeTLS(t, w.Dir, Host)
	w.clock = filepath.Join(w.Dir, "clock")
	w.SetClock(t, 0)
	w.A = w.start(t, "a", o)
	return w
}

// Close stops everything and drops the database.
func (w *World) Close() {
	for _, c := range w.browsers {
		c.stop()
	}
	for _, s := range []*Server{w.A, w.B} {
		if s != nil {
			s.Stop()
		}
	}
	w.Sink.Stop()
	if w.Engine == "postgres" {
		dropSchema(w.dsn)
	}
	_ = w.rows.Close()
}

// Replica starts a second program on the same database, once.
func (w *World) Replica(t testing.TB) *Server {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.B == nil {
		w.B = w.start(t, "b", Options{Config: w.more})
	}
	return w.B
}

// SetClock puts the clock of a rigged world to d after the true time.
func (w *World) SetClock(t testing.TB, d time.Duration) {
	t.Helper()
	w.shift.Store(int64(d))
	next := w.clock + ".next"
	if err := os.WriteFile(next, []byte(d.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, w.clock); err != nil { // never read half-written
		t.Fatal(err)
	}
}

// Advance moves the clock of a rigged world on by d.
func (w *World) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	w.SetClock(t, time.Duration(w.shift.Load())+d)
}

// Unique returns prefix with a number that nothing else in this world has.
func (w *World) Unique(prefix string) string {
	return fmt.Sprintf("%s%d", prefix, w.serial.Add(1))
}

func (w *World) writeConfig(t testing.TB, name, listen string, o Options) string {
	t.Helper()
	bounces := fmt.Sprintf("[smtp.bounces]\nlisten = %q\ndomain = \"bounces.example.test\"\n", w.bounces)
	if name != "a" {
		bounces = ""
	}
	host, port, _ := net.SplitHostPort(w.Sink.Addr)
	skew := "5s"
	if w.flavour == Rigged {
		skew = "876000h" // the database's clock does not move with ours
	}
	text := fmt.Sprintf(configText, PublicURL, listen, w.file("countersign.key"), w.dsn, skew,
		w.file("server.pem"), w.file("server.key"), host, port, smtpUser, smtpPassword,
		w.file("ca.pem")) + bounces + o.Config
	if o.Geo {
		text += fmt.Sprintf("[geo]\ndatabase = %q\n", writePlaces(t, w.Dir))
	}
	path := w.file(name + ".toml")
	if err := os.WriteFile(path, []byte(w.flavour.known(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *World) file(name string) string { return filepath.Join(w.Dir, name) }

// TrustedProxy is the one peer whose X-Forwarded-For the program believes.
const TrustedProxy = "127.0.0.2"

const configText = `public_url = %q
listen = %q
trusted_proxies = ["127.0.0.2/32"]
key_file = %q
log_level = "debug"
[database]
url = %q
clock_skew = %q
[tls]
cert_file = %q
key_file = %q
[smtp]
host = %q
port = %s
username = %q
password = %q
from = "Example Sign-in <sign-in@example.test>"
tls = "starttls"
ca_file = %q
timeout = "5s"
`

func (w *World) openDatabase(t testing.TB, o Options) {
	t.Helper()
	var err error
	if w.Engine == "sqlite" {
		path := w.file("house.db")
		if o.Data != "" {
			path = filepath.Join(o.Data, "house.db")
		}
		w.dsn = "sqlite:" + path
		w.rows, err = sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(60000)&_pragma=query_only(1)")
	} else {
		w.dsn = newSchema(t, o.Server)
		w.rows, err = sql.Open("pgx", w.dsn)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.rows.SetMaxOpenConns(2)
}

func newSchema(t testing.TB, server string) string {
	t.Helper()
	if server == "" {
		server = os.Getenv("TEST_POSTGRES_URL")
	}
	if server == "" {
		t.Fatal("TEST_POSTGRES_URL is not set: run ./test, or scripts/postgres start and export what it prints")
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	schema := fmt.Sprintf("acc%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("application_name", schema) // so that a test can see whose connections are left
	u.RawQuery = q.Encode()
	return u.String()
}

func dropSchema(dsn string) {
	u, err := url.Parse(dsn)
	if err != nil {
		return
	}
	if admin, err := sql.Open("pgx", dsn); err == nil {
		_, _ = admin.ExecContext(context.Background(), "DROP SCHEMA "+u.Query().Get("search_path")+" CASCADE")
		_ = admin.Close()
	}
}

// Number reads one number from the rows at rest.
func (w *World) Number(t testing.TB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := w.rows.QueryRow(query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// Texts reads one column of texts from the rows at rest.
func (w *World) Texts(t testing.TB, query string, args ...any) []string {
	t.Helper()
	rows, err := w.rows.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// Slack is how much longer than on a quiet machine anything may take before a test gives up
// waiting for it. What comes in time is not waited for, so it costs nothing.
const Slack = 4

// Within waits until ok, for at most d on a quiet machine.
func Within(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(Slack * d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", Slack*d, what)
}

// Quietly joins lines for a failure message without flooding it.
func Quietly(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return s[:min(len(s), 600)]
}
