package console

import (
	"net/http"

	"countersign/internal/people"
	"countersign/internal/user"
	"countersign/internal/web"
)

// importStories are the pages that add many people at once.
func importStories() []web.Story {
	page := importPage{frame: storyFrame("users"), Max: people.MaxAdded}
	checked := page
	checked.Text = "Maria Ortiz\tmaria@harbor.example\nPriya Nair\tpriya@harbor\nAiko Tanaka\taiko@harbor.example\tadmin"
	checked.Checked, checked.Created, checked.Exists = true, 1, 1
	checked.Failed = []failedRow{{2, "user.bad_address"}, {3, user.AddressTaken}}
	added, none := checked, page
	added.Added = true
	none.Problem = "console.import.no_addresses"
	return []web.Story{
		{Name: "company/users/import", Status: http.StatusOK, Page: page},
		{Name: "company/users/import-checked", Status: http.StatusOK, Page: checked},
		{Name: "company/users/import-added", Status: http.StatusOK, Page: added},
		{Name: "company/users/import-none", Status: http.StatusUnprocessableEntity, Page: none},
	}
}
