package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// guard: a page has the brand of the company that was named in the same request, and of no other
func TestAPageHasTheBrandOfItsOwnRequest(t *testing.T) {
	h := open(t, ours)
	h.Site = func(ctx context.Context) Site { return Site{Name: "Harbor" + CompanyOf(ctx)} }
	h.Mux().Get("/plain", func(rw http.ResponseWriter, r *http.Request) error { return errNoPage })
	h.Mux().Get("/of", func(rw http.ResponseWriter, r *http.Request) error {
		ForCompany(r.Context(), r.URL.Query().Get("c"))
		return errNoPage // drawn by the chain, with the request of before
	})
	for path, name := range map[string]string{"/of?c=acme": "Harboracme", "/plain": "Harbor", "/of?c=b": "Harborb"} {
		body := h.ask("GET", path, "", "Accept", "text/html").Body.String()
		if !strings.Contains(body, `<span class="name">`+name+`</span>`) {
			t.Errorf("%s: not the page of %s", path, name)
		}
	}
	ForCompany(t.Context(), "acme")
	if CompanyOf(t.Context()) != "" {
		t.Error("a company outlives its request")
	}
}

// guard: the hash is compared, and nothing but a logo is asked for
func TestALogoIsServedUnderItsHashAlone(t *testing.T) {
	h := open(t, ours)
	hash, asked := strings.Repeat("0a", 16), 0
	h.Logo = func(_ context.Context, company, wanted string) ([]byte, error) {
		if asked++; company == "acme" && wanted == hash {
			return []byte("\x89PNG"), nil
		}
		return nil, nil
	}
	got := h.ask("GET", "/assets/acme/"+hash+"/logo.png", "")
	head := got.Header()
	if got.Code != 200 || head.Get("Content-Type") != "image/png" || head.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(head.Get("Cache-Control"), "immutable") || got.Body.String() != "\x89PNG" {
		t.Errorf("%d %v", got.Code, head)
	}
	for _, path := range []string{"b/" + hash, "acme/" + strings.Repeat("0b", 16)} {
		got := h.ask("GET", "/assets/"+path+"/logo.png", "")
		if got.Code != 404 || strings.Contains(got.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	asked = 0
	for _, path := range []string{"acme/" + hash + "/logo.svg", "acme//logo.png", "acme/" + hash[1:] + "/logo.png",
		"acme/" + strings.ToUpper(hash) + "/logo.png", "%00/" + hash + "/logo.png", "a%27b/" + hash + "/logo.png",
		"%FF/" + hash + "/logo.png"} {
		if got := h.ask("GET", "/assets/"+path, ""); got.Code == 200 || asked > 0 {
			t.Errorf("%s: %d, asked %d times", path, got.Code, asked)
		}
	}
}

func TestAnAccentHasAStyleOfItsOwn(t *testing.T) {
	h := open(t, ours)
	b, err := CompanyBrand("#ffb000", "acme", "", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := h.ask("GET", b.StyleURL, "")
	if got.Code != 200 || got.Body.String() != b.Tones.style() || got.Header().Get("Content-Type") != kinds[".css"] {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	dir, _, _ := strings.Cut(strings.TrimPrefix(b.StyleURL, "/assets/"), "/")
	for _, name := range []string{"accent-ffb001.css", "accent-red.css", "accent-.css", "accent-ffb000",
		"accent-ffb000}.css"} {
		if got := h.ask("GET", "/assets/"+dir+"/"+name, ""); got.Code != 404 {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	for _, bad := range []string{"red", "red;}body{", "#fff", "#ffb000;"} {
		if _, err := CompanyBrand(bad, "acme", "", 0, 0); err == nil {
			t.Errorf("%q is an accent", bad)
		}
	}
}

const boundary = "multipart/form-data; boundary=x"

func part(name, more, value string) string {
	return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" + value + "\r\n"
}

// guard: clean, the limit of the file, the limit of the fields, one part of a name
func TestAFileIsReadStrictly(t *testing.T) {
	h := open(t, ours)
	h.Mux().PostFile("/file", func(rw http.ResponseWriter, r *http.Request) error {
		f, err := ReadFile(rw, r, "logo", 100)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(rw, "%s %d %v", r.PostForm.Get("name"), len(f.Data), f.TooLong)
		return err
	})
	const file = "; filename=\"a.png\"\r\nContent-Type: text/html"
	name := part("name", "", "Ortiz")
	for what, c := range map[string]struct {
		kind, body string
		status     int
		said       string
	}{
		"a file":           {boundary, name + part("logo", file, "abc") + "--x--\r\n", 200, "Ortiz 3 false"},
		"none chosen":      {boundary, name + part("logo", "; filename=\"\"", "") + "--x--\r\n", 200, "Ortiz 0 false"},
		"no multipart":     {formType, "name=Ortiz", 200, "Ortiz 0 false"},
		"the limit":        {boundary, part("logo", file, strings.Repeat("x", 100)) + "--x--\r\n", 200, " 100 false"},
		"too long":         {boundary, name + part("logo", file, strings.Repeat("x", 101)) + "--x--\r\n", 200, "Ortiz 0 true"},
		"far too long":     {boundary, part("logo", file, strings.Repeat("x", 5<<20)) + "--x--\r\n", 413, ""},
		"a long field":     {boundary, part("name", "", strings.Repeat("x", 70<<10)) + "--x--\r\n", 413, ""},
		"two files":        {boundary, part("logo", file, "a") + part("logo", file, "b") + "--x--\r\n", 400, ""},
		"a field twice":    {boundary, name + name + "--x--\r\n", 400, ""},
		"not UTF-8":        {boundary, part("name", "", "\xff") + "--x--\r\n", 400, ""},
		"NUL":              {boundary, part("name", "", "a\x00") + "--x--\r\n", 400, ""},
		"cut off":          {boundary, name + "--x\r\nContent-Disp", 400, ""},
		"no boundary":      {"multipart/form-data", name, 400, ""},
		"JSON":             {"application/json", "{}", 415, ""},
		"many empty parts": {boundary, strings.Repeat(part("", "", ""), 1000) + "--x--\r\n", 400, ""},
	} {
		got := h.post("/file", c.body, "Content-Type", c.kind)
		if c.kind != formType { // post says urlencoded first
			got = h.ask(http.MethodPost, "/file", c.body, "Content-Type", c.kind, "Sec-Fetch-Site", "same-origin")
		}
		if got.Code != c.status || c.said != "" && got.Body.String() != c.said {
			t.Errorf("%s: %d %.60s", what, got.Code, got.Body)
		}
	}
	if got := h.ask(http.MethodPost, "/file", name+"--x--\r\n", "Content-Type", boundary,
		"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); got.Code != 403 {
		t.Errorf("from another site: %d", got.Code)
	}
}
