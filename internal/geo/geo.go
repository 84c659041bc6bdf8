// Package geo turns an IP address into an approximate place, from a file of the operator.
// It refuses to fail: without a usable file, places are unknown and everything goes on.
package geo

import (
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
)

// Local stands for an address of a private network or of this machine; faces put it into words.
const Local = "local"

// lookEvery is how long a replaced file may stay unnoticed.
const lookEvery = 10 * time.Second

// Places looks places up. It is safe for concurrent use.
type Places struct {
	path string
	log  *slog.Logger
	now  atomic.Pointer[geoip2.Reader] // nil: no usable file
	stop func()

	looked bool // looked and seen belong to the watching goroutine
	seen   stamp
}

// stamp is how a file is told from its replacement.
type stamp struct {
	modified time.Time
	size     int64
}

// Open reads the .mmdb file at path (cities or countries) and watches it; an empty path
// means that there is none. A file that is missing or unreadable is logged and watched
// for; the error is always nil today, and is there for what cannot be mended by waiting.
func Open(path string, log *slog.Logger) (*Places, error) {
	p := &Places{path: path, log: log, stop: func() {}}
	if path == "" {
		return p, nil
	}
	p.look()
	done := make(chan struct{})
	p.stop = sync.OnceFunc(func() { close(done) })
	go p.watch(done)
	return p, nil
}

// Close stops watching the file.
func (p *Places) Close() error {
	p.stop()
	return nil
}

func (p *Places) watch(done chan struct{}) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			p.look()
		}
	}
}

// look loads the file if it is not the one seen last; whatever is wrong with it is said
// once. The places of the last good file stay until there is a better one.
func (p *Places) look() {
	s := stampOf(p.path)
	if p.looked && s == p.seen {
		return
	}
	p.looked, p.seen = true, s
	if err := p.load(); err != nil {
		p.log.Warn("the geo database cannot be used: places are unknown or out of date until it can", "file",
			p.path, "error", err)
	}
}

// stampOf is zero where there is no file.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// load reads the whole file: a mapping of a file that someone truncates would end the process.
func (p *Places) load() error {
	text, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	r, err := geoip2.OpenBytes(text)
	if err != nil {
		return err
	}
	p.now.Store(r)
	return nil
}
