package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/internal/config"
	"countersign/internal/configminimum"
	"countersign/internal/db"
)

// Check is one thing that must hold while requests are answered. Run returns a sentence for
// the operator where it does not.
type Check struct {
	Name string
	Run  func(ctx context.Context) error
}

// Checks are what a start insists on and what can change afterwards. Each is one query.
func (h *Core) Checks() []Check {
	return []Check{{"clock", h.clockIsRight}, {"durability", h.checkDurability}, {"keys", h.keysFit},
		{"master keys", h.mastersFit}, {"epoch", h.checkEpoch}}
}

// clockIsRight holds our clock to the database's, by which every replica is measured
// (REL-14, SEC-140).
func (h *Core) clockIsRight(ctx context.Context) error {
	skew, err := h.DB.ClockSkew(ctx)
	if err != nil {
		return err
	}
	if most := h.Config.Database.ClockSkew; skew.Abs() > most {
		return fmt.Errorf(
			"this machine's clock and the database's are %s apart, and %s is the most: set the clocks (NTP), or raise database.clock_skew knowing that codes and sessions then live that much longer or shorter",
			skew.Abs().Round(time.Second), most)
	}
	return nil
}

// checkDurability fails where the database may lose what it has confirmed (REL-10).
func (h *Core) checkDurability(ctx context.Context) error {
	s, err := h.DB.Server(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("ask the database how it keeps its data: %w", err)
	case s.Standby:
		return db.ErrStandby
	case h.Config.Database.Durability == config.Ignore:
		return nil
	}
	return s.DurabilityProblems()
}

// keysFit fails on a replica whose key file lacks the generation that the others seal with
// by now (REL-16).
func (h *Core) keysFit(ctx context.Context) error {
	return h.DB.View(ctx, db.Installation, func(tx *db.Tx) error {
		found, err := configminimum.Recognise(ctx, tx, h.Keys)
		if err == nil && !found {
			err = errors.New("the canary is gone from the database: restore it from a copy")
		}
		return err
	})
}

// lookEvery is how soon a server notices that a check has ceased to hold.
const lookEvery = 4 * time.Second

// runChecks runs every check and remembers the outcome for the public health page. It tells the
// log when that changes, not each time.
func (a *App) runChecks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	var all error
	for _, c := range a.Checks() {
		all = errors.Join(all, c.Run(ctx))
	}
	if all != nil && !a.databaseAnswers(ctx) {
		return nil // no database: health finds that out by itself, and sooner that it is back
	}
	was := a.unfit.Load()
	switch {
	case all == nil:
		a.unfit.Store(nil)
		if was != nil {
			a.Log.Info("ready for requests again")
		}
	case was == nil || (*was).Error() != all.Error():
		a.unfit.Store(&all)
		a.Log.Error("not ready for requests", "error", all)
	}
	return nil
}

func (a *App) databaseAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return a.DB.Ping(ctx) == nil
}

// forgetTopic drops what is remembered about a topic; an empty one stands for all of them.
func (a *App) forgetTopic(topic string) {
	if topic == db.TopicInstallation || topic == "" {
		a.site.forget()
	}
	if topic == db.TopicBrands || topic == "" {
		a.brands.forget()
	}
	if topic == db.TopicKeys || topic == "" {
		a.ring.Forget()
	}
}
