package pages

import (
	"encoding/base64"
	"net/http"
	"net/url"
)

// keepable are the fields that survive a step-up: what is tiresome to type again and no secret.
var keepable = []string{"country", "number", "email", "name", "role", "reason", "company", "id", "until"}

// typedPlace is where what was typed may be opened, with the user's id: a link that someone
// else made fills in nothing.
const typedPlace = "typed before a step-up"

// KeepTyped adds what a form held to the address that a step-up comes back to, sealed, so that
// numbers and addresses stay out of histories and logs.
func (b *Base) KeepTyped(path string, form url.Values, userID string) string {
	kept := url.Values{}
	for _, name := range keepable {
		if v := form.Get(name); v != "" && len(v) <= maxKept {
			kept.Set(name, v)
		}
	}
	if len(kept) == 0 || userID == "" {
		return path
	}
	return path + "?typed=" + base64.RawURLEncoding.EncodeToString(b.Keys.Seal([]byte(kept.Encode()),
		typedPlace, userID))
}

// maxKept is the longest value that is kept, in bytes; an email address has at most 254.
const maxKept = 254

// Typed is what userID had typed before a step-up; nil where there is nothing.
func (b *Base) Typed(r *http.Request, userID string) url.Values {
	sealed, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("typed"))
	if err != nil || len(sealed) == 0 {
		return nil
	}
	plain, err := b.Keys.Open(sealed, typedPlace, userID)
	if err != nil {
		return nil
	}
	kept, err := url.ParseQuery(string(plain))
	if err != nil {
		return nil
	}
	return kept
}
