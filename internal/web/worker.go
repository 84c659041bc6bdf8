package web

import (
	"net/http"
	"strconv"
)

// Worker serves a script of ours at an address of its own, as a service worker must have it:
// its reach is what lies below its address, and the address never changes. The browser asks
// for it anew each time.
func (w *Web) Worker(name string) Handler {
	return func(rw http.ResponseWriter, _ *http.Request) error {
		at, err := w.assets.url(name)
		if err != nil {
			return err
		}
		file := w.assets.byPath[at]
		rw.Header().Set("Content-Type", file.kind)
		rw.Header().Set("Content-Length", strconv.Itoa(len(file.plain)))
		_, err = rw.Write(file.plain)
		return err
	}
}

// Asset is the address of one of our files, for what is no template.
func (w *Web) Asset(name string) (string, error) { return w.assets.url(name) }
