package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestEveryLimitIsGuardedOrNot fails when a limit is added and no one has said whether a
// replica may loosen it.
func TestEveryLimitIsGuardedOrNot(t *testing.T) {
	c := Default()
	guarded := map[string]Guard{}
	for _, g := range c.Limits.Guards() {
		guarded[g.Key] = g
	}
	free := map[string]bool{"limits.argon2.parallel": true, "limits.argon2.queue": true}
	seen := 0
	for _, f := range c.fields() {
		if !strings.HasPrefix(f.key, "limits.") {
			continue
		}
		g, ok := guarded[f.key]
		if ok == free[f.key] {
			t.Errorf("%s: is it a guard?", f.key)
		}
		if want := strings.Trim(f.show(), `"`); ok && g.Show(g.Value) != want {
			t.Errorf("%s: %s, want %s", f.key, g.Show(g.Value), want)
		}
		if ok && g.Duration != (f.value.Type() == reflect.TypeFor[time.Duration]()) {
			t.Errorf("%s: is it a duration?", f.key)
		}
		seen++
	}
	if seen != len(guarded)+len(free) {
		t.Errorf("%d limits, %d guards", seen, len(guarded))
	}
}

func TestWhichWayIsWeaker(t *testing.T) {
	for _, g := range Default().Limits.Guards() {
		more, less := g.Weaker(g.Value+1, g.Value), g.Weaker(g.Value-1, g.Value)
		if more == less || less != g.More || g.Weaker(g.Value, g.Value) {
			t.Errorf("%s: more is weaker: %t, less is weaker: %t", g.Key, more, less)
		}
	}
}
