package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// The public listener's patience (SEC-120). A body of 64 KiB needs no more.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10
	stopWithin    = 10 * time.Second
)

func listen(ctx context.Context, addr string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
}

// Server is an HTTP server with limits that hold on a public address.
func Server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
}

// Serve answers requests and works until ctx ends, then finishes what it has begun. ready
// is called when the listener is open.
func (a *App) Serve(ctx context.Context, ready func(addr string)) error {
	l, err := listen(ctx, a.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	unwatch, err := a.listenForOps(ctx)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer unwatch()
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	worked := make(chan error, 1)
	go func() { worked <- a.Work(working) }()
	server := Server(a.Handler)
	served := make(chan error, 1)
	go func() { served <- a.serveOn(server, l) }()
	ready(l.Addr().String())
	select {
	case err = <-served:
	case err = <-worked:
		worked <- nil
	case <-ctx.Done():
		a.drain()
		err = stop(server)
	}
	stopWork()
	return errors.Join(err, <-worked)
}

func (a *App) serveOn(server *http.Server, l net.Listener) error {
	if a.Config.TLS.CertFile != "" {
		return server.ServeTLS(l, a.Config.TLS.CertFile, a.Config.TLS.KeyFile)
	}
	return server.Serve(l)
}

func stop(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return server.Shutdown(ctx)
}
