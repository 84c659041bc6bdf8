package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"

	"countersign/internal/app"
	"countersign/internal/config"
)

// childEnv makes this program something else than the driver: what to compare with, or the
// server itself with a profiler.
const childEnv = "COUNTERSIGN_BENCH_CHILD"

func asChild() bool {
	var err error
	switch os.Getenv(childEnv) {
	case "":
		return false
	case "hello":
		err = hello(os.Args[1])
	case "serve":
		err = serveProfiled(os.Args[1], os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// hello is the least that a server written with net/http does.
func hello(addr string) error {
	return http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello\n")
	}))
}

// serveProfiled is what "countersign serve" does. A profile lasts from one SIGUSR1 to the
// next.
func serveProfiled(file, profile string) error {
	c, err := config.Load(file, nil)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	a, err := app.New(ctx, c, slog.New(slog.NewJSONHandler(os.Stderr, nil)), time.Now)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	go profiles(profile)
	return a.Serve(ctx, func(string) {})
}

func profiles(prefix string) {
	marks := make(chan os.Signal, 1)
	signal.Notify(marks, syscall.SIGUSR1)
	for n := 1; ; n++ {
		<-marks
		f, err := os.Create(fmt.Sprintf("%s-%02d.pprof", prefix, n))
		if err != nil {
			return
		}
		if pprof.StartCPUProfile(f) == nil {
			<-marks
			pprof.StopCPUProfile()
		}
		_ = f.Close()
	}
}
