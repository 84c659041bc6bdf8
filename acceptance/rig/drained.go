package rig

import (
	"testing"
	"time"
)

// Drained waits until no message waits for its way out, so that what came can be counted: a
// test that counts after a fixed time passes as well where messages are slow or lost.
func (w *World) Drained(t testing.TB) {
	t.Helper()
	Within(t, 30*time.Second, "every message has left", func() bool {
		return w.Number(
			t,
			`SELECT count(*) FROM jobs WHERE kind LIKE 'message.send%' AND done_at = 0 AND failed_at = 0`,
		) == 0
	})
}
