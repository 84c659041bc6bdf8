package demo

import (
	"io"
	"net/http"
	"strconv"
)

// inboxPage shows what has arrived, newest first, and one letter.
type inboxPage struct {
	Back    string
	Moods   []moodView
	Letters []letterView
	Open    *letterView
	As      string // page, text or source
}

type moodView struct {
	mood
	Now bool
}

type letterView struct {
	letter
	Name    string // of the person it is for
	Clock   string
	Current bool
}

func (d *Demo) showInbox(w http.ResponseWriter, r *http.Request) error {
	p := inboxPage{Back: d.URL, As: "page"}
	if as := r.FormValue("as"); as == "text" || as == "source" {
		p.As = as
	}
	for _, m := range moods {
		p.Moods = append(p.Moods, moodView{m, m.ID == d.mail.currently()})
	}
	wanted, _ := strconv.Atoi(r.FormValue("mail"))
	for i, l := range d.mail.newestFirst() {
		v := letterView{letter: l, Name: nameByEmail(l.To), Clock: l.At.Format("15:04:05 UTC")}
		v.Current = l.ID == wanted || wanted == 0 && i == 0
		p.Letters = append(p.Letters, v)
		if v.Current {
			p.Open = &p.Letters[i]
		}
	}
	if p.Open != nil {
		open := *p.Open
		p.Open = &open
	}
	return d.hall.draw(w, http.StatusOK, "inbox", p)
}

// nameByEmail is the name of the person with an address, or the address.
func nameByEmail(email string) string {
	return findName(email, func(p person) bool { return p.Email == email })
}

// nameByNumber is the name of the person who got a number at the start, or the number.
func nameByNumber(number string) string {
	return findName(number, func(p person) bool { return p.Number == number })
}

func findName(fallback string, is func(p person) bool) string {
	if is(operator) {
		return operator.Name
	}
	for _, c := range companies {
		for _, p := range c.People {
			if is(p) {
				return p.Name
			}
		}
	}
	return fallback
}

// letterPolicy is for a mail in a frame. A mail styles itself inline; it runs nothing and
// loads nothing.
const letterPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; " +
	"sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"

func (d *Demo) showLetter(w http.ResponseWriter, r *http.Request) error {
	id, _ := strconv.Atoi(r.PathValue("id"))
	for _, l := range d.mail.newestFirst() {
		if l.ID == id {
			w.Header().Set("Content-Security-Policy", letterPolicy)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, err := io.WriteString(w, l.framed())
			return err
		}
	}
	return errNoLetter
}

var errNoLetter = &problem{http.StatusNotFound, "There is no such mail. The inbox keeps the newest two hundred."}

func (d *Demo) setMood(w http.ResponseWriter, r *http.Request) error {
	d.mail.behave(r.FormValue("mood"))
	http.Redirect(w, r, "/inbox", http.StatusSeeOther)
	return nil
}
