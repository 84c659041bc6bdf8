package oidc

import (
	"net/http"
	"net/url"
	"sort"

	"countersign/internal/grant"
	"countersign/internal/web"
)

// formPostPage carries the answer in a form instead of the address (OAuth 2.0 Form Post
// Response Mode). A script presses the button; people without scripts press it themselves.
type formPostPage struct {
	Action string
	Fields []field
	target string
}

type field struct{ Name, Value string }

// View names the template, and the app that the form leads to.
func (f formPostPage) View() web.View {
	return web.View{Template: "oidc/formpost", FormTargets: []string{f.target}}
}

func newFormPost(req grant.Request, answer url.Values) formPostPage {
	f := formPostPage{Action: req.RedirectURI, target: req.Target()}
	for name := range answer {
		f.Fields = append(f.Fields, field{name, answer.Get(name)})
	}
	sort.Slice(f.Fields, func(i, j int) bool { return f.Fields[i].Name < f.Fields[j].Name })
	return f
}

// signOutPage asks whether to sign out, because nothing proved that the app asked.
type signOutPage struct {
	AppName string
	Hint    string // sealed; see leave
	target  string
}

// View names the template, and the app that the form leads to.
func (s signOutPage) View() web.View {
	return web.View{Template: "oidc/signout", FormTargets: []string{s.target}}
}

// Stories is every page of this face in every state, with canned data. The form of the
// first leads nowhere: its target is not in the page's policy.
func Stories() []web.Story {
	const app = "Harbor Dashboard"
	return []web.Story{
		{
			Name:   "formpost",
			Status: http.StatusOK,
			Page: formPostPage{Action: "https://dashboard.harbor.example/callback",
				Fields: []field{{"code", "c2VhbGVk"}, {"state", "x"}}},
		},
		{Name: "signout", Status: http.StatusOK, Page: signOutPage{AppName: app, Hint: "c2VhbGVk"}},
		{Name: "signout/portal", Status: http.StatusOK, Page: signOutPage{Hint: "c2VhbGVk"}},
	}
}
