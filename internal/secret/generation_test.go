package secret

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var nine = time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)

// keyFile makes a key file and reads it twice, as two replicas do.
func keyFile(t *testing.T) (path string, a, b *Keys) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "k.key")
	a, _, err := LoadKeys(path, nine)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = ReadKeys(path, nine); err != nil {
		t.Fatal(err)
	}
	return path, a, b
}

func refresh(t *testing.T, k *Keys, now time.Time) bool {
	t.Helper()
	changed, err := k.Refresh(now)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// TestREL016: no one meets a sealed value before they have its key, and what the old key
// made stays good.
func TestREL016_AGenerationOpensBeforeItSeals(t *testing.T) {
	path, a, b := keyFile(t)
	first := a.Current()
	before, mac, lasting := a.Seal([]byte("x"), "p"), a.MAC("code", "x"), a.Lasting("budget", "x")
	bound, _ := a.NewBound("refresh", "f")
	token := a.Token("not-me", "f")
	id, err := AddGeneration(path, nine, nine.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AddGeneration(path, nine, nine.Add(2*time.Minute)); err == nil {
		t.Error("a second generation waits")
	}
	if !refresh(t, a, nine.Add(59*time.Second)) || a.Current() != first {
		t.Error("the new key seals before its time")
	}
	if !refresh(t, a, nine.Add(time.Minute)) || a.Current() != id {
		t.Error("the new key does not seal")
	}
	// b has not looked at the file yet: a value by the new key makes it look.
	if plain, err := b.Open(a.Seal([]byte("y"), "p"), "p"); err != nil || string(plain) != "y" {
		t.Errorf("a replica that is behind cannot open: %v", err)
	}
	if b.Current() != first {
		t.Error("a look at the file moved the clock")
	}
	refresh(t, b, nine.Add(time.Hour))
	if plain, err := b.Open(before, "p"); err != nil || string(plain) != "x" || !b.CheckMAC(mac, "code", "x") ||
		!b.IsBound(bound, "refresh", "f") || !b.CheckToken(token, "not-me", "f") {
		t.Errorf("what the old key made is lost: %v", err)
	}
	if string(b.Lasting("budget", "x")) != string(lasting) {
		t.Error("a lasting name changed with a new key")
	}
	if err := DropGeneration(path, nine.Add(time.Hour), id); err == nil {
		t.Error("the sealing generation was dropped")
	}
	if err := DropGeneration(path, nine.Add(time.Hour), first); err != nil {
		t.Fatal(err)
	}
	refresh(t, b, nine.Add(time.Hour))
	if _, err := b.Open(before, "p"); err == nil || b.CheckMAC(mac, "code", "x") {
		t.Error("a dropped key is believed")
	}
	if string(b.Lasting("budget", "x")) != string(lasting) {
		t.Error("a lasting name changed when its key was dropped")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
}

// A key file that an older copy, rubbish or a wrong mode replaced does not take a running
// program's keys away.
func TestREL024_ABadKeyFileIsNotTaken(t *testing.T) {
	path, a, _ := keyFile(t)
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := a.Current()
	if _, err := AddGeneration(path, nine, nine); err != nil {
		t.Fatal(err)
	}
	refresh(t, a, nine.Add(time.Second))
	second := a.Current()
	if first == second {
		t.Fatal("no rotation")
	}
	good, _ := os.ReadFile(path)
	changedKey := strings.Replace(string(good), second+" ",
		second+" "+base64.StdEncoding.EncodeToString(make([]byte, 32))+" #", 1)
	for what, bad := range map[string]string{"an older copy": string(was), "rubbish": "x", "nothing": "",
		"another key by the same name": strings.Split(changedKey, " #")[0] + "\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Refresh(nine.Add(time.Minute)); err == nil || a.Current() != second ||
			len(a.Generations()) != 2 {
			t.Errorf("%s was taken: %v", what, err)
		}
	}
	if err := os.WriteFile(path, good, 0o600); err != nil || os.Chmod(path, 0o640) != nil {
		t.Fatal(err)
	}
	if _, err := a.Refresh(nine.Add(time.Minute)); err == nil {
		t.Error("a file that others may read was taken")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Refresh(nine.Add(time.Minute)); err == nil || a.Current() != second {
		t.Errorf("the file is gone and no one says so: %v", err)
	}
}

func TestKeyFilesWithMistakesAreRefused(t *testing.T) {
	line := strings.TrimSpace(newMasterKey(nine).line())
	for _, bad := range []string{"", "# nothing", line + " tomorrow", line + "\n" + line,
		"short " + strings.Fields(line)[1], line[:len(line)-4], line + " 2026-01-02T03:04:05Z more"} {
		if _, err := ParseKeys(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	k, err := ParseKeys(line + "\n" + strings.TrimSpace(newMasterKey(nine).line()) + " 9999-01-01T00:00:00Z\n")
	if err != nil || k.Current() != line[:8] {
		t.Errorf("the first generation does not seal: %v", err)
	}
}

// Two rotations and many readers at once: no one reads half a file, nothing is lost.
func TestKeyFileIsReplacedInOneStep(t *testing.T) {
	path, a, b := keyFile(t)
	sealed := a.Seal([]byte("x"), "p")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 10 {
				_, _ = AddGeneration(path, nine, nine.Add(-time.Duration(i)*time.Second))
			}
		})
		wg.Go(func() {
			for range 200 {
				if _, err := b.Refresh(nine); err != nil {
					t.Error(err)
				}
				if _, err := b.Open(sealed, "p"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	refresh(t, b, nine)
	if n := len(b.Generations()); n != 41 {
		t.Errorf("%d generations", n)
	}
}

func TestMarksTellKeysApart(t *testing.T) {
	_, a, b := keyFile(t)
	other := NewKeys(nine)
	if !Equal(a.Mark(a.Current()), b.Mark(a.Current())) || other.Mark(a.Current()) != nil ||
		a.Mark(a.Current()) == nil {
		t.Error("a mark does not prove the key")
	}
}
