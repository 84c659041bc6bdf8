package acceptance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: Challenge.Open compares ExpiresAt; challenge.Replace closes the open one
func TestATK020_TestATK021_WhatIsSentDiesInTimeAndWithTheNext(t *testing.T) {
	armed(t, func(t *testing.T, w *rig.Armed) {
		h := has(t, w, w.Covered(t), "sms", "push", "passkey")
		for _, kind := range []string{"sms", "push", "passkey"} {
			h.rest(t)
			late := h.begin(t, kind)
			answer := h.means[kind].right(t, late)
			w.Advance(t, map[bool]time.Duration{true: 301 * time.Second, false: 601 * time.Second}[kind == "passkey"])
			h.noSession(t, kind, func() { loses(t, late, answer, kind+" that comes too late") })
			if kind == "passkey" {
				continue
			}
			p := h.begin(t, kind)
			first := h.means[kind].right(t, p)
			w.Advance(t, 31*time.Second)
			p.NewCode()
			second := h.means[kind].right(t, p)
			if first.Get("code") == second.Get("code") {
				t.Fatal("by chance the two codes are equal")
			}
			before := h.wrongs(t)
			h.noSession(t, kind, func() { loses(t, p, first, "an older code of "+kind) })
			if h.wrongs(t) != before+1 {
				t.Errorf("an older code of %s was not counted", kind)
			}
			wins(t, p, second)
		}
	})
}

// guard: submitCode takes one answer from a form, and nothing from elsewhere
func TestATK010_EveryMethodTakesOneAnswer(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p := h.begin(t, kind)
		right := h.means[kind].right(t, p)
		field, answer := "code", right.Get("code")
		if kind == "passkey" {
			field, answer = "assertion", right.Get("assertion")
		}
		h.noSession(t, "malformed answers", func() {
			for _, odd := range []url.Values{{field: {"999999", answer}}, {field: {answer, "999999"}},
				{field + "[]": {answer}}} {
				loses(t, p, odd, "an odd form")
			}
			for media, body := range map[string]string{"application/json": `{"` + field + `":"` + answer + `"}`,
				"text/plain": field + "=" + url.QueryEscape(answer)} {
				r := p.Request(http.MethodPost, rig.PathCode, nil)
				r.Body, r.ContentLength = readCloser(body), int64(len(body))
				r.Header.Set("Content-Type", media)
				if pg := p.Send(r); pg.Status != 415 || gotSession(pg) {
					t.Errorf("%s: status %d", media, pg.Status)
				}
			}
			if pg := p.Send(p.Request(http.MethodGet, rig.PathCode+"?"+right.Encode(), nil)); gotSession(pg) {
				t.Error("an address signs in")
			}
		})
		tries := int64(3)
		if kind == "passkey" {
			tries = 1 // a form without exactly one assertion asks for another, and is not judged
		}
		if n := h.wrongs(t); n != tries {
			t.Errorf("%d tries for three forms, not %d", n, tries)
		}
		wins(t, p, right)
	})
}

// guard: the try is committed before the comparison, and a POST goes on when its browser leaves
func TestATK007_EveryMethodCountsWhenTheBrowserHangsUp(t *testing.T) {
	eachKind(t, func(t *testing.T, h *hoard, kind string) {
		p := h.begin(t, kind)
		right := h.means[kind].right(t, p)
		for i := range 6 {
			wrong := with(h.means[kind].wrong, "filler", strings.Repeat("x", i*100))
			if err := p.HangUp(rig.PathCode, wrong); err != nil {
				t.Fatal(err)
			}
		}
		rig.Within(t, wait, "the tries are counted", func() bool { return h.wrongs(t) == 5 })
		h.noSession(t, "five tries", func() { loses(t, p, right, "the right answer after five tries") })
	})
}
