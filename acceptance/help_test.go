package acceptance

import (
	"net/http"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// TestVOI11_HelpInTheProduct: administrators, supervisors and agents find help at the control that it explains,
// separate for both, searchable, in their language and with pictures.
func TestVOI11_HelpInTheProduct(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := off(t, w)
		owner, supervisor := member(t, w, c, "Owner", "owner"), member(t, w, c, "Supervisor", "supervisor")
		p, s := w.Person(t), w.Person(t)
		for path, topic := range map[string]string{
			pathUsers:    "status",
			pathSecurity: "enable",
			pathActivity: "activity",
		} {
			page := administer(t, w, p, owner, path)
			helpBehind(t, p, page, "/help/company/"+topic)
		}
		helpBehind(t, s, administer(t, w, s, supervisor, pathUsers), "/help/company/status")

		agent, covered := w.Person(t), w.Covered(t).User(t)
		agent.ToCode(t, w.Dashboard(t), covered)
		helpBehind(t, agent, agent.Page, "/help/no-code")
		forAgents(t, w)
	})
}

// helpBehind follows a page's link to a topic, which is whole and shows its pictures.
func helpBehind(t *testing.T, p *rig.Person, page *rig.Page, topic string) {
	t.Helper()
	if !strings.Contains(page.Body, `href="`+topic+`"`) {
		t.Errorf("%s does not lead to %s", page.URL.Path, topic)
		return
	}
	p.Get(topic).Expect(t, http.StatusOK, "All help topics")
}

// forAgents looks for help without any session: who cannot sign in needs it most.
func forAgents(t *testing.T, w *rig.World) {
	t.Helper()
	p := w.Person(t)
	all := p.Get("/help").Expect(t, http.StatusOK, "You can’t sign in any more", "See the help for administrators")
	if strings.Contains(all.Text(), "Disable two-factor authentication") {
		t.Error("agents are told how to disable it")
	}
	p.Get("/help?q=new+PHONE").Expect(t, http.StatusOK, "You have a new phone")
	p.Get("/help?q=carrier+pigeon").Expect(t, http.StatusOK, "Nothing found for “carrier pigeon”")
	p.Get("/help?q=%3Cscript%3E").Expect(t, http.StatusOK, "Nothing found for “<script>”")
	p.Get("/help/nothing").Expect(t, http.StatusNotFound)
	p.Get("/help/enable").Expect(t, http.StatusNotFound)
	p.Get("/help/company/roles").Expect(t, http.StatusOK, "Reset a user’s methods", "lower and equal roles")

	picture := p.Get("/help/pictures/authenticator.en.webp").Expect(t, http.StatusOK)
	if kind := picture.Header.Get("Content-Type"); kind != "image/webp" || !strings.HasPrefix(picture.Body, "RIFF") {
		t.Errorf("the picture is %q", kind)
	}
	p.Get("/help/pictures/drawn.txt").Expect(t, http.StatusNotFound)
	req := p.Request(http.MethodGet, "/help/authenticator", nil)
	req.Header.Set("Accept-Language", "pt")
	if body := p.Send(req).Body; !strings.Contains(body, "/help/pictures/authenticator.pt-BR.webp") {
		t.Error("the picture is in another language")
	}
}
