package rig

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Refused starts one more program that must end by itself, not well, and returns what it
// said. It speaks of the world's database unless o says otherwise.
func (w *World) Refused(t testing.TB, o Options) string {
	t.Helper()
	config := w.writeConfig(t, "refused", freeAddr(t), o)
	said, code := w.Run(t, o.Env, "serve", "--config", config)
	if code != 1 && code != 5 { // 5: the configuration
		t.Errorf("the program ends with %d:\n%s", code, said)
	}
	return said
}

// Starts starts one more program for as long as it takes to answer.
func (w *World) Starts(t testing.TB, o Options) {
	t.Helper()
	s := w.start(t, "starts", o)
	s.Stop()
}

// Command runs a subcommand with the configuration of o and returns what it said and its
// exit code.
func (w *World) Command(t testing.TB, o Options, args ...string) (said string, code int) {
	t.Helper()
	return w.Run(t, o.Env, append(args, "--config", w.writeConfig(t, "command", freeAddr(t), o))...)
}

// Run runs the program in the world's folder and returns what it said and its exit code.
func (w *World) Run(t testing.TB, env []string, args ...string) (said string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(t, w.flavour), confirmed(args)...)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = w.Dir, append(w.env(), env...), &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("countersign %v: %v, %v\n%s", args, err, ctx.Err(), out.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// DSN is the address of the world's database.
func (w *World) DSN() string { return w.dsn }

// Program prepares a subcommand with the configuration of the first program, for tests that
// read what it says while it runs.
func (w *World) Program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(Binary(t, w.flavour), append(slices.Clone(args), "--config", w.config)...)
	cmd.Dir, cmd.Env = w.Dir, w.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// AtTerminal runs a subcommand as a person at a terminal does, who types line, and returns
// what stands on the screen and the exit code.
func (w *World) AtTerminal(t testing.TB, line string, args ...string) (screen string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Slack*30*time.Second)
	defer cancel()
	words := append(append([]string{Binary(t, w.flavour)}, args...), "--config", w.config)
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	cmd := exec.CommandContext(ctx, "script", "--quiet", "--return", "--command", strings.Join(words, " "), os.DevNull)
	cmd.Dir, cmd.Env, cmd.Stdin = w.Dir, append(w.env(), "TERM=xterm"), strings.NewReader(line+"\n")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("countersign %v at a terminal: %v, %v\n%s", args, err, ctx.Err(), out)
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}
