package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/secret"
)

// What every app in use assumes where a URI does not say it, and some where it does.
const (
	digits      = 6
	period      = 30 // seconds of a step
	secretBytes = 20 // RFC 4226 R6 recommends 160 bits
)

// farthest is how many steps a device's clock may be off, either way, at set-up and by drift.
const farthest = 10

// stepAt is the number of the time step of an instant (RFC 6238 §4.2).
func stepAt(t time.Time) int64 { return t.Unix() / period }

// truncated is the 31-bit number of a counter (RFC 4226 §5.3). mac is an HMAC with SHA-1
// under the secret, in any state.
func truncated(mac hash.Hash, counter uint64) uint32 {
	var room [sha1.Size]byte
	binary.BigEndian.PutUint64(room[:8], counter)
	mac.Reset()
	mac.Write(room[:8])
	sum := mac.Sum(room[:0])
	return binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
}

// appendCode adds the six digits that an app shows in a step.
func appendCode(b []byte, mac hash.Hash, step int64) []byte {
	n := truncated(mac, uint64(step))
	for unit := uint32(100_000); unit > 0; unit /= 10 {
		b = append(b, byte('0'+n/unit%10))
	}
	return b
}

// matchingSteps lists the steps around now whose code is the typed one, the newest first. It takes
// as long for any code.
func matchingSteps(key []byte, code string, now int64) (steps []int64) {
	mac, typed := hmac.New(sha1.New, key), []byte(code)
	var room [digits]byte
	for step := now + farthest; step >= now-farthest; step-- {
		if secret.Equal(appendCode(room[:0], mac, step), typed) {
			steps = append(steps, step)
		}
	}
	return steps
}

// register is what is known of one device.
type register struct {
	last  int64 // the newest step that was ever accepted
	drift int64 // of the device's clock, in steps; positive where it is fast
}

type verdict int

const (
	wrong    verdict = iota
	used             // it was right once
	accepted         // right, and not used yet as far as is known
)

// finding is what a code is worth to one device. With accepted come the step and how far
// away it is, which is also the drift of the device's clock from now on.
type finding struct {
	verdict  verdict
	step, by int64
}

// judge says what a code is worth that a device shows at some steps, the newest first. A
// code may be one step away from the server's time, or from the drift that accepted codes
// taught (RFC 6238 §5.2 and §6). Refused codes teach nothing: two old codes in a row are
// what a thief of codes has, so they do not resynchronise a clock (SEC-20).
func (r register) judge(steps []int64, now int64) (f finding) {
	for _, step := range steps {
		by := step - now
		switch {
		case step <= r.last:
			f.verdict = used
		case withinOneStep(0, by) || withinOneStep(r.drift, by):
			return finding{accepted, step, by}
		}
	}
	return f
}

// withinOneStep reports whether a distance is at most one step from a drift.
func withinOneStep(drift, by int64) bool { return by >= drift-1 && by <= drift+1 }

// right is the verdict on an accepted code. A clock that is two steps off is told, because
// its owner can mend it and other sites may refuse it.
func (d *device) right(now time.Time) authenticator.Verdict {
	v := authenticator.Verdict{OK: true, AuthenticatorID: d.id, Detail: clockDetail(d.finding.by)}
	v.Notice, v.NoticeArgs = d.finding.notice(now)
	return v
}

// clockMark begins the detail of an answer from a clock that is early or late.
const clockMark = "clock "

// clockDetail says how many steps a clock was early, for the audit log; nothing where it was right.
func clockDetail(by int64) string {
	if by == 0 {
		return ""
	}
	return fmt.Sprintf(clockMark+"%+d", by)
}

// ClockOf reads from the reason of an audit event how many steps the clock of the app was early; 0 where it was right.
func ClockOf(reason string) int {
	_, steps, found := strings.Cut(reason, clockMark)
	n, err := strconv.Atoi(steps)
	if !found || err != nil {
		return 0
	}
	return n
}

func (f finding) notice(now time.Time) (key string, args []any) {
	off := f.step*period + period/2 - now.Unix() // a code says its step, and no more
	switch {
	case f.by >= 2:
		return "totp.notice.fast", []any{"Count", roundToTens(off)}
	case f.by <= -2:
		return "totp.notice.slow", []any{"Count", roundToTens(-off)}
	}
	return "", nil
}

// roundToTens rounds seconds to tens.
func roundToTens(seconds int64) int { return int((seconds + 5) / 10 * 10) }
