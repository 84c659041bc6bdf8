package app

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"countersign/internal/audit"
	"countersign/internal/backup"
	"countersign/internal/db"
	"countersign/internal/jobs"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

// How often a server looks at the key file, seals old rows anew, and writes down how far
// the database has come.
const (
	followEvery = time.Second
	resealEvery = time.Minute
	rsaEvery    = time.Minute
	markEvery   = 10 * time.Second
)

// custody is what a house needs to follow its key file and to notice an older database.
type custody struct {
	Masters *keyring.Masters
	mark    *backup.Mark
	trouble trouble
}

func (h *Core) takeCustody(ctx context.Context) error {
	h.Masters = &keyring.Masters{DB: h.DB, Keys: h.Keys}
	h.mark = &backup.Mark{Path: backup.MarkPath(h.Config.KeyFile), DB: h.DB}
	return h.Masters.Ensure(ctx)
}

// mastersFit fails while the key file lacks a generation that others seal with (REL-16).
func (h *Core) mastersFit(ctx context.Context) error {
	if h.Masters == nil {
		return nil // the keys did not fit; that is told already
	}
	return h.Masters.Check(ctx)
}

// checkEpoch fails where an older state has taken the database's place: unnoticed, or noticed
// and not acknowledged (SEC-139). So does a server that runs meanwhile.
func (h *Core) checkEpoch(ctx context.Context) error {
	if h.mark == nil {
		return nil // the keys did not fit; that is told already
	}
	return errors.Join(h.mark.Check(ctx),
		h.DB.View(ctx, db.Installation, func(tx *db.Tx) error { return backup.CheckAcknowledged(ctx, tx) }))
}

// custodyJobs is the periodic work of custody.
func (a *App) custodyJobs() []jobs.Periodic {
	return []jobs.Periodic{
		{
			Name:  "keys.follow",
			Every: followEvery,
			Run:   func(ctx context.Context) error { a.logChange("keys", a.Masters.Follow(ctx)); return nil },
		},
		{
			Name:  "keys.rsa",
			Every: rsaEvery,
			Run:   func(ctx context.Context) error { return a.ring.Ensure(ctx, keyring.RS256) },
		},
		{Name: "keys.reseal", Every: resealEvery, Run: a.Masters.ResealWhenNeeded},
		{
			Name:  "epoch.mark",
			Every: markEvery,
			Run:   func(ctx context.Context) error { a.logChange("mark", a.mark.Update(ctx)); return nil },
		},
	}
}

// trouble remembers what was said, so that the log is told of changes and not of every look.
type trouble struct {
	mu   sync.Mutex
	said map[string]string
}

func (h *Core) logChange(about string, err error) {
	t := &h.trouble
	t.mu.Lock()
	defer t.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if t.said == nil {
		t.said = map[string]string{}
	}
	if t.said[about] == text || errors.Is(err, context.Canceled) {
		return
	}
	t.said[about] = text
	if err != nil {
		h.Log.Error("custody", "about", about, "error", err)
		return
	}
	h.Log.Info("custody: well again", "about", about)
}

// obeyHangUp looks at the key file at once when it is asked to by SIGHUP. The last look at
// how far the database has come is taken when the house closes.
func (a *App) obeyHangUp(ctx context.Context) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	defer signal.Stop(asked)
	for {
		select {
		case <-asked:
			a.logChange("keys", a.Masters.Follow(ctx))
			a.Log.Info("looked at the key file", "seals", a.Keys.Current(), "generations", len(a.Keys.Generations()))
		case <-ctx.Done():
			a.logChange("mark", a.mark.Update(context.WithoutCancel(ctx)))
			return
		}
	}
}

// AddMasterKey adds a generation to the key file, to seal after lead, and tells everyone.
func (h *Core) AddMasterKey(ctx context.Context, lead time.Duration, by string) (id string, from time.Time, err error) {
	now := h.DB.Now()
	from = now.Add(lead).Truncate(time.Second)
	if id, err = secret.AddGeneration(h.Config.KeyFile, now, from); err != nil {
		return "", from, err
	}
	if _, err = h.Keys.Refresh(now); err != nil {
		return id, from, err
	}
	return id, from, h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
		if err := h.Masters.Register(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action:    audit.KeysMasterAdded,
			Result:    audit.OK,
			ActorID:   by,
			SubjectID: id,
			Reason:    "seals from " + from.UTC().Format(time.RFC3339),
		})
	})
}
