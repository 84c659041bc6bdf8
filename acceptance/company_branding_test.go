package acceptance

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

const pathBranding = "/company/branding"

var (
	companyLogo  = regexp.MustCompile(`/assets/[a-z0-9-]+/[0-9a-f]{32}/logo\.png`)
	companyStyle = regexp.MustCompile(`/assets/[0-9a-f]{12}/accent-[0-9a-f]{6}\.css`)
)

// brandForm is what an owner types.
func brandForm() url.Values {
	return url.Values{
		"name":          {"Ortiz <Portal> & Sons"},
		"accent":        {"#FFCC00"},
		"support_email": {"it@ortiz.example"},
		"support_url":   {"https://ortiz.example/help"},
		"support_phone": {"+34 900 555 020"},
	}
}

// postBrand sends the form with a file, as a browser does.
func postBrand(t *testing.T, p *rig.Person, form url.Values, name, kind, file string) *rig.Page {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for field := range form {
		if err := w.WriteField(field, form.Get(field)); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreatePart(map[string][]string{
		"Content-Disposition": {`form-data; name="logo"; filename="` + name + `"`},
		"Content-Type":        {kind},
	})
	if err == nil {
		_, err = io.WriteString(part, file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	req := p.Request("POST", pathBranding, nil)
	req.Header.Set("Content-Type", w.FormDataContentType())
	req.Body, req.ContentLength = io.NopCloser(&body), int64(body.Len())
	return p.Open(req)
}

func picture(t *testing.T, width, height int) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(i % 251)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// guard: ForCompany after a journey has accepted the browser's secret, and not before
func TestATK167_ACompanysBrandIsSeenByItsOwnPeople(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		owner := c.Person(t, w.Unique("olga")+"@a.example", "Olga", "owner")
		second := c.Person(t, w.Unique("otto")+"@a.example", "Otto", "owner")
		agent, stranger := c.User(t), w.Covered(t).User(t)
		app := w.Dashboard(t)
		p := w.Person(t)
		administer(t, w, p, owner, pathBranding).Expect(t, 200, "Branding", "Preview")
		const script = "<script>behind the end</script>"
		page := postBrand(t, p, brandForm(), "logo.png", "text/html", picture(t, 300, 100)+script)
		page.Expect(t, 200, "Branding saved", "darker on light pages")
		logo, style := companyLogo.FindString(page.Body), companyStyle.FindString(page.Body)
		if !strings.HasPrefix(logo, "/assets/"+c.ID+"/") || style == "" || strings.Contains(page.Body, "<Portal>") {
			t.Fatalf("logo %q, style %q", logo, style)
		}
		served := w.Person(t).Get(logo)
		if served.Status != 200 || served.Header.Get("Content-Type") != "image/png" ||
			served.Header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(served.Body, "script") ||
			!strings.Contains(served.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("the logo: %d %v", served.Status, served.Header)
		}
		if css := w.Person(t).Get(style); css.Status != 200 || strings.Contains(css.Body, "--act:#ffcc00") {
			t.Errorf("the style: %d %s", css.Status, css.Body)
		}
		if moved := strings.Replace(logo, c.ID, w.Covered(t).ID, 1); w.Person(t).Get(moved).Status != 404 {
			t.Error("another company serves it, too")
		}
		if events := c.Events(t, "tenant.branding"); len(events) != 1 {
			t.Errorf("%d events", len(events))
		}
		w.Sink.About(t, second.Email, "support contact")

		branded := func(pg *rig.Page) bool { return strings.Contains(pg.Body, "&lt;Portal&gt; &amp; Sons</title>") }
		rig.Within(t, wait, "the brand is shown", func() bool { return branded(p.Get(pathBranding)) })
		q := w.Person(t)
		if branded(q.Visit(app.Visit())) || branded(q.Password(agent.Email, "not the password at all")) {
			t.Error("the page tells which company an address belongs to")
		}
		n := len(w.Sink.Codes(agent.Email))
		code := q.Password(agent.Email, agent.Password).Expect(t, 200, "Enter")
		if !branded(code) || !strings.Contains(code.Body, logo) || !strings.Contains(code.Body, style) {
			t.Error("the code page does not have the brand")
		}
		if wrong := q.Code("000000"); !branded(wrong) {
			t.Error("the page after a wrong code does not have the brand")
		}
		mail := w.Sink.Code(t, agent.Email, n+1)
		for _, words := range []string{
			"No one from Ortiz", "Sent by Countersign", "it@ortiz.example", "+34 900 555 020",
			"https://ortiz.example/help",
		} {
			if !strings.Contains(mail.Text, words) {
				t.Errorf("the mail lacks %q: %s", words, mail.Text)
			}
		}
		if !strings.Contains(mail.HTML, "#ffcc00") || strings.Contains(mail.HTML, "<Portal>") {
			t.Error("the mail does not have the company's colours, or its markup")
		}
		other := w.Person(t)
		other.ToCode(t, app, stranger)
		if branded(other.Page) || companyLogo.MatchString(other.Page.Body) {
			t.Error("another company's people see it")
		}
		forged := w.Person(t) // of the company, but with no secret
		id, _, _ := strings.Cut(strings.TrimPrefix(q.Cookie("flow"), c.ID+"."), ".")
		for _, cookie := range []string{q.Cookie("flow") + "x", c.ID + "." + id + "." + strings.Repeat("A", 43)} {
			forged.SetCookie("flow", cookie)
			for _, page := range []string{"code", "other", "set-up"} {
				if branded(forged.Get("/signin/" + page + "?flow=" + id)) {
					t.Errorf("%s shows the brand without a secret", page)
				}
			}
		}
		administer(t, w, p, owner, "/profile")
		rig.Within(t, wait, "the account has the brand", func() bool { return branded(p.Get("/profile")) })
		set := p.Post("/profile/add/totp", url.Values{})
		link := unescaped(otpauthLink.FindString(set.Body))
		if !strings.Contains(link, "issuer=Ortiz%20%3CPortal%3E") || !strings.Contains(link, "%28Countersign%29") {
			t.Errorf("the authenticator app lists %s", link)
		}
		p.Post(pathBranding+"/logo", url.Values{}).Expect(t, 200, "Logo removed")
		if w.Person(t).Get(logo).Status != 404 {
			t.Error("a removed logo is served")
		}
		p.Post(pathBranding+"/defaults", url.Values{}).Expect(t, 200, "The defaults are back")
		rig.Within(t, wait, "the vendor's brand is back", func() bool { return !branded(p.Get("/profile")) })
	})
}

func unescaped(s string) string { return strings.ReplaceAll(s, "&amp;", "&") }

// guard: access.SetBranding, ReadPicture, Brand.Clean
func TestATK167_NoOneSmugglesAnythingIntoABrand(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner := c.Person(t, w.Unique("olga")+"@a.example", "Olga", "owner")
		p := w.Person(t)
		administer(t, w, p, owner, pathBranding).Expect(t, 200)
		const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`
		good := picture(t, 64, 64)
		for what, file := range map[string]struct{ name, kind, data, says string }{
			"an SVG as a PNG": {"logo.png", "image/png", svg, "must be a PNG or JPEG"},
			"HTML":            {"logo.jpg", "image/jpeg", "<script>alert(1)</script>" + good, "must be a PNG or JPEG"},
			"600 kB":          {"logo.png", "image/png", good + strings.Repeat("x", 600<<10), "larger than 512 kB"},
			"3 MB":            {"logo.png", "image/png", strings.Repeat("x", 3<<20), "larger than 512 kB"},
			"half a PNG":      {"logo.png", "image/png", good[:200], "couldn’t read the logo"},
			"too wide":        {"logo.png", "image/png", picture(t, 2001, 20), "16 to 2000 pixels"},
			"too small":       {"logo.png", "image/png", picture(t, 15, 15), "16 to 2000 pixels"},
		} {
			page := postBrand(t, p, brandForm(), file.name, file.kind, file.data)
			if page.Status != 422 || !page.Says(file.says) || page.Input("name")["value"] != "Ortiz <Portal> & Sons" ||
				page.Input("support_phone")["value"] != "+34 900 555 020" {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
		}
		if pg := postBrand(t, p, brandForm(), "a.png", "image/png", strings.Repeat("x", 5<<20)); pg.Status != 413 {
			t.Errorf("5 MB: %d", pg.Status)
		}
		for field, value := range map[string]string{
			"accent":        "red;}body{display:none}",
			"support_url":   "javascript:alert(document.domain)",
			"support_email": "a@x.example?cc=b@x.example",
			"support_phone": "1;//",
			"name":          "Ortiz\u202e",
		} {
			form := brandForm()
			form.Set(field, value)
			page := p.Post(pathBranding, form)
			input := page.Input(field)
			if page.Status != 422 || input["aria-invalid"] != "true" || input["value"] != value ||
				strings.Contains(page.Body, `href="javascript`) ||
				field == "accent" && companyStyle.MatchString(page.Body) {
				t.Errorf("%s: %d %s", field, page.Status, page.Body)
			}
		}
		if n := w.Number(t, `SELECT count(*) FROM brands WHERE tenant_id = '`+c.ID+`'`); n != 0 {
			t.Errorf("%d brands are stored", n)
		}
		for _, role := range []string{"supervisor", "agent"} {
			u := c.Person(t, w.Unique(role)+"@a.example", role, role)
			q := w.Person(t)
			administer(t, w, q, u, pathBranding).Expect(t, 403)
			for _, pg := range []*rig.Page{q.Get(pathBranding), q.Post(pathBranding, brandForm()),
				postBrand(t, q, brandForm(), "logo.png", "image/png", good), q.Post(pathBranding+"/logo", nil),
				q.Post(pathBranding+"/defaults", nil)} {
				if pg.Status != 403 {
					t.Errorf("%s: %d at %s", role, pg.Status, pg.URL.Path)
				}
			}
			if strings.Contains(q.Get("/company/users").Body, pathBranding) {
				t.Errorf("%s is shown the way to it", role)
			}
		}
		if len(c.Events(t, "administration.refused", "access.denied")) == 0 &&
			len(c.Events(t, "tenant.branding", "access.denied")) == 0 {
			t.Error("the refusals are not recorded")
		}
		if pg := postBrand(t, w.Person(t), brandForm(), "logo.png", "image/png", good); pg.URL.Path != rig.PathSignIn {
			t.Errorf("a stranger: %d at %s", pg.Status, pg.URL.Path)
		}
		forged := p.Request("POST", pathBranding, brandForm())
		forged.Header.Set("Sec-Fetch-Site", "cross-site")
		forged.Header.Set("Origin", "https://evil.example")
		if pg := p.Open(forged); pg.Status != 403 {
			t.Errorf("from another site: %d", pg.Status)
		}
		admin := c.Person(t, w.Unique("ada")+"@a.example", "Ada", "admin")
		q := w.Person(t)
		administer(t, w, q, admin, pathBranding).Expect(t, 200)
		postBrand(t, q, brandForm(), "logo.gif", "image/gif", good).Expect(t, 200, "Branding saved")
	})
}
