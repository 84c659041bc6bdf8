package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// AddGeneration appends a fresh master key to a key file, to seal from an instant on, and
// returns its id. Until then it only opens, so that every process that follows the file has
// it before it meets what was sealed with it. One generation at a time may be waiting.
func AddGeneration(path string, now, from time.Time) (id string, err error) {
	from = from.UTC().Truncate(time.Second)
	err = changeKeyFile(path, func(s *keySet) error {
		if last := s.all[len(s.all)-1]; last.from.After(now) {
			return fmt.Errorf("generation %s is waiting to seal from %s on; wait for it", last.id,
				last.from.Format(time.RFC3339))
		}
		m := newMasterKey(now)
		m.from, id = from, m.id
		s.all = append(s.all, m)
		return nil
	})
	return id, err
}

// DropGeneration takes a master key out of a key file. What was sealed with it never opens
// again, so the caller has made sure that nothing is. The newest and the one that seals are
// never dropped.
func DropGeneration(path string, now time.Time, id string) error {
	return changeKeyFile(path, func(s *keySet) error {
		s.current = s.atInstant(now).current
		for i, m := range s.all {
			if m.id != id {
				continue
			}
			if i >= s.current {
				return fmt.Errorf("generation %s seals, or is about to: it cannot be dropped", id)
			}
			s.all = append(s.all[:i:i], s.all[i+1:]...)
			return nil
		}
		return fmt.Errorf("the key file holds no generation %s", id)
	})
}

// changeKeyFile reads, changes and replaces a key file in one step: anyone who reads it meets
// the old file or the new one, also after a power cut, and two changes follow each other.
func changeKeyFile(path string, change func(*keySet) error) (err error) {
	folder, err := os.Open(filepath.Dir(path)) // the file itself is replaced, so the lock is on its folder
	if err != nil {
		return fmt.Errorf("lock key file: %w", err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }() // unlocks
	if err := lock(folder); err != nil {
		return fmt.Errorf("lock key file: %w", err)
	}
	_, set, err := readKeyFile(path)
	if err != nil {
		return err
	}
	if err := change(set); err != nil {
		return err
	}
	err = writeNextTo(path, set.text(), func(made string) error { return replaceKeepingOwner(made, path) })
	if err != nil {
		return fmt.Errorf("replace key file: %w", err)
	}
	return nil
}

// replaceKeepingOwner puts the new file in the old one's place, for the same owner.
func replaceKeepingOwner(made, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := giveTo(made, info); err != nil {
		return err
	}
	return os.Rename(made, path)
}
