package console

import (
	"time"

	"countersign/internal/pages"
	"countersign/internal/policy"
	"countersign/internal/user"
)

// storyInvited is someone who was just invited, or whose invitation was just withdrawn.
func storyInvited(now time.Time, withdrawn bool) userPage {
	page := userPage{
		frame:     storyFrame("users"),
		ID:        "u8",
		Name:      "Nina New",
		Email:     "nina@harbor.example",
		Role:      pages.RoleKeys[user.Agent],
		Status:    pages.StatusKeys[policy.Pending],
		Tone:      string(policy.Pending),
		Notes:     []string{"console.note.invited"},
		Added:     now,
		Withdrawn: withdrawn,
		May: userRights{
			Invite:   true,
			Withdraw: !withdrawn,
			Role:     true,
			Address:  true,
			Disable:  true,
		},
	}
	page.Done = doneKeys["invited"]
	if withdrawn {
		page.Notes, page.Done = []string{"console.note.withdrawn"}, doneKeys["withdrawn"]
	}
	page.offer()
	return page
}
