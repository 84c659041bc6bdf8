package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryGuardStandsWhereTheListSays keeps the list from rotting between full runs, which
// take an hour.
func TestEveryGuardStandsWhereTheListSays(t *testing.T) {
	for _, g := range everyGuard() {
		for _, e := range append([]Edit{{g.File, g.Old, g.New}}, g.And...) {
			text, err := os.ReadFile(filepath.Join("..", "..", e.File))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), e.Old); n != 1 {
				t.Errorf("%s: the guard stands %d times in %s", g.Name, n, e.File)
			}
		}
	}
}
