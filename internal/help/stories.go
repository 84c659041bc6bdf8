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
		{"help", http.StatusOK, listPage{For: everyone, Topics: all(everyone)}},
		{"help/found", http.StatusOK, listPage{For: everyone, Query: "phone", Topics: all(everyone)[5:7]}},
		{"help/none-found", http.StatusOK, listPage{For: everyone, Query: "carrier pigeon"}},
		{"help/topic", http.StatusOK, page(everyone, "authenticator")},
		{"help/company", http.StatusOK, listPage{For: administrators, Topics: all(administrators)}},
		{"help/company/topic", http.StatusOK, page(administrators, "enable")},
		{"help/company/status", http.StatusOK, page(administrators, "status")},
		{"help/company/roles", http.StatusOK, page(administrators, "roles")},
	}
}
