package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheBaseIsTakenOffAndPutBack(t *testing.T) {
	w := &Web{base: "/tools/sign-in"}
	for asked, want := range map[string]string{
		"/tools/sign-in":                 "/",
		"/tools/sign-in/":                "/",
		"/tools/sign-in/signin?to=%2Fx":  "/signin?to=%2Fx",
		"/tools/sign-in/l/a%2Eb":         "/l/a%2Eb",
		"/signin":                        "/signin", // a proxy took it off
		"/tools/sign-inn/signin":         "/tools/sign-inn/signin",
		"/tools/sign-in/tools/sign-in/x": "/tools/sign-in/x", // once only
	} {
		if got := w.stripBase(httptest.NewRequest(http.MethodGet, asked, nil)).URL.RequestURI(); got != want {
			t.Errorf("%s is %s inside", asked, got)
		}
	}
	for inside, want := range map[string]string{"/signin?x": "/tools/sign-in/signin?x",
		"https://app.example/cb": "https://app.example/cb", "//evil.example": "//evil.example"} {
		if got := w.Outside(inside); got != want {
			t.Errorf("%s is %s outside", inside, got)
		}
	}
	const page = `<a class="b" href="/x?back=/y">say="/z"</a><a href="https://a.example/">a</a><form action="/f"><button formaction="/g"></button><input value="/v"></form><img src="//c"><b data-poll="/p">`
	const want = `<a class="b" href="/tools/sign-in/x?back=/y">say="/z"</a><a href="https://a.example/">a</a><form action="/tools/sign-in/f"><button formaction="/tools/sign-in/g"></button><input value="/v"></form><img src="//c"><b data-poll="/tools/sign-in/p">`
	if got := string(w.outsidePage([]byte(page))); got != want {
		t.Errorf("%s", got)
	}
	if got := string((&Web{}).outsidePage([]byte(page))); got != page {
		t.Errorf("without a base: %s", got)
	}
}
