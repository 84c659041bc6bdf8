package acceptance

import (
	"testing"
	"time"

	"countersign/acceptance/rig"
	"countersign/internal/message/push/pushtest"
)

// TestATK170_APushServiceThatNeverAnswers: anyone who sets a receiver up chooses its push service.
// One that takes pushes and never answers holds up no one's mails. guard: jobs.Runner.Leaves.
func TestATK170_APushServiceThatNeverAnswers(t *testing.T) {
	pushedWithin(t, 50*time.Second, func(t *testing.T, w *rig.World, s *pushtest.Service) {
		var attackers []*rig.User
		for range 3 {
			u := w.Covered(t).User(t)
			receives(t, w, s, w.Person(t), u)
			attackers = append(attackers, u)
		}
		s.Hang()
		for _, u := range attackers {
			for range 8 {
				p := w.Person(t)
				p.Visit(w.Dashboard(t).Visit())
				atCode(t, p.Password(u.Email, u.Password))
			}
		}
		rig.Within(t, 15*time.Second, "pushes on their way", func() bool { return s.Calls() >= 3+4 })
		victim := w.NewTenant(t, "--mandate", "mandatory").User(t)
		w.Person(t).SignIn(t, w.Dashboard(t), victim)
	})
}
