package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"countersign/internal/app"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/secret"
)

// Env is what every subcommand shares.
type Env struct {
	ConfigFile string `name:"config" short:"c" type:"path" env:"COUNTERSIGN_CONFIG" help:"Configuration file (TOML). Environment variables, COUNTERSIGN_…, override it."`
	Output     string `short:"o" enum:"text,json" default:"text" help:"Output format: text, or json for programs."`
}

func (e *Env) load() (config.Config, *slog.Logger, error) { return e.loadBy(config.Load) }

// loadForCommand is load for commands that serve nothing and need no mail server.
func (e *Env) loadForCommand() (config.Config, *slog.Logger, error) {
	return e.loadBy(config.LoadForCommand)
}

func (e *Env) loadBy(load func(path string, environ []string) (config.Config, error)) (config.Config,
	*slog.Logger, error) {
	c, err := load(e.ConfigFile, os.Environ())
	if err != nil {
		return c, nil, configError{err}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return c, nil, configError{fmt.Errorf("log_level: %w", err)}
	}
	return c, slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})), nil
}

// within opens the database and the keys without serving anything, runs fn and closes them.
// It makes no database: a mistyped address must not look like an installation that is empty.
func (e *Env) within(ctx context.Context, fn func(h *app.Core) error) error {
	return e.with(ctx, app.OpenExisting, fn)
}

type opener func(context.Context, config.Config, *slog.Logger, func() time.Time) (*app.Core, error)

func (e *Env) with(ctx context.Context, open opener, fn func(h *app.Core) error) error {
	c, log, err := e.loadForCommand()
	if err != nil {
		return err
	}
	h, err := open(ctx, c, log, now)
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	return fn(h)
}

// byHand names the command line as the actor in the audit log.
const byHand = "command-line"

// sentence puts a catalogue key into English.
func sentence(key string) string {
	catalog, err := locale.New()
	if err != nil {
		return key
	}
	return catalog.In("en").T(key)
}

// secretLine reads one line of standard input: a password must not stand in a command.
func secretLine(in io.Reader) (secret.Text, error) {
	text, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fault.New(fault.Invalid, "password.problem.short")
	}
	return secret.Text(line), nil
}

// instant reads a date ("2027-01-31", midnight UTC) or an instant of RFC 3339.
func instant(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a date (2027-01-31) nor an instant (2027-01-31T08:00:00Z)", s)
}

func shown(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case t.Equal(db.Forever):
		return "forever"
	}
	return t.Format(time.RFC3339)
}
