package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// sameOrigin asks for positive proof that our own page sent the request: the browser's
// word (Sec-Fetch-Site) or an Origin that is ours. A request in which the two contradict
// each other is refused, and so is one without either. Browsers before Fetch Metadata
// (Safari up to 16.3) send "Origin: null" where something hides the origin of our own
// forms; for them a Referer of ours is the proof, because no other site can send one.
func (w *Web) sameOrigin(r *http.Request) bool {
	site, origin := r.Header.Values("Sec-Fetch-Site"), r.Header.Values("Origin")
	if len(site) > 1 || len(origin) > 1 {
		return false
	}
	ours := len(origin) == 1 && origin[0] == w.origin
	hidden := len(origin) == 1 && origin[0] == "null"
	if len(site) == 1 {
		return site[0] == "same-origin" && (ours || len(origin) == 0 || hidden)
	}
	return ours || hidden && w.hasOwnReferer(r)
}

// hasOwnReferer reports whether the one Referer is a page of ours.
func (w *Web) hasOwnReferer(r *http.Request) bool {
	referers := r.Header.Values("Referer")
	return len(referers) == 1 && strings.HasPrefix(referers[0], w.origin+"/")
}

// ParseForm fills r.PostForm and r.Form from a urlencoded body, strictly: another media
// type, a malformed pair, text that is not UTF-8, NUL, or a field given twice (unless
// named in repeats) is refused. The query string is never mixed in.
func ParseForm(rw http.ResponseWriter, r *http.Request, repeats ...string) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return errMediaType
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	v, err := url.ParseQuery(string(body))
	if err != nil || !clean(v, repeats) {
		return errMalformed
	}
	r.PostForm, r.Form = v, v
	return nil
}

func bodyError(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return errTooLarge
	}
	return errMalformed
}

// cleanAddress reports whether nothing in an address would be refused by a database: text
// that is not UTF-8, or NUL. What a query leaves undecoded reaches no one.
func cleanAddress(u *url.URL) bool {
	if !cleanText(u.Path) {
		return false
	}
	if u.RawQuery == "" {
		return true
	}
	query, _ := url.ParseQuery(u.RawQuery)
	for name, values := range query {
		if !cleanText(name) || slices.ContainsFunc(values, func(v string) bool { return !cleanText(v) }) {
			return false
		}
	}
	return true
}

func cleanText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func clean(form url.Values, repeats []string) bool {
	for name, values := range form {
		if len(values) > 1 && !slices.Contains(repeats, name) {
			return false
		}
		for _, v := range append(values, name) {
			if !cleanText(v) {
				return false
			}
		}
	}
	return true
}

// chooseLanguage keeps the person's choice for a year.
func (w *Web) chooseLanguage(rw http.ResponseWriter, r *http.Request) error {
	lang := r.PostForm.Get("lang")
	if !w.Catalog.Speaks(lang) {
		return errMalformed
	}
	w.SetCookie(rw, "lang", lang, year)
	return w.Redirect(rw, w.mux.local(r.PostForm.Get("back")))
}
