package client_test

import (
	"net/url"
	"slices"
	"testing"

	"countersign/internal/client"
)

// FuzzATK133_AllowsRedirect: what is allowed is registered, or differs in the port of a
// loopback address for a native client, as a browser reads it.
func FuzzATK133_AllowsRedirect(f *testing.F) {
	known := []string{
		"http://127.0.0.1/cb",
		"http://[::1]:8000/cb?x=1",
		"http://localhost/lo",
		"https://app.test/cb",
		"com.example.phone:/cb",
	}
	for _, seed := range append(known, "http://127.0.0.1:80@evil.test/cb", "http://127.0.0.1:5000/cb",
		"http://localhost:5000/lo", "http://localhost:@evil.test/lo", "http://127.0.0.1:/cb", "http://[::1]:9/cb?x=1#f",
		"http://127.0.0.1:1/cb\\", "http://127.0.0.1.evil.test/cb") {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if (client.Client{Kind: client.Confidential, RedirectURIs: known}).AllowsRedirect(uri) &&
			!slices.Contains(known, uri) {
			t.Fatalf("%q for a server", uri)
		}
		if !(client.Client{Kind: client.Native, RedirectURIs: known}).AllowsRedirect(uri) ||
			slices.Contains(known, uri) {
			return
		}
		u, err := url.Parse(uri)
		if err != nil || u.User != nil || u.Fragment != "" || u.Scheme != "http" {
			t.Fatalf("%q: %v", uri, err)
		}
		if host := u.Hostname(); host == "127.0.0.1" && u.RequestURI() != "/cb" ||
			host == "::1" && u.RequestURI() != "/cb?x=1" ||
			host == "localhost" && u.RequestURI() != "/lo" ||
			host != "127.0.0.1" && host != "::1" && host != "localhost" {
			t.Fatalf("%q leads to %s at %s", uri, u.RequestURI(), host)
		}
	})
}
