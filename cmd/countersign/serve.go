package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"countersign/internal/app"
	"countersign/internal/config"
)

// ServeCmd serves until it is asked to stop.
type ServeCmd struct{}

// Run starts the program.
func (ServeCmd) Run(ctx context.Context, env *Env) error {
	c, log, err := env.load()
	if err != nil {
		return err
	}
	reserve(&c)
	a, err := app.New(ctx, c, log, now)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	a.Build = built()
	announceSetUp(a)
	ready, done := attended(ctx)
	defer done()
	return a.Serve(ctx, func(addr string) {
		log.Info("ready", "listen", addr, "public_url", c.PublicURL, "database", a.DB.Dialect)
		ready()
		// a start leaves as much garbage behind as it keeps: word lists, and one password for no one
		go debug.FreeOSMemory()
	})
}

// announceSetUp prints the token on the console only; the log may go elsewhere.
func announceSetUp(a *app.App) {
	if a.SetUpToken == "" {
		return
	}
	fmt.Fprintf(os.Stdout,
		"\nThis installation has no operator yet. Open %s/setup and enter this token, which works once:\n\n    %s\n\n",
		a.Config.PublicURL, a.SetUpToken.Reveal())
}

// MigrateCmd brings the schema up to date and says so.
type MigrateCmd struct{}

// Run opens the database, makes it where there is none, and migrates.
func (MigrateCmd) Run(ctx context.Context, env *Env) error {
	return env.with(ctx, app.Open, func(h *app.Core) error {
		env.say(databaseOf(h), "The database is up to date: %s\n", h.DB.Dialect)
		return nil
	})
}

// ConfigCmd shows the configuration.
type ConfigCmd struct {
	Show      ConfigShowCmd      `cmd:"" help:"Print the effective configuration, with secrets hidden."`
	Reference ConfigReferenceCmd `cmd:"" help:"Print the reference of every key (Markdown)."`
}

// ConfigShowCmd prints the effective configuration.
type ConfigShowCmd struct{}

// Run loads and prints; every mistake is reported at once.
func (ConfigShowCmd) Run(env *Env) error {
	c, _, err := env.load()
	if err == nil {
		env.say(configOf(c), "%s", c.Effective())
	}
	return err
}

// ConfigReferenceCmd prints the reference.
type ConfigReferenceCmd struct{}

// Run prints what docs/configuration.md holds.
func (ConfigReferenceCmd) Run() error {
	fmt.Print(config.Reference())
	return nil
}
