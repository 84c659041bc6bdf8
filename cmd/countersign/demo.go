package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"countersign/internal/demo"
)

// DemoCmd runs the demo.
type DemoCmd struct {
	Port    int    `default:"8025" help:"Port of the demo page; sign-in and apps take the next three. Where one is taken, a free one is used."`
	Keep    string `type:"path" placeholder:"DIR" help:"Keep the data in DIR. Default: a temporary directory, removed at the end."`
	Verbose bool   `short:"v" help:"Log every request to standard error."`
}

// Run serves until it is interrupted.
func (c DemoCmd) Run(ctx context.Context) error {
	level := slog.LevelError
	if c.Verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	fmt.Println("Starting: creating five companies and their people, which takes some seconds …")
	d, err := demo.New(ctx, demo.Options{
		Port: c.Port,
		Dir:  c.Keep,
		Log:  log,
		Now:  now,
	})
	if err != nil {
		return err
	}
	fmt.Printf("Countersign demo: %s\n", d.URL)
	fmt.Printf("For an app of your own: issuer %s, client %s (public, no secret), redirect URI %s\n",
		d.Issuer, demo.OwnClient, demo.OwnRedirect)
	fmt.Println("Ctrl-C stops it.")
	return d.Serve(ctx)
}
