package acceptance

import (
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// TestAddSeveralUsers: pasted rows are looked at first, those that are wrong are named, and the others are invited.
func TestAddSeveralUsers(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner, p := member(t, w, c, "Owner", "owner"), w.Person(t)
		const path = pathUsers + "/import"
		administer(t, w, p, owner, path).Expect(t, 200, "Add several users")
		first, second := w.Unique("first")+"@people.example.test", w.Unique("second")+"@people.example.test"
		rows := strings.Join([]string{
			"First One\t" + first,
			"=cmd\tno address",
			"Second One\t" + second + "\tSupervisor",
			"Owner\t" + owner.Email,
		}, "\r\n")
		p.Post(path, url.Values{"rows": {rows}}).Expect(t, 200,
			"2 users can be added", "1 user is already in your company",
			"Line 2: That is not an email address", "Add and invite 2 users")
		p.Get(pathUsers).Expect(t, 200, owner.Email)
		if strings.Contains(p.Page.Body, first) {
			t.Error("added before it was confirmed")
		}
		p.Post(path, url.Values{"rows": {rows}, "sure": {"yes"}}).Expect(t, 200, "2 users have been added and invited")
		p.Get(pathUsers).Expect(t, 200, first, second, "Supervisor")
		w.Sink.Mail(t, second, 1) // the invitation

		agent, q := member(t, w, c, "Agent", "agent"), w.Person(t)
		administer(t, w, q, agent, path)
		if strings.Contains(q.Page.Body, "Add several users") {
			t.Error("an agent may add users")
		}
	})
}
