package web

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestRequestIDIsOurs(t *testing.T) {
	h := open(t, ours)
	var inside string
	h.Mux().Get("/page", func(_ http.ResponseWriter,
		r *http.Request) error {
		inside = From(r.Context()).RequestID
		return nil
	})
	form, seen := regexp.MustCompile(`^[A-Z2-7]{26}$`), map[string]bool{}
	for _, name := range []string{"X-Request-Id", "X-Request-ID", "X-Correlation-Id", "Traceparent", "Request-Id"} {
		rec := h.ask(http.MethodGet, "/page", "", name, "MINE\r\nforged", name, "AAAAAAAAAAAAAAAAAAAAAAAAAA")
		id := rec.Header().Values("X-Request-Id")
		if len(id) != 1 || !form.MatchString(id[0]) || id[0] != inside ||
			id[0] == "AAAAAAAAAAAAAAAAAAAAAAAAAA" || seen[id[0]] {
			t.Errorf("%s: %q, inside %q", name, id, inside)
		}
		seen[inside] = true
	}
	if strings.Contains(h.log.String(), "MINE") || strings.Contains(h.log.String(), "AAAAAAAAAAAAAAAAAAAAAAAAAA") {
		t.Error("the client's number is in the log")
	}
}

// ATK-161 and every token in an address: the log names the route, not what was asked for.
func TestAccessLogHoldsThePatternAndNoSecret(t *testing.T) {
	const token = "SECRETTOKEN"
	h := open(t, ours)
	h.Mux().Get("/", ok)
	h.Mux().Get("/l/{token}", ok)
	h.Mux().Post("/l/{token}", func(http.ResponseWriter, *http.Request) error { return errors.New("failed") })
	h.Mux().Post("/not-me/{token}", func(http.ResponseWriter, *http.Request) error { panic("failed") })
	for _, tc := range []struct {
		method, path, route string
		status              float64
	}{
		{"GET", "/?code=" + token, "/{$}", 200},
		{"GET", "/l/" + token, "/l/{token}", 200},
		{"HEAD", "/l/" + token + "?x=" + token, "/l/{token}", 200},
		{"POST", "/l/" + token, "/l/{token}", 500},
		{"POST", "/not-me/" + token, "/not-me/{token}", 500},
		{"PUT", "/l/" + token, "/l/{token}", 405},
		{"GET", "//l/" + token, "/l/{token}", 307},
		{"GET", "/l/x/../" + token, "/l/{token}", 307},
		{"GET", "/l/" + token + "/", "/", 404},
		{"GET", "/" + token, "/", 404},
		{"GET", "/assets/" + token + "/" + token, "GET /assets/{hash}/{name}", 404},
	} {
		h.log.Reset()
		rec := h.ask(tc.method, tc.path, "a="+token, "Content-Type", formType, "Sec-Fetch-Site", "same-origin",
			"Referer", ours+"/"+token,
			"Cookie", "__Host-session="+token, "Authorization", "Bearer "+token, "User-Agent", token,
			"X-Forwarded-For", token)
		if strings.Contains(h.log.String(), token) {
			t.Errorf("%s %s is in the log: %s", tc.method, tc.path, h.log)
		}
		lines := h.lines(t)
		last := lines[len(lines)-1]
		if last["msg"] != "request" || last["route"] != tc.route || last["status"] != tc.status ||
			last["method"] != tc.method ||
			last["bytes"] != float64(rec.Body.Len()) ||
			last["request_id"] != rec.Header().Get("X-Request-Id") || last["ip"] != "192.0.2.1" {
			t.Errorf("%s %s: %v", tc.method, tc.path, last)
		}
		if names := slices.Sorted(maps.Keys(last)); !slices.Equal(names,
			[]string{"bytes", "ip", "level", "method", "msg", "request_id", "route", "status", "time", "us"}) {
			t.Errorf("the log has the fields %v", names)
		}
	}
}

// What is told beside the log says no more than the log, and says it at every level.
func TestObserversGetThePatternOnly(t *testing.T) {
	h := open(t, ours)
	h.LogRequests = Unlogged
	var told []Answered
	h.Observe = func(ctx context.Context, a Answered) {
		if From(ctx).RequestID == "" {
			t.Error("the observer does not know which request it was")
		}
		told = append(told, a)
	}
	h.Mux().Get("/l/{token}", ok)
	h.ask(http.MethodGet, "/l/SECRETTOKEN?x=SECRETTOKEN", "")
	h.ask(http.MethodPost, "/l/SECRETTOKEN", "")
	if want := []Answered{{"GET", "/l/{token}", 200, 2, 0},
		{"POST", "/l/{token}", 405, told[1].Bytes, 0}}; !slices.Equal(told, want) {
		t.Errorf("%+v", told)
	}
	if h.log.Len() > 0 {
		t.Errorf("the log holds %s", h.log)
	}
}
