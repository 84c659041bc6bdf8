package acceptance

import (
	"encoding/csv"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/rig"
)

// TestVOI7_TheListIsExportedWithoutFormulas: what someone called themselves is text in every spreadsheet.
func TestVOI7_TheListIsExportedWithoutFormulas(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "mandatory")
		names := []string{"=1+1", "@SUM(1)", "Bob;=2+2", "Zoë"}
		for _, name := range names {
			c.Person(t, w.Unique("exported")+"@people.example.test", name, "agent")
		}
		owner, p := member(t, w, c, "Olga", "owner"), w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		pg := p.Post(pathUsers+"/export", url.Values{"format": {"csv"}})
		if kind := pg.Header.Get("Content-Type"); pg.Status != 200 || !strings.HasPrefix(kind, "text/csv") ||
			!strings.Contains(pg.Header.Get("Content-Disposition"), "attachment") {
			t.Fatalf("status %d, %s, %v", pg.Status, kind, pg.Header["Content-Disposition"])
		}
		rows, err := csv.NewReader(strings.NewReader(pg.Body)).ReadAll()
		if err != nil || len(rows) != len(names)+2 || rows[0][0] != "name" {
			t.Fatalf("%d rows, %v: %s", len(rows), err, pg.Body)
		}
		all := ""
		for _, row := range rows[1:] {
			all += row[0] + "\n"
			for cell := range strings.SplitSeq(row[0], ";") {
				if strings.ContainsAny(cell[:1], "=+-@") {
					t.Errorf("a spreadsheet computes %q", cell)
				}
			}
		}
		if !strings.Contains(all, "Zoë") || !strings.Contains(all, "'=1+1") {
			t.Errorf("names %q", all)
		}
		lines := strings.Split(strings.TrimSpace(p.Post(pathUsers+"/export",
			url.Values{"format": {"jsonl"}, "role": {"owner"}}).Body), "\n")
		var one struct{ Name, Status, Role string }
		if err := json.Unmarshal([]byte(lines[0]), &one); err != nil || len(lines) != 1 || one.Name != "Olga" {
			t.Errorf("%v: %v", lines, err)
		}
		p.Get(pathActivity+"?kind=people").Expect(t, 200, "List of users exported")
		p.Post(pathUsers+"/export", url.Values{"format": {"exe"}}).Expect(t, 422)
		supervisor, q := member(t, w, c, "Vera", "supervisor"), w.Person(t)
		administer(t, w, q, supervisor, "/profile/email")
		q.Post(pathUsers+"/export", url.Values{"format": {"csv"}}).Expect(t, 403)
	})
}

// TestVOI16_SupervisorsRemindInBulk: everyone below them who is pending gets one mail a day, no matter who asks.
func TestVOI16_SupervisorsRemindInBulk(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off", "--switch", "on", "--methods", "totp,passkey,backup")
		deadline := w.Now().AddDate(0, 0, 20).UTC().Format("2006-01-02T15:04:05Z")
		w.CLI(t, "tenant", "set", c.ID, "--set-up-by", deadline)
		agents := []*rig.User{c.User(t), c.User(t)}
		owner := member(t, w, c, "Olga", "owner")
		supervisor, p := member(t, w, c, "Vera", "supervisor"), w.Person(t)
		administer(t, w, p, supervisor, pathUsers+"/remind").Expect(t, 200, "Remind pending users")
		p.Submit(pathUsers+"/remind").Expect(t, 200, "2 reminders sent.")
		for _, u := range agents {
			m := w.Sink.Mail(t, u.Email, 1)
			if !strings.Contains(m.Subject, "Set up a sign-in method") || !strings.Contains(m.Text, "/profile/add") {
				t.Errorf("the reminder: %s: %s", m.Subject, m.Text)
			}
		}
		p.Post(pathUsers+"/remind", url.Values{}).Expect(t, 200, "0 reminders sent.", "2 users were left out")
		p.Post(pathUsers+"/"+userID(t, w, agents[0])+"/remind", url.Values{}).
			Expect(t, 429, "reminded in the last 24 hours")
		p.Post(pathUsers+"/"+userID(t, w, owner)+"/remind", url.Values{}).Expect(t, 403)
		w.Drained(t)
		if n := len(w.Sink.Mails(owner.Email)); n != 0 {
			t.Errorf("a supervisor had %d mails sent to an owner", n)
		}
	})
}

// TestAIR3_OwnersAreToldOfExportsAndResets: each owner, also the one who did it, and not more often than helps.
func TestAIR3_OwnersAreToldOfExportsAndResets(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		c := w.NewTenant(t, "--mandate", "default_off")
		owner, other := member(t, w, c, "Olga", "owner"), member(t, w, c, "Otto", "owner")
		p := w.Person(t)
		administer(t, w, p, owner, pathUsers+"/new")
		for range 8 {
			p.Post(pathUsers+"/export", url.Values{"format": {"csv"}})
		}
		w.Drained(t)
		for _, u := range []*rig.User{owner, other} {
			told := 0
			for _, m := range w.Sink.Mails(u.Email) {
				if strings.Contains(m.Subject, "The list of users of") && strings.Contains(m.Text, owner.Email) {
					told++
				}
			}
			if told != 5 {
				t.Errorf("%s was told %d times of 8 exports, want 5", u.Email, told)
			}
		}
		_, agent, _, _ := equipped(t, w, people(t, w), "Phone")
		lead := member(t, w, agent.Tenant, "Lena", "owner")
		w.CLI(t, "user", "methods", "reset", agent.Email)
		if m := w.Sink.Mail(t, lead.Email, 1); !strings.Contains(m.Subject, "methods") ||
			!strings.Contains(m.Text, agent.Email) {
			t.Errorf("after a reset: %s", m.Subject)
		}
	})
}
