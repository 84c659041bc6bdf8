package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The key file is one line per generation, the oldest first:
//
//	ID BASE64KEY [INSTANT]
//
// ID is eight letters, the key has 32 bytes, and INSTANT (RFC 3339) is from when on the
// generation seals; without one it does at once. A line "lasting BASE64" keeps the root of
// lasting names when the first generation has been dropped. # begins a comment.
const fileHead = "# Countersign master keys; the last one seals once its time has come. Keep a copy off this machine.\n"

const lastingWord = "lasting"

// stamp tells two states of a file apart without reading it.
type stamp struct {
	modified time.Time
	size     int64
	info     fs.FileInfo
}

func (s stamp) same(o stamp) bool {
	return s.info != nil && o.info != nil && s.modified.Equal(o.modified) && s.size == o.size &&
		os.SameFile(s.info, o.info)
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{modified: info.ModTime(), size: info.Size(), info: info}, nil
}

// LoadKeys reads a key file, or creates it (mode 0600) where there is none. created says
// which. A file that others may read is refused. now decides which generation seals, until
// Refresh is called.
func LoadKeys(path string, now time.Time) (keys *Keys, created bool, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := createKeyFile(path, now); err != nil {
			return nil, false, fmt.Errorf("create key file: %w", err)
		}
		created = true
	}
	keys, err = ReadKeys(path, now)
	return keys, created, err
}

// ReadKeys is LoadKeys for a file that must exist.
func ReadKeys(path string, now time.Time) (*Keys, error) {
	k := &Keys{path: path, at: now}
	seen, set, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	k.seen = seen
	k.set.Store(set.atInstant(now))
	return k, nil
}

func readKeyFile(path string) (stamp, *keySet, error) {
	seen, err := stampOf(path) // before it is read: a change in between is seen at the next look
	if err != nil {
		return seen, nil, fmt.Errorf("read key file: %w", err)
	}
	if mode := seen.info.Mode().Perm(); mode&0o077 != 0 {
		return seen, nil, fmt.Errorf("key file %s has mode %04o: others may read it; run chmod 600 on it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return seen, nil, fmt.Errorf("read key file: %w", err)
	}
	set, err := parseKeys(string(text))
	return seen, set, err
}

// Refresh reads the file again if it has changed, and lets the generation seal whose time
// has come at now. A file that cannot be read, or that lacks the generation that seals, is
// not taken: the keys in memory stay, and the error says why. changed reports whether the
// generations, or the one that seals, are others than before.
func (k *Keys) Refresh(now time.Time) (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = now
	old := k.set.Load()
	set, err := k.reload(old)
	next := set.atInstant(now)
	k.set.Store(next)
	return next.all[next.current].id != old.all[old.current].id ||
		!slices.EqualFunc(next.all, old.all, func(a, b masterKey) bool { return a.id == b.id }), err
}

// reload returns what the file holds now, or old where that cannot be had.
func (k *Keys) reload(old *keySet) (*keySet, error) {
	if k.path == "" {
		return old, nil
	}
	now, err := stampOf(k.path)
	if err != nil {
		return old, fmt.Errorf("the key file is gone; the keys in memory go on: %w", err)
	}
	if now.same(k.seen) {
		return old, nil
	}
	seen, set, err := readKeyFile(k.path)
	if err != nil {
		return old, fmt.Errorf("the key file has changed and cannot be used; the keys in memory go on: %w", err)
	}
	current := old.all[old.current]
	if m, ok := set.find(current.id); !ok || !Equal(m.key, current.key) {
		return old, fmt.Errorf(
			"the key file has changed and lacks generation %s, which seals; the keys in memory go on", current.id)
	}
	k.seen = seen
	return set, nil
}

// reread looks at the file for a generation that someone named. A stranger may name any,
// so it costs no more than a look at the file's date while that has not changed.
func (k *Keys) reread() *keySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.set.Load()
	set, err := k.reload(old)
	if err != nil || set == old {
		return old
	}
	next := set.atInstant(k.at)
	k.set.Store(next)
	return next
}

// ParseKeys reads the text of a key file.
func ParseKeys(text string) (*Keys, error) {
	set, err := parseKeys(text)
	if err != nil {
		return nil, err
	}
	k := &Keys{}
	k.set.Store(set.atInstant(time.Time{}))
	return k, nil
}

func parseKeys(text string) (*keySet, error) {
	s := &keySet{derived: &sync.Map{}}
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := s.add(strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("key file line %d: %w", n+1, err)
		}
	}
	if len(s.all) == 0 {
		return nil, errors.New("key file holds no key")
	}
	if s.lasting == nil {
		s.lasting = subkey(s.all[0].key, "lasting")
	}
	return s, nil
}

func (s *keySet) add(fields []string) error {
	wrong := errors.New("not an 8-letter id and a 32-byte key, and perhaps an instant")
	if len(fields) < 2 || len(fields) > 3 {
		return wrong
	}
	key, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil || len(key) != 32 {
		return wrong
	}
	if fields[0] == lastingWord && len(fields) == 2 {
		s.lasting = key
		return nil
	}
	m := masterKey{id: fields[0], key: key}
	if len(m.id) != keyIDLength {
		return wrong
	}
	if _, twice := s.find(m.id); twice {
		return fmt.Errorf("generation %s stands there twice", m.id)
	}
	if len(fields) == 3 {
		if m.from, err = time.Parse(time.RFC3339, fields[2]); err != nil {
			return wrong
		}
	}
	s.all = append(s.all, m)
	return nil
}

// text is the file that holds the set.
func (s *keySet) text() string {
	var b strings.Builder
	b.WriteString(fileHead)
	if !Equal(s.lasting, subkey(s.all[0].key, "lasting")) {
		fmt.Fprintf(&b, "%s %s\n", lastingWord, base64.StdEncoding.EncodeToString(s.lasting))
	}
	for _, m := range s.all {
		b.WriteString(m.line())
	}
	return b.String()
}

func (m masterKey) line() string {
	line := m.id + " " + base64.StdEncoding.EncodeToString(m.key)
	if !m.from.IsZero() {
		line += " " + m.from.UTC().Format(time.RFC3339)
	}
	return line + "\n"
}

func newMasterKey(now time.Time) masterKey {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	return masterKey{id: NewID(now, 0)[26-keyIDLength:], key: key} // the random end of an id
}

// NewKeys returns one fresh key, for tests and the demo.
func NewKeys(now time.Time) *Keys {
	k, err := ParseKeys(newMasterKey(now).line())
	if err != nil {
		panic(err) // we wrote the line ourselves
	}
	return k
}

// createKeyFile writes beside and links into place, so that of two starting processes
// one file wins and neither reads half of it.
func createKeyFile(path string, now time.Time) error {
	return writeNextTo(path, fileHead+newMasterKey(now).line(), func(made string) error {
		if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return nil
	})
}

// writeNextTo writes text to a new durable file (mode 0600) in the folder of path, gives it to
// place, and makes what place did to the folder durable.
func writeNextTo(path, text string, place func(made string) error) error {
	folder := filepath.Dir(path)
	tmp, err := os.CreateTemp(folder, ".key-*") // CreateTemp uses mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already when it took the other's name
	if _, err := tmp.WriteString(text); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := place(tmp.Name()); err != nil {
		return err
	}
	return syncFolder(folder)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
