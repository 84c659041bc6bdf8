package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"countersign/acceptance/rig"
)

// before is the commit of the version that the present one has to run beside. Move it on
// with each release.
const before = "bc0a7654020cdff3d05067ab47b5b88bdcac02c1" // write the public address as browsers do

// beforeBudgets is the last commit that knows the budgets of the installation as rows of a company. It goes with the
// program's care for those rows.
const beforeBudgets = "87d9499dd6c4281b0566694b638b939d82f76a01" // docs: print the audit events anew

// old and oldBudgets are programs of those two commits.
const (
	old        rig.Flavour = "old"
	oldBudgets rig.Flavour = "old-budgets"
)

// previous builds a previous version from the repository's history.
func previous(t *testing.T, f rig.Flavour, commit string) {
	t.Helper()
	if out, err := try(nil, "git", "cat-file", "-e", commit+"^{commit}"); err != nil {
		t.Skipf("no commit %s here (a shallow clone?): %s", commit, out)
	}
	dir := rig.Folder(t)
	tar := filepath.Join(dir, "old.tar")
	run(t, nil, "git", "archive", "-o", tar, commit)
	if out, err := exec.Command("tar", "-x", "-C", dir, "-f", tar).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	rig.BuildFrom(t, f, dir)
}

// TestREL17_TwoVersionsSideBySide goes the way of an upgrade without a pause, and back:
// the old version alone; both; the old one again on the schema of the new.
// guard: migrations only add, and the old version can do without what they add
func TestREL17_TwoVersionsSideBySide(t *testing.T) {
	t.Parallel()
	previous(t, old, before)
	w := rig.New(t, "postgres", rig.Options{Flavour: old})
	t.Cleanup(w.Close)
	app := w.Dashboard(t)
	company, open := w.Covered(t), w.Open(t)
	veteran := w.Person(t) // signed in before anything new was there
	veteranUser := company.User(t)
	kept := veteran.SignInRemembered(t, app, veteranUser)
	waiting, waitingUser := w.Person(t), company.User(t) // at the code page when the new version comes
	mail := waiting.ToCode(t, app, waitingUser)

	b := w.StartAs(t, "b", rig.Release)
	t.Cleanup(b.Kill)
	if waiting.Via(b).Code(mail.Code).Left == nil {
		t.Errorf("a code of the old version is not taken by the new: %s", rig.Quietly(waiting.Page.Text()))
	}
	crossing(t, w, w.A, b, company)
	crossing(t, w, b, w.A, company)
	single := open.User(t)
	for _, s := range []*rig.Server{w.A, b} {
		p := w.Person(t).Via(s)
		visit := app.Visit()
		p.Visit(visit)
		app.Via(s).Finish(t, visit, p.Password(single.Email, single.Password))
		veteran.Via(s).Again(t, app.Via(s))
	}
	refreshed, err := app.Via(b).Refresh(kept.Raw.RefreshToken)
	if err != nil {
		t.Fatalf("the new version does not take an old refresh token: %v", err)
	}
	if refreshed, err = app.Via(w.A).Refresh(refreshed.RefreshToken); err != nil {
		t.Fatalf("the old version does not take the new one's refresh token: %v", err)
	}
	young, youngUser := w.Person(t).Via(b), company.User(t) // only the new version knows this session
	young.SignInRemembered(t, app.Via(b), youngUser)
	late, lateUser := w.Person(t).Via(b), company.User(t) // at the new version's code page when it goes
	lateMail := late.ToCode(t, app, lateUser)

	b.Stop()
	w.Restart(t, rig.Options{}) // the old version begins anew on the schema of the new one
	if late.Via(w.A).Code(lateMail.Code).Left == nil {
		t.Errorf("a code of the new version is not taken by the old: %s", rig.Quietly(late.Page.Text()))
	}
	young.Via(w.A).Again(t, app)
	if _, err := app.Refresh(refreshed.RefreshToken); err != nil {
		t.Errorf("refresh after the way back: %v", err)
	}
	w.Person(t).SignIn(t, app, company.User(t))
	w.CLI(t, "audit", "verify")

	c := w.StartAs(t, "c", rig.Release) // and forward again
	t.Cleanup(c.Kill)
	w.Person(t).Via(c).SignIn(t, app.Via(c), company.User(t))
	crossing(t, w, c, w.A, company)
	run(t, []string{"COUNTERSIGN_CONFIG=" + filepath.Join(w.Dir, "c.toml")}, rig.Binary(t, rig.Release),
		"audit", "verify")
	if _, err := os.Stat(filepath.Join(w.Dir, "countersign.key")); err != nil {
		t.Error(err)
	}
}

// TestREL17_TriesCountAtBothVersions: someone who fails at one version is slowed down at the other, so that an upgrade
// gives no one fresh tries.
// guard: what both versions count is kept twice while they run side by side
func TestREL17_TriesCountAtBothVersions(t *testing.T) {
	t.Parallel()
	previous(t, oldBudgets, beforeBudgets)
	w := rig.New(t, "postgres", rig.Options{Flavour: oldBudgets})
	t.Cleanup(w.Close)
	company := w.Covered(t)
	w.Person(t).SignIn(t, w.Dashboard(t), company.User(t))
	b := w.StartAs(t, "b", rig.Release)
	t.Cleanup(b.Kill)
	crossing(t, w, w.A, b, company)
	crossing(t, w, b, w.A, company)
	guessing(t, w, w.A, b, company)
	guessing(t, w, b, w.A, company)
}

// guessing fails with the password three times at one version and once at the other: the old version's row of the
// budget knows all four, and the new one's all that were made before its own.
func guessing(t *testing.T, w *rig.World, first, second *rig.Server, company *rig.Tenant) {
	t.Helper()
	u, app := company.User(t), w.Dashboard(t)
	const tries = `SELECT coalesce(sum(length(stamps)), 0) / 8 FROM `
	before := w.Number(t, tries+`budgets WHERE tenant_id = 'installation' AND name = 'password.account'`)
	own := w.Number(t, tries+`installation_budgets WHERE name = 'password.account'`)
	for i, s := range []*rig.Server{first, first, first, second} {
		p := w.Person(t).Via(s)
		p.Visit(app.Via(s).Visit())
		if page := p.Password(u.Email, "wrong"); page.Status >= 500 {
			t.Errorf("wrong password %d: %d", i, page.Status)
		}
	}
	n := w.Number(t, tries+`budgets WHERE tenant_id = 'installation' AND name = 'password.account'`) - before
	if n != 4 {
		t.Errorf("the old version counts %d of four failures", n)
	}
	n = w.Number(t, tries+`installation_budgets WHERE name = 'password.account'`) - own
	if n < 3 || second != w.A && n != 4 {
		t.Errorf("the new version counts %d of four failures", n)
	}
}

// crossing signs in with the password at one version, and the code at the other.
func crossing(t *testing.T, w *rig.World, first, second *rig.Server, company *rig.Tenant) {
	t.Helper()
	u, app := company.User(t), w.Dashboard(t)
	p := w.Person(t).Via(first)
	visit := app.Visit()
	p.Visit(visit)
	p.Password(u.Email, u.Password)
	mail := w.Sink.Code(t, u.Email, 1)
	wrong := "000000"
	if mail.Code == wrong {
		wrong = "000001"
	}
	p.Via(second).Code(wrong) // a try that is taken at one is gone at both
	p.Via(first).Code(wrong)
	p.NewCode() // too soon, at both
	p.Via(second)
	tokens := app.Via(second).Finish(t, visit, p.Code(w.Sink.Code(t, u.Email, 1).Code))
	if tokens.Claims.ACR != rig.Level1e {
		t.Errorf("level %s", tokens.Claims.ACR)
	}
	if status, _, _ := app.Via(first).UserInfo(t, tokens.Raw.AccessToken); status != 200 {
		t.Errorf("the other version answers %d to the access token", status)
	}
	w.Drained(t)
	if n := len(w.Sink.Codes(u.Email)); n != 1 {
		t.Errorf("%d codes", n)
	}
	tries := w.Number(t, `SELECT min(c.tries_left) FROM challenges c
		JOIN users u ON u.tenant_id = c.tenant_id AND u.id = c.user_id WHERE u.email = $1`, u.Email)
	if tries != 3 && tries != 2 { // some versions count the right answer, too
		t.Errorf("%d tries left of five, after two wrong answers and the right one", tries)
	}
}
