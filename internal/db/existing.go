package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// ErrNoDatabase says that no program has set the database up yet.
var ErrNoDatabase = errors.New(
	"there is no database yet: run countersign serve or countersign migrate first, or correct database.url")

// OpenExisting is Open for programs that must not make a database. It fails with
// ErrNoDatabase where there is none, or an empty one, and leaves no file behind.
func OpenExisting(ctx context.Context, dsn string, now func() time.Time) (*DB, error) {
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
			return nil, fmt.Errorf("%s: %w", path, ErrNoDatabase)
		}
	}
	d, err := Open(ctx, dsn, now)
	if err != nil {
		return nil, err
	}
	names, err := migrationNames()
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	missing, _, err := d.Schema(ctx)
	if err == nil && len(missing) == len(names) {
		err = ErrNoDatabase
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}
