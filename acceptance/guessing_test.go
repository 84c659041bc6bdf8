package acceptance

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"countersign/acceptance/rig"
)

// guard: Challenge.Open looks at TriesLeft; signin.reserveTry reserves each try
func TestATK001_SequentialGuessing(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		for i := range 10 {
			pg := p.Code(wrongCode(mail.Code, i*11111))
			if pg.Status != 401 && pg.Status != 429 {
				t.Errorf("guess %d: status %d", i+1, pg.Status)
			}
		}
		if pg := p.Code(mail.Code); pg.Left != nil || gotSession(pg) {
			t.Error("the right code works after ten wrong ones")
		}
		denied(t, w, u, "guessing")
		if n := judged(t, w, u); n != 5 {
			t.Errorf("%d answers were compared, not 5", n)
		}
		w.Sink.About(t, u.Email, "Someone may know your password")
	})
}

// guard: signin.reserveTry commits before the comparison
func TestATK002_ParallelGuessing(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for range *rounds {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			shots := make([]rig.Shot, 100)
			for i := range shots {
				shots[i] = rig.Shot{Person: p, Path: rig.PathCode, Form: form("code", wrongCode(mail.Code, 1000*i))}
			}
			pages := rig.Volley(t, shots)
			if slices.ContainsFunc(pages, gotSession) {
				t.Error("a wrong code signed in")
			}
			if n := judged(t, w, u); n != 5 {
				t.Errorf("%d answers were compared, not 5; %v", n, rig.Count(pages))
			}
			denied(t, w, u, "parallel guessing")
			if pg := p.Code(mail.Code); pg.Left != nil {
				t.Error("the right code still works")
			}
		}
	})
}

// guard: the account's budget is not reset by a new code
func TestATK004_ANewCodeDoesNotRefreshTheBudget(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		p.ToCode(t, w.Dashboard(t), u)
		slowed := 0
		for n := 1; n <= 4; n++ {
			mail := w.Sink.Mail(t, u.Email, n)
			for i := range 4 {
				if p.Code(wrongCode(mail.Code, i)).Status == 429 {
					slowed++
				}
			}
			w.Advance(t, 31*time.Second)
			p.NewCode()
		}
		if slowed < 6 {
			t.Errorf("only %d of 16 wrong answers were slowed down", slowed)
		}
		denied(t, w, u, "guessing over new codes")
	})
}

// guard: second.account windows (30 a day)
func TestATK005_ManyFlowsShareOneBudget(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		var last rig.Mail
		var p *rig.Person
		for range 9 {
			w.Advance(t, 16*time.Minute) // past every delay
			p = w.Person(t)
			last = p.ToCode(t, w.Dashboard(t), u)
			for i := range 5 {
				p.Code(wrongCode(last.Code, i))
				w.Advance(t, 100*time.Second)
			}
		}
		if n := judged(t, w, u); n != 30 {
			t.Errorf("%d answers were compared within a day", n)
		}
		w.Advance(t, 16*time.Minute)
		p = w.Person(t)
		last = p.ToCode(t, w.Dashboard(t), u)
		if pg := p.Code(last.Code); pg.Left != nil {
			t.Error("the right code is compared although the day's budget is spent")
		}
		denied(t, w, u, "guessing over flows")
	})
}

// guard: web.withLimits keeps the context of a POST alive; Take commits alone
func TestATK007_ACountSurvivesAFailingRequest(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		for name, extra := range map[string]url.Values{
			"hang up": {}, "odd field": form("remember", "\x01x"),
			"big field": form("filler", strings.Repeat("x", 60<<10)),
		} {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			for i := range 6 {
				extra.Set("code", wrongCode(mail.Code, i))
				if err := p.HangUp(rig.PathCode, extra); err != nil {
					t.Fatal(err)
				}
			}
			rig.Within(t, 3*time.Second, name+": five tries are counted", func() bool { return judged(t, w, u) == 5 })
			if pg := p.Code(mail.Code); pg.Left != nil {
				t.Errorf("%s: the right code still works", name)
			}
		}
	})
}

// guard: a code is six digits, whatever stands around them
func TestATK009_Canonicalisation(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		forms := []func(string) string{
			func(c string) string { return "+" + c }, func(c string) string { return c[1:] },
			func(c string) string { return "0" + c },
			func(c string) string { return c + "e0" }, func(c string) string { return c + ".0" },
			func(c string) string { return "0x" + c },
		}
		// what an input method makes of a right code
		for _, spelt := range []func(string) string{fullWidth, arabic, func(c string) string { return c + "\u200b" }} {
			u, p := w.Covered(t).User(t), w.Person(t)
			left(t, func() *rig.Page { mail := p.ToCode(t, w.Dashboard(t), u); return p.Code(spelt(mail.Code)) }())
		}
		for batch := range slices.Chunk(forms, 3) {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			for i, f := range batch {
				if pg := p.Code(f(mail.Code)); pg.Status != 401 {
					t.Errorf("%q: status %d", f(mail.Code), pg.Status)
				}
				if n := judged(t, w, u); n != int64(i+1) {
					t.Errorf("%q: %d tries counted, want %d", f(mail.Code), n, i+1)
				}
			}
			denied(t, w, u, "odd forms")
			left(t, p.Code(" "+mail.Code[:2]+" "+mail.Code[2:4]+"-"+mail.Code[4:]))
			if pg := p.Code(mail.Code); pg.Left != nil && gotSession(pg) {
				t.Error("the code works in a second form")
			}
		}
	})
}

func fullWidth(c string) string { return digitsFrom(c, '０') }
func arabic(c string) string    { return digitsFrom(c, '٠') }

func digitsFrom(c string, zero rune) string {
	return strings.Map(func(r rune) rune { return r - '0' + zero }, c)
}

// guard: web.ParseForm refuses a field given twice
func TestATK010_TypeConfusionAndEmpties(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		bodies := func(right string) []url.Values {
			many := url.Values{}
			for i := range 999 {
				many.Add("code", rig.Digits(i*7, 6))
			}
			many.Add("code", right)
			return []url.Values{
				{}, form("code", ""), form("code[]", right), form("code", strings.Repeat("0", 10000)),
				{"code": {"999999", right}}, {"code": {right, "999999"}}, many, form("CODE", right),
				form("code", "true"), form("code", `{"$ne":null}`),
			}
		}
		for batch := range slices.Chunk([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 4) {
			u := w.Covered(t).User(t)
			p := w.Person(t)
			mail := p.ToCode(t, w.Dashboard(t), u)
			for i, n := range batch {
				pg := p.Post(rig.PathCode, bodies(mail.Code)[n])
				if pg.Status != 400 && pg.Status != 401 && pg.Status != 422 {
					t.Errorf("body %d: status %d", n, pg.Status)
				}
				if used := judged(t, w, u); used > int64(i+1) {
					t.Errorf("body %d: %d tries used after %d requests", n, used, i+1)
				}
			}
			denied(t, w, u, "malformed answers")
			notForms(t, p, mail.Code)
			denied(t, w, u, "other media types")
		}
	})
}

// notForms sends the right code in bodies that are not forms.
func notForms(t *testing.T, p *rig.Person, right string) {
	t.Helper()
	for media, body := range map[string]string{
		"application/json": `{"code":"` + right + `"}`, "text/plain": "code=" + right, "": "code=" + right,
		"multipart/form-data; boundary=x": "--x\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n" + right +
			"\r\n--x--\r\n",
	} {
		req := p.Request(http.MethodPost, rig.PathCode, nil)
		req.Body, req.ContentLength = readCloser(body), int64(len(body))
		req.Header.Set("Content-Type", media)
		if pg := p.Send(req); pg.Status != 415 || gotSession(pg) {
			t.Errorf("%q: status %d", media, pg.Status)
		}
	}
}

var spoofs = []http.Header{
	{"X-Forwarded-For": {"198.51.100.%d"}}, {"X-Real-Ip": {"198.51.100.%d"}}, {"Forwarded": {"for=198.51.100.%d"}},
	{"True-Client-Ip": {"198.51.100.%d"}}, {"X-Forwarded-For": {" "}}, {"X-Forwarded-For": {"a", "198.51.100.%d"}},
	{"X-Forwarded-For": {"2001:db8::%d"}}, {"Cf-Connecting-Ip": {"198.51.100.%d"}},
}

func spoof(i int) http.Header {
	h := http.Header{}
	for name, values := range spoofs[i%len(spoofs)] {
		for _, v := range values {
			h.Add(name, strings.ReplaceAll(v, "%d", strconv.Itoa(i+1)))
		}
	}
	return h
}

// guard: web.clientIP believes only trusted proxies
func TestATK011_ForwardedHeadersDoNotEscapeALimit(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		p := w.Person(t)
		refused := guessUnknown(t, w, p, 56, func(i int) { p.Extra = spoof(i) })
		if refused < 4 {
			t.Errorf("%d of 56 tries on unknown accounts were refused", refused)
		}
	})
}

// guessUnknown tries one password on n unknown accounts and counts the refusals.
func guessUnknown(t *testing.T, w *rig.World, p *rig.Person, n int, before func(int)) (refused int) {
	t.Helper()
	for i := range n {
		before(i)
		pg := p.Post(rig.PathPassword,
			form("to", "", "email", w.Unique("nobody")+"@people.example.test", "password", "Summer2026!Summer2026!"))
		switch pg.Status {
		case 429:
			refused++
		case 401:
		default:
			t.Fatalf("status %d", pg.Status)
		}
	}
	return refused
}

// guard: password.device has a budget of its own; password.account never exceeds 15 minutes
func TestATK012_AStrangerCannotLockAPersonOut(t *testing.T) {
	timed(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		known := w.Person(t)
		known.SignInRemembered(t, w.Dashboard(t), u)
		known.Post(rig.PathSignOut, url.Values{})
		for i := range 40 {
			stranger := w.Person(t)
			stranger.Post(rig.PathPassword, form("email", u.Email, "password", fmt.Sprintf("wrong password %d", i)))
			if i%4 == 3 {
				w.Advance(t, time.Minute)
			}
		}
		slowed := false
		for i := 0; i < 20 && !slowed; i++ {
			slowed = w.Person(t).Post(rig.PathPassword,
				form("email", u.Email, "password", "one more wrong one")).Status == 429
		}
		known.Visit(w.Dashboard(t).Visit())
		if left(t, known.Password(u.Email, u.Password)); !slowed {
			t.Error("strangers are not slowed down")
		}

		fresh := w.Person(t)
		fresh.Visit(w.Dashboard(t).Visit())
		if pg := fresh.Password(u.Email, u.Password); pg.Status == 429 {
			wait, err := strconv.Atoi(pg.Header.Get("Retry-After"))
			if err != nil || wait > 15*60 {
				t.Fatalf("a new browser must wait %q", pg.Header.Get("Retry-After"))
			}
			w.Advance(t, time.Duration(wait+1)*time.Second)
			fresh.Visit(w.Dashboard(t).Visit())
			fresh.Password(u.Email, u.Password)
		}
		atCode(t, fresh.Page)
		left(t, fresh.Code(codeMail(t, w, u, 2).Code))
	})
}

// guard: nothing is compared while a budget is spent
func TestATK014_ALockedAccountIsNoOracle(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		mail := p.ToCode(t, w.Dashboard(t), u)
		for i := range 5 {
			p.Code(wrongCode(mail.Code, i))
		}
		wrong, right := p.Code(wrongCode(mail.Code, 99)), p.Code(mail.Code)
		if wrong.Status != right.Status || wrong.Shape() != right.Shape() {
			t.Errorf("a right code answers differently: %d %d", wrong.Status, right.Status)
		}
		denied(t, w, u, "dead code")

		v, stranger := w.Covered(t).User(t), w.Person(t)
		for i := range 8 {
			stranger.Post(rig.PathPassword, form("email", v.Email, "password", "wrong password "+strconv.Itoa(i)))
		}
		no := stranger.Post(rig.PathPassword, form("email", v.Email, "password", "one more wrong one"))
		yes := stranger.Post(rig.PathPassword, form("email", v.Email, "password", v.Password))
		if no.Status != 429 || yes.Status != 429 || no.Shape() != yes.Shape() {
			t.Errorf("a right password answers differently while locked: %d %d", no.Status, yes.Status)
		}
	})
}

// guard: password.source
func TestATK016_Spray(t *testing.T) {
	each(t, func(t *testing.T, w *rig.World) {
		u := w.Covered(t).User(t)
		p := w.Person(t)
		if refused := guessUnknown(t, w, p, 55, func(int) {}); refused < 4 {
			t.Errorf("%d of 55 tries from one source were refused", refused)
		}
		someone := w.Person(t)
		someone.Visit(w.Dashboard(t).Visit())
		atCode(t, someone.Password(u.Email, u.Password))
	})
}
