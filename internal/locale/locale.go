// Package locale owns every sentence that a person reads: code holds keys, the
// catalogues beside this file hold the words. It refuses to know pages, mail or HTTP;
// an unknown key is shown as the key, so that a mistake is seen and not hidden.
package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed active.*.json
var files embed.FS

// Default is the language for browsers that ask for none of ours.
const Default = "en"

// Catalog is every sentence in every language, parsed once.
type Catalog struct {
	printers map[string]*Printer
	langs    []string
	matcher  language.Matcher
}

// New returns the embedded catalogues; a broken one fails here. They are read once in the life of a program.
func New() (*Catalog, error) { return embedded() }

var embedded = sync.OnceValues(read)

func read() (*Catalog, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list catalogues: %w", err)
	}
	c := &Catalog{printers: map[string]*Printer{}}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("read catalogue: %w", err)
		}
		lang := languageOf(e.Name())
		if err := c.load(lang, text); err != nil {
			return nil, fmt.Errorf("load catalogue %s: %w", lang, err)
		}
	}
	c.order()
	return c, nil
}

func (c *Catalog) load(lang string, text []byte) error {
	tag, err := language.Parse(lang)
	if err != nil {
		return fmt.Errorf("read the language: %w", err)
	}
	var messages map[string]json.RawMessage
	if err := json.Unmarshal(text, &messages); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	p := &Printer{
		lang:    lang,
		tag:     tag,
		fixed:   map[string]string{},
		phrases: map[string]phrase{},
	}
	for key, message := range messages {
		s, err := parsePhrase(message)
		if err != nil {
			return fmt.Errorf("message %s in %s: %w", key, lang, err)
		}
		if text, ok := s.fixed(); ok {
			p.fixed[key] = text
		} else {
			p.phrases[key] = s
		}
	}
	p.months = strings.Fields(p.T("time.months"))
	if len(p.months) != 12 {
		return fmt.Errorf("time.months has %d words", len(p.months))
	}
	c.printers[lang] = p
	c.langs = append(c.langs, lang)
	return nil
}

// Languages lists what we speak, the default first, without reading the catalogues.
func Languages() (out []string) {
	entries, _ := files.ReadDir(".") // embedded
	for _, e := range entries {
		out = append(out, languageOf(e.Name()))
	}
	defaultFirst(out)
	return out
}

func languageOf(file string) string {
	return strings.TrimSuffix(strings.TrimPrefix(file, "active."), ".json")
}

func defaultFirst(langs []string) {
	sort.Slice(langs, func(i, j int) bool {
		if (langs[i] == Default) != (langs[j] == Default) {
			return langs[i] == Default
		}
		return langs[i] < langs[j]
	})
}

// order puts the default first, because a matcher falls back to its first tag.
func (c *Catalog) order() {
	defaultFirst(c.langs)
	tags := make([]language.Tag, len(c.langs))
	for i, l := range c.langs {
		tags[i] = language.Make(l)
	}
	c.matcher = language.NewMatcher(tags)
}

// Languages lists what we speak, the default first.
func (c *Catalog) Languages() []string { return c.langs }

// Speaks reports whether lang is one of Languages, spelled exactly.
func (c *Catalog) Speaks(lang string) bool { return c.printers[lang] != nil }

// In returns the printer of lang, or of the default language.
func (c *Catalog) In(lang string) *Printer {
	if p := c.printers[lang]; p != nil {
		return p
	}
	return c.printers[Default]
}

// Wished is the first language of an app's ui_locales that we speak: tags of BCP 47,
// separated by spaces, the best first (OpenID Connect Core 3.1.2.1). A region that we have
// no text for does not matter: "es-MX" is Spanish, "pt" is Portuguese of Brazil.
func (c *Catalog) Wished(tags string) (lang string, ok bool) {
	if len(tags) > maxAccept {
		return "", false
	}
	for _, text := range strings.Fields(tags) {
		tag, err := language.Parse(text)
		if err != nil {
			continue
		}
		for _, l := range c.langs {
			if sameBase(tag, language.Make(l)) {
				return l, true
			}
		}
	}
	return "", false
}

// sameBase reports whether two tags name one language, whatever the region.
func sameBase(a, b language.Tag) bool {
	x, _ := a.Base()
	y, _ := b.Base()
	return x == y
}

// maxAccept caps what is parsed of a header that anyone may send (RFC 9110 12.5.4).
const maxAccept = 200

// For chooses by the person's own choice (a cookie), else by Accept-Language.
func (c *Catalog) For(acceptLanguage, cookie string) *Printer {
	if p := c.printers[cookie]; p != nil {
		return p
	}
	if len(acceptLanguage) > maxAccept {
		return c.printers[Default]
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return c.printers[Default]
	}
	_, i, _ := c.matcher.Match(tags...)
	return c.printers[c.langs[i]]
}
