package oidc

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"countersign/internal/client"
	"countersign/internal/db"
)

// TestAddressesComeBackAsRegistered: the case of scheme and host, reserved characters, escapes
// and empty queries are the app's own, in answers and after signing out.
func TestAddressesComeBackAsRegistered(t *testing.T) {
	h := one(t)
	for uri, separator := range map[string]string{
		"HTTPS://App.Test/cb": "?", "https://app.test": "?", "https://app.test/c'b(1)!*": "?",
		"https://app.test/a%2fb/%7Ec|d": "?",
		"https://app.test/cb?":          "", "https://app.test/cb?a=[1]&b={2}": "&", "https://app.test/cb?a=1&": "",
		"https://app.test/cb?next=/x?y": "&",
		"https://app.test/./x/../cb":    "?", "https://app.test:443/cb": "?", "http://[::1]:80/cb": "?",
		"Phone.App:/CB": "?", "myapp://Callback": "?", "myapp:///cb": "?",
	} {
		kind := client.Native
		if strings.HasPrefix(strings.ToLower(uri), "http") {
			kind = client.Public
		}
		var id string
		h.in(db.Installation, func(tx *db.Tx) error {
			id = "exact-" + tx.NewID()
			_, _, err := client.Create(
				t.Context(),
				tx,
				client.New{
					ID:             id,
					Name:           "Exact",
					Kind:           kind,
					RedirectURIs:   []string{uri},
					PostLogoutURIs: []string{uri},
				},
			)
			return err
		})
		for what, path := range map[string]string{
			"answer":   "/authorize?" + ask("client_id", id, "redirect_uri", uri, "prompt", "none").Encode(),
			"sign-out": leaving("", "client_id", id, "post_logout_redirect_uri", uri, "state", "s"),
		} {
			rec := h.get(path, "")
			added, ok := strings.CutPrefix(rec.Header().Get("Location"), uri+separator)
			said, err := url.ParseQuery(added)
			if rec.Code != http.StatusSeeOther || !ok || err != nil || said.Get("state") == "" ||
				strings.Contains(added, "?") {
				t.Errorf("%s, %s: %d %q", uri, what, rec.Code, rec.Header().Get("Location"))
			}
		}
		if rec := h.get(leaving("", "client_id", id, "post_logout_redirect_uri", uri), ""); rec.Header().
			Get("Location") !=
			uri {
			t.Errorf("%s: %q", uri, rec.Header().Get("Location"))
		}
		form := h.get(
			"/authorize?"+ask(
				"client_id",
				id,
				"redirect_uri",
				uri,
				"prompt",
				"none",
				"response_mode",
				"form_post",
			).Encode(),
			"",
		)
		if isForm := form.Code == http.StatusOK; isForm != (kind == client.Public) {
			t.Errorf("%s: form_post answers %d", uri, form.Code)
		}
	}
}
