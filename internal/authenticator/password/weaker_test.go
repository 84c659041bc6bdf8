package password

import (
	"testing"
	"time"

	"countersign/internal/secret"
)

func TestOutdated(t *testing.T) {
	keys := secret.NewKeys(time.Now())
	pool := func(c Cost) *Pool {
		p, err := NewPool(keys, c, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	was := pool(cheap)
	s, err := was.Hash(t.Context(), "velvet orbit canyon thistle")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cost Cost
		want bool
	}{
		"the same": {cheap, false}, "more memory": {Cost{MemoryKiB: 128, Passes: 1, Lanes: 1}, true},
		"more passes": {Cost{MemoryKiB: 64, Passes: 2, Lanes: 1}, true}, "less memory": {Cost{MemoryKiB: 32, Passes: 1, Lanes: 1}, false},
	} {
		if got := pool(c.cost).Outdated(s); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if !was.Outdated(Stored{Hash: s.Hash}) || !was.Outdated(Stored{Hash: "$2b$12$x", Pepper: "k"}) {
		t.Error("an imported hash stays")
	}
}
