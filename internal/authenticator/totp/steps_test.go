package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"
)

// The test vectors of RFC 4226 appendix D.
func TestRFC4226AppendixD(t *testing.T) {
	key := []byte("12345678901234567890")
	mac := hmac.New(sha1.New, key)
	numbers := []uint32{1284755224, 1094287082, 137359152, 1726969429, 1640338314, 868254676, 1918287922, 82162583,
		673399871, 645520489}
	codes := []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
		"399871", "520489"}
	for i := range numbers {
		if got := truncated(mac, uint64(i)); got != numbers[i] {
			t.Errorf("counter %d is %d, want %d", i, got, numbers[i])
		}
		if got := CodeAt(key, int64(i)); got != codes[i] {
			t.Errorf("counter %d is %s, want %s", i, got, codes[i])
		}
	}
}

// The test vectors of RFC 6238 appendix B for SHA-1; they have eight digits, of which apps
// show the last six.
func TestRFC6238AppendixB(t *testing.T) {
	key := []byte("12345678901234567890")
	mac := hmac.New(sha1.New, key)
	for at, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471", 1234567890: "89005924", 2000000000: "69279037",
		20000000000: "65353130",
	} {
		step := stepAt(time.Unix(at, 0))
		if got := fmt.Sprintf("%08d", truncated(mac, uint64(step))%100_000_000); got != want ||
			CodeAt(key, step) != want[2:] {
			t.Errorf("at %d (step %x) it is %s, want %s", at, step, got, want)
		}
	}
}

// TestSEC020: which distances are right for a device, with one code and nothing else known.
func TestSEC020_TheWindow(t *testing.T) {
	const now = 1000
	for drift, want := range map[int64]string{0: "-1 0 1", 1: "-1 0 1 2", -1: "-2 -1 0 1", 2: "-1 0 1 2 3",
		-3: "-4 -3 -2 -1 0 1", 9: "-1 0 1 8 9 10", -9: "-10 -9 -8 -1 0 1"} {
		got := ""
		for by := int64(-farthest - 3); by <= farthest+3; by++ {
			if (register{drift: drift}).judge([]int64{now + by}, now).verdict == accepted {
				got += fmt.Sprintf(" %d", by)
			}
		}
		if got != " "+want {
			t.Errorf("drift %d: %s, want %s", drift, got, want)
		}
	}
}

// TestSEC019: no step up to the newest one is accepted again, whatever is known of a clock.
func TestSEC019_TheRegisterOnlyRises(t *testing.T) {
	const now = 1000
	for drift := int64(-farthest); drift <= farthest; drift++ {
		for last := int64(now - 12); last <= now+12; last++ {
			for by := int64(-farthest); by <= farthest; by++ {
				r := register{last: last, drift: drift}
				if f := r.judge([]int64{now + by}, now); f.verdict == accepted && f.step <= last {
					t.Fatalf("drift %d: step %d is accepted after %d", drift, now+by, last)
				}
				if f := r.judge([]int64{now + by}, now); now+by <= last && f.verdict != used {
					t.Fatalf("step %d after %d is %v", now+by, last, f.verdict)
				}
			}
		}
	}
}

func TestTheNewestStepIsSpent(t *testing.T) {
	r := register{last: 998}
	if f := r.judge([]int64{1000, 999}, 1000); f.verdict != accepted || f.step != 1000 {
		t.Errorf("%+v", f)
	}
	if f := (register{last: 1000}).judge([]int64{1003, 1000}, 1000); f.verdict != used {
		t.Errorf("%+v", f)
	}
}

// guard: the order in seen. Where a code happens to stand in two steps, both are found.
func TestTheNewestStepIsFoundFirst(t *testing.T) {
	const now = 1000
	for i := range uint64(1_000_000) {
		key := binary.BigEndian.AppendUint64(nil, i)
		mac, at := hmac.New(sha1.New, key), map[string]int64{}
		for step := int64(now - farthest); step <= now+farthest; step++ {
			code := string(appendCode(nil, mac, step))
			if older, ok := at[code]; ok {
				if got := matchingSteps(key, code, now); !slices.Equal(got, []int64{step, older}) {
					t.Errorf("%d, want %d and %d", got, step, older)
				}
				return
			}
			at[code] = step
		}
	}
	t.Fatal("no such code")
}

func TestAMendedClockIsForgiven(t *testing.T) {
	r := register{last: 900, drift: 4}
	if f := r.judge([]int64{1000}, 1000); f.verdict != accepted || f.by != 0 {
		t.Errorf("%+v", f)
	}
	if f := r.judge([]int64{1003}, 1000); f.verdict != accepted || f.by != 3 {
		t.Errorf("%+v", f)
	}
}

func TestDriftIsToldInSeconds(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration // of the device
		key   string
		least int
		most  int
	}{
		{0, "", 0, 0}, {20 * time.Second, "", 0, 0}, {-25 * time.Second, "", 0, 0},
		{75 * time.Second, "totp.notice.fast", 50, 90}, {-75 * time.Second, "totp.notice.slow", 50, 90},
		{5 * time.Minute, "totp.notice.fast", 280, 320},
	} {
		for s := range int64(30) {
			now := time.Unix(1_800_000_000+s, 0)
			step := stepAt(now.Add(c.ahead))
			key, args := finding{step: step, by: step - stepAt(now)}.notice(now)
			if c.key != "" && key == "" { // 75 s are two steps or three
				t.Errorf("%s at second %d: nothing is told", c.ahead, s)
				continue
			}
			if key != c.key {
				t.Errorf("%s at second %d: %q", c.ahead, s, key)
			}
			if key != "" && (args[1].(int) < c.least || args[1].(int) > c.most) {
				t.Errorf("%s at second %d: about %d seconds", c.ahead, s, args[1])
			}
		}
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{"Ortiz & Sons": "Ortiz%20%26%20Sons", "a:b": "a%3Ab",
		"Łódź": "%C5%81%C3%B3d%C5%BA", "a+b@c.example": "a%2Bb@c.example", "(x)/?#%": "%28x%29%2F%3F%23%25"} {
		if got := escape(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

func BenchmarkSeen(b *testing.B) {
	key, _ := hex.DecodeString("3132333435363738393031323334353637383930")
	b.ReportAllocs()
	for b.Loop() {
		matchingSteps(key, "123456", 60_000_000)
	}
}
