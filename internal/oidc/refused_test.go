package oidc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/audit"
	"countersign/internal/db"
)

func (h *house) installationAudit() (rows []audit.Row) {
	h.Helper()
	h.must(h.DB.View(h.Context(), db.Installation, func(tx *db.Tx) (err error) {
		rows, err = audit.List(h.Context(), tx, audit.Filter{Action: "client.refused", Limit: 1000})
		return err
	}))
	return rows
}

// TestAnAppThatIsNotSetUpRight: each mistake leaves one line of the log and one row of the
// installation's audit trail, which name what an operator needs and repeat no secret.
func TestAnAppThatIsNotSetUpRight(t *testing.T) {
	each(t, func(h *house) {
		var log bytes.Buffer
		h.Web.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		basic := func(id, secret string) []string {
			return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}
		}
		const hidden = "hunter2-hunter2"
		for reason, c := range map[string]struct {
			do           func()
			client, host string
		}{
			"unregistered_redirect_uri": {func() {
				h.authorizeWith("", "redirect_uri",
					"https://user:"+hidden+"@Staging.test:8443/cb?x="+hidden)
			}, "dash", "staging.test:8443"},
			"unknown_client": {func() { h.authorizeWith("", "client_id", "nobody") }, "nobody", "app.test"},
			"wrong_client_secret": {func() { h.post("/token", exchange("x"), basic("other", hidden)...) },
				"other", ""},
			"unregistered_logout_uri": {func() {
				h.get(leaving("", "client_id", "dash", "post_logout_redirect_uri", "https://gone.test/"+hidden), "")
			}, "dash", "gone.test"},
		} {
			log.Reset()
			before := len(h.installationAudit())
			c.do()
			var line struct{ Level, Client, Reason, Host, IP, RequestID string }
			var loose map[string]string
			if err := json.Unmarshal(log.Bytes(), &loose); err != nil {
				h.Errorf("%s: not one line: %q, %v", reason, log.String(), err)
			}
			line.Level, line.Client, line.Reason, line.Host, line.IP, line.RequestID = loose["level"], loose["client"],
				loose["reason"], loose["host"], loose["ip"], loose["request_id"]
			if line.Level != "WARN" || line.Client != c.client || line.Reason != reason || line.Host != c.host ||
				line.IP != "192.0.2.7" ||
				line.RequestID == "" {
				h.Errorf("%s: %+v", reason, line)
			}
			rows := h.installationAudit()
			if len(rows) != before+1 {
				h.Fatalf("%s: %d rows", reason, len(rows)-before)
			}
			if e := rows[slices.IndexFunc(rows,
				func(e audit.Row) bool { return e.Reason == reason })]; e.Result != "refused" ||
				e.Reason != reason ||
				e.ClientID != c.client ||
				e.SubjectID != c.host ||
				e.RequestID != line.RequestID {
				h.Errorf("%s: %+v", reason, e)
			}
			if strings.Contains(log.String(), hidden) {
				h.Errorf("%s: a secret in the log", reason)
			}
		}
		log.Reset()
		h.post("/token", exchange("x"), basic("nobody", "x")...)
		h.post("/token", exchange("x"), basic(strings.Repeat("s", 43), "x")...)
		if strings.Count(log.String(), "unknown_client") != 2 || strings.Contains(log.String(), "sssss") {
			h.Errorf("an unknown client at the token endpoint: %s", log.String())
		}
	})
}

// TestAStrangerFillsNoAudit: wrong requests without end leave few rows, and say so again later.
func TestAStrangerFillsNoAudit(t *testing.T) {
	each(t, func(h *house) {
		for i := range 40 {
			h.authorizeWith("", "redirect_uri", "https://evil.test/"+strings.Repeat("x", i))
			h.authorizeWith("", "client_id", "nobody-"+strings.Repeat("x", i))
		}
		if n := len(h.installationAudit()); n != 12 {
			h.Errorf("%d rows, want 6 of each", n)
		}
		h.forward(11 * time.Minute)
		h.authorizeWith("", "redirect_uri", "https://evil.test/")
		if n := len(h.installationAudit()); n != 13 {
			h.Errorf("%d rows later", n)
		}
		for range 300 {
			h.forward(time.Minute)
			h.authorizeWith("", "redirect_uri", "https://evil.test/")
		}
		if n := len(h.installationAudit()); n > 36 {
			h.Errorf("%d rows of a patient stranger", n)
		}
	})
}
