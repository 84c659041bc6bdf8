package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"countersign/acceptance/carrier"
	"countersign/internal/message/push/pushtest"
)

// Armed is a world in which every method can be set up: it has a gateway for texts and a
// push service.
type Armed struct {
	*World
	*carrier.Phones
	Push *pushtest.Service
}

var armed = struct {
	sync.Mutex
	worlds map[string]*Armed
}{worlds: map[string]*Armed{}}

// EachArmed runs fn on both databases, in worlds that the tests of the package share and
// whose clock can be advanced.
func EachArmed(t *testing.T, fn func(t *testing.T, w *Armed)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			fn(t, sharedArmed(t, engine))
		})
	}
}

func sharedArmed(t testing.TB, engine string) *Armed {
	t.Helper()
	armed.Lock()
	defer armed.Unlock()
	if w := armed.worlds[engine]; w != nil {
		w.Push.Reports(t)
		return w
	}
	w := NewArmed(lasting{t}, engine)
	armed.worlds[engine] = w
	shared.Lock()
	defer shared.Unlock()
	shared.worlds[engine+" armed"] = w.World
	return w
}

// lasting is a test whose end does not end what was started in it.
type lasting struct{ testing.TB }

func (lasting) Cleanup(func()) {}

// texts is how many texts an Armed may send in a day.
const texts = 100_000

// NewArmed starts one. The caller closes it.
func NewArmed(t testing.TB, engine string) *Armed {
	t.Helper()
	var started atomic.Pointer[World]
	g, s := carrier.NewGateway(), pushtest.New(t, func() time.Time {
		if w := started.Load(); w != nil {
			return w.Now()
		}
		return time.Now()
	})
	t.Cleanup(g.Stop)
	ca := filepath.Join(Folder(t), "push.pem")
	if err := os.WriteFile(ca, s.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	config := smsConfig("http", texts) + "[sms.answers]\nleast = 0\n" +
		fmt.Sprintf("[sms.http]\nurl = %q\naccount = %q\ntoken = %q\nfrom = \"+15005550006\"\ntimeout = \"5s\"\n",
			g.URL, carrier.Account, carrier.Token) +
		fmt.Sprintf("[push]\nservices = [%q]\nca_file = %q\n", s.Host, ca)
	w := New(t, engine, Options{Flavour: Rigged, Config: config})
	w.more = config
	started.Store(w)
	return &Armed{World: w, Phones: g.Phones, Push: s}
}

// Other is the second program on PostgreSQL, and the only one on SQLite, which is for a
// single node.
func (w *Armed) Other(t testing.TB) *Server {
	t.Helper()
	if w.Engine != "postgres" {
		return w.A
	}
	return w.Replica(t)
}
