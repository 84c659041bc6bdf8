package desk

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"countersign/internal/access"
	"countersign/internal/authenticator"
	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/methodtext"
	"countersign/internal/pages"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

const whyPath = "/desk/why"

func (d *Desk) mountWhy(mux *web.Mux) {
	mux.Get(whyPath, d.looking(d.showWhyTexts))
	of := whyPath + "/{language}"
	mux.Get(of, d.looking(d.showWhyText))
	// Not changing: what was typed must not be lost to a step-up. The journey asks for the proof.
	mux.Post(of, d.looking(d.require(access.ChangeInstallation, d.changeWhyText)))
	mux.Get(of+"/confirm", d.changing(d.confirmed))
}

// whyTextsPage lists the languages, and in which of them the vendor has words of its own.
type whyTextsPage struct {
	frame
	Texts []tenant.WhyText
}

func (whyTextsPage) View() web.View { return web.View{Template: "desk/why_texts"} }

// First is the beginning of a text.
func (whyTextsPage) First(t tenant.WhyText) string {
	if all := tenant.Paragraphs(t.Body); len(all) > 0 {
		return locale.Line(all[0], 120)
	}
	return ""
}

func (d *Desk) showWhyTexts(w http.ResponseWriter, r *http.Request, m *member) error {
	texts, err := d.Company.WhyTexts(r.Context(), m.Actor)
	if err != nil {
		return err
	}
	return d.Web.Draw(w, r, http.StatusOK, whyTextsPage{frameOf(r, "why"), texts})
}

// whyTextPage shows and edits the vendor's words in one language.
type whyTextPage struct {
	frame
	pages.Problem
	Language  string
	Text      string          // what the form holds
	Stored    *tenant.WhyText // what someone else has stored meanwhile; nil: no one has
	Version   int64           // of what is stored
	Own       bool            // a text of the vendor's own is stored
	Preview   whyPreview
	Previewed bool // of what was typed, which is not stored
	Stale     bool // the sign-in is too long ago to save
	MayChange bool
}

func (p whyTextPage) View() web.View {
	return web.View{Template: "desk/why_text", ReturnTo: whyURL(p.Language)}
}

func whyURL(language string) string { return whyPath + "/" + language }

// Max is how many characters a text may have.
func (whyTextPage) Max() int { return tenant.MaxWhy }

// Used is how many characters the form holds; browsers send two for the end of a line.
func (p whyTextPage) Used() int {
	return utf8.RuneCountInString(strings.ReplaceAll(p.Text, "\r\n", "\n"))
}

// StoredParagraphs are what someone else has stored; none is the built-in text.
func (p whyTextPage) StoredParagraphs() []string { return tenant.Paragraphs(p.Stored.Body) }

// whyPreview is a text as people see it.
type whyPreview struct {
	Title      string
	Paragraphs []string
}

// previewOf is a text in the words of a language; an empty one is the built-in text.
func previewOf(p *locale.Printer, text string) whyPreview {
	out := whyPreview{p.T("why.title"), tenant.Paragraphs(text)}
	if len(out.Paragraphs) == 0 {
		about := methodtext.Of(authenticator.Kind(""))
		out.Paragraphs = []string{p.T("why.p1"), p.T(about.WhatItShows), p.T(about.Limits)}
	}
	return out
}

var errNoLanguage = fault.New(fault.NotFound, "error.not_found")

// storedWhy is what is stored in the language that the address names.
func (d *Desk) storedWhy(r *http.Request, m *member) (tenant.WhyText, error) {
	texts, err := d.Company.WhyTexts(r.Context(), m.Actor)
	for _, t := range texts {
		if t.Language == r.PathValue("language") {
			return t, nil
		}
	}
	if err == nil {
		err = errNoLanguage
	}
	return tenant.WhyText{}, err
}

func (d *Desk) whyTextPage(r *http.Request, m *member, stored tenant.WhyText, text string) whyTextPage {
	return whyTextPage{
		frame:     frameOf(r, "why"),
		Language:  stored.Language,
		Text:      text,
		Version:   stored.Version,
		Own:       stored.Body != "",
		Preview:   previewOf(d.Web.Catalog.In(stored.Language), text),
		MayChange: m.May(access.ChangeInstallation, access.Target{}),
	}
}

func (d *Desk) showWhyText(w http.ResponseWriter, r *http.Request, m *member) error {
	stored, err := d.storedWhy(r, m)
	if err != nil {
		return err
	}
	return d.Web.Draw(w, r, http.StatusOK, d.whyTextPage(r, m, stored, stored.Body))
}

// changeWhyText saves what was typed, shows how it looks, or goes back to the built-in text.
func (d *Desk) changeWhyText(w http.ResponseWriter, r *http.Request, m *member) error {
	stored, err := d.storedWhy(r, m)
	if err != nil {
		return err
	}
	typed := tenant.WhyText{Language: stored.Language, Body: r.PostForm.Get("text")}
	if typed.Version, err = strconv.ParseInt(r.PostForm.Get("version"), 10, 64); err != nil {
		return fault.New(fault.Invalid, "error.malformed")
	}
	done := "why"
	switch r.PostForm.Get("do") {
	case "save":
	case "preview":
		return d.previewWhyText(w, r, m, stored, typed)
	case "built_in":
		typed.Body, done = "", "built_in"
	default:
		return fault.New(fault.Invalid, "error.malformed")
	}
	if done == "why" && len(tenant.Paragraphs(typed.Body)) == 0 {
		done = "built_in"
	}
	if err := d.Company.SetWhy(r.Context(), m.Actor, typed); err != nil {
		return d.redrawWhyText(w, r, m, typed, err)
	}
	return d.Web.Redirect(w, whyURL(typed.Language)+"?done="+done)
}

// previewWhyText shows what was typed as people would see it. Nothing is stored.
func (d *Desk) previewWhyText(w http.ResponseWriter, r *http.Request, m *member, stored, typed tenant.WhyText) error {
	if _, err := tenant.CleanWhy(typed.Body); err != nil {
		return d.redrawWhyText(w, r, m, typed, err)
	}
	page := d.whyTextPage(r, m, stored, typed.Body)
	page.Version, page.Previewed = typed.Version, true
	return d.Web.Draw(w, r, http.StatusOK, page)
}

// redrawWhyText shows the form again with what was typed and what is wrong with it: also where someone else has saved
// meanwhile, and where the sign-in is too long ago.
func (d *Desk) redrawWhyText(w http.ResponseWriter, r *http.Request, m *member, typed tenant.WhyText, err error) error {
	stored, loadErr := d.storedWhy(r, m)
	if loadErr != nil {
		return loadErr
	}
	page := d.whyTextPage(r, m, stored, r.PostForm.Get("text"))
	page.Version, page.Previewed = typed.Version, true
	switch {
	case errors.Is(err, access.ErrFreshProofNeeded):
		page.Stale = true
		return d.Web.Draw(w, r, http.StatusForbidden, page)
	case fault.Is(err, fault.Outdated):
		page.Stored, page.Version = &stored, stored.Version
		return d.Web.Draw(w, r, http.StatusPreconditionFailed, page)
	}
	return d.DrawProblem(w, r, err, func(p pages.Problem) web.Page {
		page.Problem = p
		return page
	})
}

// confirmed is where someone comes back to who had to confirm who they are, in another tab than their text.
func (d *Desk) confirmed(w http.ResponseWriter, r *http.Request, m *member) error {
	stored, err := d.storedWhy(r, m)
	if err != nil {
		return err
	}
	return d.Web.Redirect(w, whyURL(stored.Language)+"?done=confirmed")
}
