package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"countersign/internal/configminimum"
	"countersign/internal/db"
	"countersign/internal/keyring"
	"countersign/internal/secret"
)

// old is when a key should be followed by another.
const old = 366 * 24 * time.Hour

// readKeys reads a key file and never makes one.
func readKeys(file string, now time.Time) (*secret.Keys, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	keys, _, err := secret.LoadKeys(file, now)
	return keys, err
}

func (p *examination) keyFile(ctx context.Context) []Finding {
	const name = "key file"
	keys, err := readKeys(p.Config.KeyFile, p.Now())
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.Is(p.why, errNoFile):
		return one(name, Warn, "countersign serve makes it at its first start; keep a copy off this machine",
			"there is none yet")
	case errors.Is(err, fs.ErrNotExist):
		return one(name, Fail, "put the copy of it back; if the installation is new, countersign serve makes it",
			"%s is not there", p.Config.KeyFile)
	case err != nil:
		return one(name, Fail, "after that, start the server again", "%s", oneLine(err))
	}
	if p.db != nil {
		err := p.view(ctx, func(tx *db.Tx) error {
			_, err := configminimum.Recognise(ctx, tx, keys)
			return err
		})
		if errors.Is(err, configminimum.ErrForeignKey) {
			return one(name, Fail, "put the installation's own key file in place",
				"it does not belong to this database")
		}
	}
	return p.generations(keys)
}

func (p *examination) generations(keys *secret.Keys) []Finding {
	const name = "key file"
	info, err := os.Stat(p.Config.KeyFile)
	if err != nil {
		return one(name, Fail, "look at the file", "%s", oneLine(err))
	}
	since := p.Now().Sub(info.ModTime())
	says := fmt.Sprintf("%d generation(s), last changed %s ago", len(keys.Generations()), age(since))
	if p.db == nil {
		return one(name, OK, "", "%s; whether it is this database's is not known", says)
	}
	if since > old {
		return one(name, Warn, "countersign keys rotate --master adds a generation while the servers run", "%s", says)
	}
	return one(name, OK, "", "it is this database's: %s", says)
}

func (p *examination) signingKeys(ctx context.Context) []Finding {
	const name = "signing keys"
	if p.db == nil {
		return unknown(name)
	}
	keys, err := (&keyring.Keyring{DB: p.db, Keys: p.keys}).List(ctx)
	if err != nil {
		return one(name, Warn, "countersign migrate makes what they are kept in",
			"they cannot be read yet: %s", errorText(err))
	}
	var out []Finding
	for _, algorithm := range keyring.Algorithms {
		out = append(out, signingKey(keys, algorithm, p.Now())...)
	}
	return out
}

func signingKey(keys []keyring.Key, algorithm string, now time.Time) []Finding {
	name := "signing keys"
	if algorithm != keyring.ES256 {
		name += " " + algorithm
	}
	var active keyring.Key
	for _, k := range keys {
		if k.Algorithm == algorithm && k.Published(now) && !k.ActiveFrom.After(now) {
			active = k
		}
	}
	next := keyring.Next(keys, algorithm, now)
	switch {
	case active.ID == "":
		return one(name, Warn, "countersign serve makes one when it starts", "there is none that signs")
	case !next.IsZero():
		return one(name, OK, "", "%s signs; the next one takes over at %s", active.ID, next.UTC().Format(time.RFC3339))
	case now.Sub(active.CreatedAt) > old:
		return one(name, Warn, "countersign keys rotate makes a new one; apps notice nothing", "%s signs and is %s old",
			active.ID, age(now.Sub(active.CreatedAt)))
	}
	return one(name, OK, "", "%s signs and is %s old; no change is planned", active.ID, age(now.Sub(active.CreatedAt)))
}

// published are the ids of the keys that the database says are public now.
func (p *examination) published(ctx context.Context) (map[string]bool, error) {
	keys, err := (&keyring.Keyring{DB: p.db, Keys: p.keys}).List(ctx)
	ids := map[string]bool{}
	for _, k := range keys {
		if k.Published(p.Now()) {
			ids[k.ID] = true
		}
	}
	return ids, err
}
