package pages

import (
	"net/url"

	"countersign/internal/people"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// maxSearch is the longest text that is searched for, in bytes.
const maxSearch = 400

// SearchOf reads what is asked for from the address. What makes no sense is left out.
func SearchOf(q url.Values) people.Search {
	s := people.Search{After: q.Get("after")}
	if text := q.Get("q"); len(text) <= maxSearch {
		s.Text = text
	}
	for _, v := range people.Views {
		if string(v) == q.Get("view") {
			s.View = v
		}
	}
	for _, status := range Statuses {
		if string(status) == q.Get("status") {
			s.Status = status
		}
	}
	if role, err := user.ParseRole(q.Get("role")); err == nil {
		s.Role = role
	}
	return s
}

// Statuses are the statuses in the order in which they are offered.
var Statuses = []policy.Status{policy.Pending, policy.Activated, policy.Disabled}

// CompanyRoles are the roles of a company, highest first.
var CompanyRoles = []user.Role{user.Owner, user.Admin, user.Supervisor, user.Agent}

// SearchQuery is the address of a search, without its place in the list.
func SearchQuery(s people.Search) url.Values {
	out := url.Values{}
	for name, value := range map[string]string{
		"q":      s.Text,
		"view":   string(s.View),
		"status": string(s.Status),
		"role":   string(s.Role),
	} {
		if value != "" {
			out.Set(name, value)
		}
	}
	return out
}

// LookedAtOnce is how many people one page looks at for a filter that may find few. Looking at a hundred thousand takes
// longer than anyone should wait.
const LookedAtOnce = 2000

// NextPage is the address of the page after this one; empty where there is none. query is that of the search.
func NextPage(path string, query url.Values, p people.Page) string {
	after := p.LookedTo.ID
	if p.More {
		after = p.People[len(p.People)-1].User.ID
	}
	if after == "" {
		return ""
	}
	query.Set("after", after)
	return path + "?" + query.Encode()
}
