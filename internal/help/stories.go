package help

import (
	"net/http"

	"countersign/internal/web"
)

// Stories is every page that differs from the others.
func Stories() []web.Story {
	page := func(of audience, name string) topicPage {
		t, _ := named(of, name)
		return pageOf(t)
	}
	all := func(of audience) (out []link) {
		for _, t := range topics {
			if t.For == of {
				out = append(out, t.link())
			}
		}
		return out
	}
	return []web.Story{
		{Name: "help", Status: http.StatusOK, Page: listPage{For: everyone, Topics: all(everyone)}},
		{Name: "help/found", Status: http.StatusOK, Page: listPage{
			For:    everyone,
			Query:  "phone",
			Topics: all(everyone)[5:7],
		}},
		{Name: "help/none-found", Status: http.StatusOK, Page: listPage{For: everyone, Query: "carrier pigeon"}},
		{Name: "help/topic", Status: http.StatusOK, Page: page(everyone, "authenticator")},
		{Name: "help/company", Status: http.StatusOK, Page: listPage{For: administrators, Topics: all(administrators)}},
		{Name: "help/company/topic", Status: http.StatusOK, Page: page(administrators, "enable")},
		{Name: "help/company/status", Status: http.StatusOK, Page: page(administrators, "status")},
		{Name: "help/company/roles", Status: http.StatusOK, Page: page(administrators, "roles")},
	}
}
