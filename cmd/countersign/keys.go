package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/keyring"
)

// KeysCmd is about the keys that sign tokens, and the master keys in the key file.
type KeysCmd struct {
	Rotate KeysRotateCmd `cmd:"" help:"Make a new signing key, or with --master a new master key. Servers go on meanwhile."`
	Retire KeysRetireCmd `cmd:"" help:"Withdraw a signing key now, because someone else may know it. Its tokens stop at once."`
	Reseal KeysResealCmd `cmd:"" help:"Seal everything at rest with the newest master key now. Servers do it by themselves within minutes."`
	Drop   KeysDropCmd   `cmd:"" help:"Remove an old master key from the key file, once nothing needs it."`
	List   KeysListCmd   `cmd:"" help:"List all signing keys and master keys, and what still needs each."`
}

// withRing changes the signing keys and records it, in one transaction. Keys are prepared
// before it, because making one is slow. It returns the ids of what was changed.
func withRing(ctx context.Context, env *Env, action audit.Action,
	prepare func(r *keyring.Keyring) ([]keyring.Fresh, error),
	fn func(r *keyring.Keyring, tx *db.Tx, h *app.Core, fresh keyring.Fresh) (id string, err error)) (ids []string,
	err error) {
	err = env.within(ctx, func(h *app.Core) error {
		ring := &keyring.Keyring{DB: h.DB, Keys: h.Keys}
		fresh, err := prepare(ring)
		if err != nil {
			return err
		}
		return h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
			ids = nil
			for _, f := range fresh {
				id, err := fn(ring, tx, h, f)
				if err != nil {
					return err
				}
				if err := audit.Record(ctx, tx, audit.Event{
					Action:    action,
					Result:    audit.OK,
					ActorID:   byHand,
					SubjectID: id,
				}); err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return nil
		})
	})
	return ids, err
}

// shortestLead leaves every server that reads the same file time to see the key: a look
// each second, and a clock that is five seconds off.
const shortestLead = 10 * time.Second

// KeysRotateCmd makes a new key.
type KeysRotateCmd struct {
	Master bool          `help:"Add a new master key to the key file: it seals, and mixes into passwords and codes."`
	Lead   time.Duration `default:"1m" help:"How long a new master key is in the file before it seals. Allow for copying the file to other machines."`
}

// Run makes the key and says when it is used.
func (c KeysRotateCmd) Run(ctx context.Context, env *Env) error {
	if c.Master {
		return c.master(ctx, env)
	}
	made, err := withRing(ctx, env, audit.KeysRotated, freshKeys,
		func(r *keyring.Keyring, tx *db.Tx, h *app.Core, fresh keyring.Fresh) (string, error) {
			return r.Rotate(ctx, tx, fresh, h.Config.Limits.AccessTokenLife)
		})
	if err != nil {
		return err
	}
	for _, id := range made {
		env.say(changeDocument{id, changed{{"signs_from", at(now().Add(keyring.Lead))}}},
			"Key %s is published now and signs in %s.\n", id, keyring.Lead)
	}
	return nil
}

// freshKeys makes one key for each algorithm.
func freshKeys(*keyring.Keyring) (fresh []keyring.Fresh, err error) {
	for _, algorithm := range keyring.Algorithms {
		f, err := keyring.Generate(algorithm)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, f)
	}
	return fresh, nil
}

func (c KeysRotateCmd) master(ctx context.Context, env *Env) error {
	if c.Lead < shortestLead {
		return fmt.Errorf("--lead must be at least %s: no server may meet what it cannot open", shortestLead)
	}
	return env.within(ctx, func(h *app.Core) error {
		id, from, err := h.AddMasterKey(ctx, c.Lead, byHand)
		if id == "" {
			return err
		}
		env.say(changeDocument{id, changed{{"seals_from", at(from)}, {"key_file", h.Config.KeyFile}}},
			"Master key %s is in %s and seals from %s on.\n", id, h.Config.KeyFile, shown(from.UTC()))
		env.explainMore(
			"Servers that read this file take it over by themselves. Copy the file to every other machine that serves, before then, and to where you keep its copy.\n")
		return err
	})
}

// KeysRetireCmd withdraws a key.
type KeysRetireCmd struct {
	ID string `arg:"" help:"The key's id, the kid of its tokens."`
}

// Run withdraws the key.
func (c KeysRetireCmd) Run(ctx context.Context, env *Env) error {
	spare := func(r *keyring.Keyring) ([]keyring.Fresh, error) {
		fresh, err := r.Spare(ctx, c.ID)
		return []keyring.Fresh{fresh}, err
	}
	_, err := withRing(ctx, env, audit.KeysRetired, spare,
		func(r *keyring.Keyring, tx *db.Tx, _ *app.Core, fresh keyring.Fresh) (string, error) {
			found, err := r.Retire(ctx, tx, c.ID, fresh)
			if err == nil && !found {
				err = fmt.Errorf("there is no key %s in use", c.ID)
			}
			return c.ID, err
		})
	if err == nil {
		env.say(changeDocument{c.ID, changed{{"withdrawn", true}}}, "Key %s is withdrawn.\n", c.ID)
	}
	return err
}

// KeysResealCmd seals old rows anew.
type KeysResealCmd struct{}

// Run seals and says how much. It may be stopped and run again.
func (KeysResealCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		n, err := h.Masters.Reseal(ctx)
		env.say(changeDocument{h.Keys.Current(), changed{{"resealed_rows", n}}},
			"%d rows are sealed anew, with master key %s.\n", n, h.Keys.Current())
		return err
	})
}

// KeysDropCmd drops a master key.
type KeysDropCmd struct {
	ID    string `arg:"" help:"The master key's id."`
	Force bool   `help:"Give up refresh tokens and links in mails that are older than the next key: apps and people start again."`
}

// Run drops the key.
func (c KeysDropCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		err := h.Masters.Drop(ctx, h.Config.KeyFile, c.ID, c.Force, func(tx *db.Tx) error {
			return audit.Record(ctx, tx, audit.Event{
				Action:    audit.KeysMasterDropped,
				Result:    audit.OK,
				ActorID:   byHand,
				SubjectID: c.ID,
			})
		})
		if err == nil {
			env.say(changeDocument{c.ID, changed{{"dropped", true}}},
				"Master key %s is no longer in %s. Backups that it sealed need an older copy of that file: keep one for as long as you keep them.\n",
				c.ID, h.Config.KeyFile)
		}
		return err
	})
}

// KeysListCmd lists the keys.
type KeysListCmd struct{}

// Run prints one line per key.
func (KeysListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.Core) error {
		keys, err := (&keyring.Keyring{DB: h.DB, Keys: h.Keys}).List(ctx)
		if err != nil {
			return err
		}
		table := env.table()
		for _, k := range keys {
			table.row(signingKeyOf(k), k.ID, keyState(k, now()), k.Algorithm, "signs from "+shown(k.ActiveFrom),
				"published until "+shown(k.RetiredAt))
		}
		return errors.Join(masterKeys(ctx, h, table), table.flush())
	})
}

func masterKeys(ctx context.Context, h *app.Core, table table) error {
	all, err := h.Masters.List(ctx)
	if err != nil {
		return err
	}
	for _, k := range all {
		left, err := h.Masters.Needs(ctx, k.ID)
		if err != nil {
			return err
		}
		if !k.DroppedAt.IsZero() || k.Sealing || k.From.After(now()) {
			left = nil
		}
		table.row(masterKeyOf(k, left), k.ID, masterState(k), "seals from "+shown(k.From), "added "+shown(k.AddedAt))
		for _, n := range left {
			table.note("", "", fmt.Sprintf("%d %s", n.Count, n.What))
		}
	}
	return nil
}

func masterState(k keyring.MasterKey) string {
	switch {
	case !k.DroppedAt.IsZero():
		return "master, dropped"
	case !k.Here:
		return "master, MISSING here"
	case k.Sealing:
		return "master, seals"
	case k.From.After(now()):
		return "master, next"
	}
	return "master, old"
}

func keyState(k keyring.Key, at time.Time) string {
	switch {
	case !k.Published(at):
		return "retired"
	case k.ActiveFrom.After(at):
		return "next"
	}
	return "active"
}
