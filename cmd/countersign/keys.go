package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"countersign/internal/app"
	"countersign/internal/audit"
	"countersign/internal/db"
	"countersign/internal/keyring"
)

// KeysCmd is about the keys that sign tokens.
type KeysCmd struct {
	Rotate KeysRotateCmd `cmd:"" help:"Make a new signing key; the old ones leave when their last token is over."`
	Retire KeysRetireCmd `cmd:"" help:"Withdraw a key now, because somebody else may know it. Its tokens stop at once."`
	List   KeysListCmd   `cmd:"" help:"List all signing keys."`
}

// withRing changes the signing keys and records it, in one transaction.
func withRing(ctx context.Context, env *Env, action string, fn func(r *keyring.Keyring, tx *db.Tx, h *app.House) (id string, err error)) error {
	return env.within(ctx, func(h *app.House) error {
		return h.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
			id, err := fn(&keyring.Keyring{DB: h.DB, Keys: h.Keys}, tx, h)
			if err != nil {
				return err
			}
			return audit.Record(ctx, tx, audit.Event{Action: action, Result: "ok", ActorID: byHand, SubjectID: id})
		})
	})
}

// KeysRotateCmd makes a new key.
type KeysRotateCmd struct{}

// Run makes the key and says when it signs.
func (KeysRotateCmd) Run(ctx context.Context, env *Env) error {
	var made string
	err := withRing(ctx, env, "keys.rotated", func(r *keyring.Keyring, tx *db.Tx, h *app.House) (id string, err error) {
		made, err = r.Rotate(ctx, tx, h.Config.Limits.AccessTokenLife)
		return made, err
	})
	if err == nil {
		fmt.Printf("Key %s is published now and signs in %s.\n", made, keyring.Lead)
	}
	return err
}

// KeysRetireCmd withdraws a key.
type KeysRetireCmd struct {
	ID string `arg:"" help:"The key's id, the kid of its tokens."`
}

// Run withdraws the key.
func (c KeysRetireCmd) Run(ctx context.Context, env *Env) error {
	err := withRing(ctx, env, "keys.retired", func(r *keyring.Keyring, tx *db.Tx, _ *app.House) (string, error) {
		found, err := r.Retire(ctx, tx, c.ID)
		if err == nil && !found {
			err = fmt.Errorf("there is no key %s in use", c.ID)
		}
		return c.ID, err
	})
	if err == nil {
		fmt.Printf("Key %s is withdrawn.\n", c.ID)
	}
	return err
}

// KeysListCmd lists the keys.
type KeysListCmd struct{}

// Run prints one line per key.
func (KeysListCmd) Run(ctx context.Context, env *Env) error {
	return env.within(ctx, func(h *app.House) error {
		keys, err := (&keyring.Keyring{DB: h.DB, Keys: h.Keys}).List(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
		for _, k := range keys {
			_, _ = fmt.Fprintf(table, "%s\t%s\tsigns from %s\tpublished until %s\n", k.ID, keyState(k, now()), shown(k.ActiveFrom), shown(k.RetiredAt))
		}
		return table.Flush()
	})
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
