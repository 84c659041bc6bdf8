package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"countersign/internal/authenticator/totp"
)

// mobile is the one telephone of everyone in the demo: text messages by way of the
// gateway, an authenticator app, and the sheets of backup codes that lie beside it.
type mobile struct {
	file string // where it keeps what it knows, in the demo's own directory

	mu     sync.Mutex
	held   held
	serial int
}

// held is what a telephone and a drawer keep.
type held struct {
	Apps   []appOnPhone
	Sheets []sheetOfCodes
}

// appOnPhone is one account in the authenticator app.
type appOnPhone struct {
	ID int
	totp.App
	Whose string // in the demo's words; empty for what visitors have added
}

// sheetOfCodes are someone's printed backup codes.
type sheetOfCodes struct {
	Whose string
	Codes []string
}

const mostApps = 50

// newMobile takes up what an earlier demo in the same directory has left.
func newMobile(dir string) (*mobile, error) {
	m := &mobile{file: filepath.Join(dir, "telephone.json")}
	raw, err := os.ReadFile(m.file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &m.held); err != nil {
		return nil, fmt.Errorf("read %s: %w", m.file, err)
	}
	for _, a := range m.held.Apps {
		m.serial = max(m.serial, a.ID)
	}
	return m, nil
}

// change runs fn and keeps what it leaves.
func (m *mobile) change(fn func(h *held)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	fn(&m.held)
	raw, err := json.Marshal(m.held)
	if err != nil {
		return err
	}
	return os.WriteFile(m.file, raw, 0o600)
}

// add puts an account into the app; the same one twice stays one.
func (m *mobile) add(a totp.App, whose string) error {
	return m.change(func(h *held) {
		for _, known := range h.Apps {
			if string(known.Secret) == string(a.Secret) {
				return
			}
		}
		m.serial++
		h.Apps = append(h.Apps, appOnPhone{m.serial, a, whose})
		if len(h.Apps) > mostApps {
			h.Apps = h.Apps[1:]
		}
	})
}

func (m *mobile) remove(id int) error {
	return m.change(func(h *held) {
		for i, a := range h.Apps {
			if a.ID == id {
				h.Apps = append(h.Apps[:i:i], h.Apps[i+1:]...)
				return
			}
		}
	})
}

func (m *mobile) print(s sheetOfCodes) error {
	return m.change(func(h *held) { h.Sheets = append(h.Sheets, s) })
}

func (m *mobile) holds() held {
	m.mu.Lock()
	defer m.mu.Unlock()
	return held{append([]appOnPhone(nil), m.held.Apps...), append([]sheetOfCodes(nil), m.held.Sheets...)}
}

// mobilePage is the telephone as people see it.
type mobilePage struct {
	Back    string
	Moods   []moodView
	Texts   []textView
	Apps    []appView
	Sheets  []sheetOfCodes
	Typed   string // what could not be read
	Problem string
}

type textView struct {
	text
	Name  string
	Clock string
	Code  string // the code in it, to copy; empty where there is none
}

type appView struct {
	appOnPhone
	First, Second string // halves of the code
	Left          int    // seconds
	Width         int    // of the bar, in percent
}

func (d *Demo) showMobile(w http.ResponseWriter, _ *http.Request) error {
	return d.drawMobile(w, http.StatusOK, mobilePage{})
}

func (d *Demo) drawMobile(w http.ResponseWriter, status int, p mobilePage) error {
	p.Back = d.URL
	for _, m := range signals {
		p.Moods = append(p.Moods, moodView{m, m.ID == d.gateway.currently()})
	}
	for _, t := range d.gateway.newestFirst() {
		p.Texts = append(p.Texts, textView{
			text:  t,
			Name:  nameByNumber(t.To),
			Clock: t.At.Format("15:04:05 UTC"),
			Code:  codeIn(t.Body),
		})
	}
	now, h := d.house.DB.Now(), d.mobile.holds()
	for _, a := range h.Apps {
		code, left := a.Code(now)
		p.Apps = append(p.Apps,
			appView{a, code[:3], code[3:], int(left / time.Second), int(left * 100 / (30 * time.Second))})
	}
	p.Sheets = h.Sheets
	return d.hall.draw(w, status, "mobile", p)
}

// addApp is what a phone's camera would do.
func (d *Demo) addApp(w http.ResponseWriter, r *http.Request) error {
	typed := r.PostFormValue("key")
	a, err := totp.ReadApp(typed)
	if err != nil {
		return d.drawMobile(w, http.StatusUnprocessableEntity,
			mobilePage{Typed: typed,
				Problem: "That is neither a key nor an otpauth:// address. On the set-up page, copy the key, and paste it here whole."})
	}
	if err := d.mobile.add(a, ""); err != nil {
		return err
	}
	http.Redirect(w, r, "/mobile#apps", http.StatusSeeOther)
	return nil
}

func (d *Demo) removeApp(w http.ResponseWriter, r *http.Request) error {
	id, _ := strconv.Atoi(r.PostFormValue("id"))
	if err := d.mobile.remove(id); err != nil {
		return err
	}
	http.Redirect(w, r, "/mobile#apps", http.StatusSeeOther)
	return nil
}

func (d *Demo) setSignal(w http.ResponseWriter, r *http.Request) error {
	d.gateway.behave(r.FormValue("mood"))
	http.Redirect(w, r, "/mobile", http.StatusSeeOther)
	return nil
}

// codeIn is the code of a text, from the line that browsers read.
func codeIn(body string) string {
	_, code, _ := strings.Cut(body[strings.LastIndexByte(body, '\n')+1:], " #")
	return code
}
