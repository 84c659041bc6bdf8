package web

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"countersign/internal/locale"
)

//go:embed templates
var templateFiles embed.FS

// pageSet is every page in one language.
type pageSet struct {
	base   func() (*template.Template, error) // the shared layout
	byName map[string]*lazyTemplate
}

// pages finds every page, speaking p. None is read before it is drawn for the first time: a start would read several
// hundred in every language, to draw a few of them.
func (w *Web) pages(p *locale.Printer) (*pageSet, error) {
	funcs := w.funcs(p)
	set := &pageSet{byName: map[string]*lazyTemplate{}}
	set.base = sync.OnceValues(func() (*template.Template, error) {
		return template.New("").Option("missingkey=error").Funcs(funcs).ParseFS(templateFiles, "templates/*.html")
	})
	if err := set.add("web", templateFiles, "templates/web/*.html", funcs); err != nil {
		return nil, err
	}
	for owner, files := range w.Templates {
		if err := set.add(owner, files, "templates/*.html", funcs); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// add finds the pages of one package, each to be drawn with a copy of the shared layout. A page is called by the name
// of its package and its own.
func (s *pageSet) add(owner string, files fs.FS, pattern string, funcs template.FuncMap) error {
	paths, err := fs.Glob(files, pattern)
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return fmt.Errorf("%s has no pages", owner)
	}
	for _, file := range paths {
		s.byName[owner+"/"+strings.TrimSuffix(path.Base(file), ".html")] = &lazyTemplate{
			base:  s.base,
			files: files,
			path:  file,
			funcs: funcs,
		}
	}
	return nil
}

func (s *pageSet) named(name string) (*template.Template, error) {
	if l, ok := s.byName[name]; ok {
		return l.prepared()
	}
	return nil, fmt.Errorf("no template %q", name)
}

// CheckPages finds, in any language, a template that is none, a sentence that there is not, or a value where
// html/template cannot say how it must be escaped, on every page and in each of its branches.
func (w *Web) CheckPages() error {
	var all []error
	for lang, set := range w.templates {
		for name := range set.byName {
			if _, err := set.named(name); err != nil {
				all = append(all, fmt.Errorf("%s in %s: %w", name, lang, err))
			}
		}
	}
	return errors.Join(all...)
}

// funcs are the words that templates may use besides Go's own.
func (w *Web) funcs(p *locale.Printer) template.FuncMap {
	return template.FuncMap{
		"t":         func(key string, args ...any) (string, error) { return say(p, key, args) },
		"rich":      func(key string, args ...any) (template.HTML, error) { return rich(p, key, args) },
		"asset":     w.assets.url,
		"time":      p.Time,
		"clock":     p.Clock,
		"date":      p.Date,
		"duration":  p.Duration,
		"minutes":   func(n int) time.Duration { return time.Duration(n) * time.Minute },
		"instant":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"language":  func(lang string) (string, error) { return say(w.Catalog.In(lang), "language.name", nil) },
		"moment":    func(t time.Time) template.HTML { return moment(t, "", p.Time(t)) },
		"ago":       func(t time.Time) template.HTML { return moment(t, " data-ago", p.Time(t)) },
		"hour":      func(t time.Time) template.HTML { return moment(t, " data-clock", p.Clock(t)) },
		"languages": sync.OnceValues(func() (template.HTML, error) { return w.languages(p) }),
		"with":      with,
	}
}

// moment is an instant in words, and for programs.
func moment(t time.Time, attribute, words string) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `"` + attribute + `>` +
		template.HTMLEscapeString(words) + `</time>`) //nolint:gosec // escaped, and digits
}

// languages are the buttons of the language switch.
func (w *Web) languages(p *locale.Printer) (template.HTML, error) {
	var b strings.Builder
	for _, lang := range w.Catalog.Languages() {
		name, err := say(w.Catalog.In(lang), "language.name", nil)
		if err != nil {
			return "", err
		}
		current := ""
		if lang == p.Lang() {
			current = ` aria-current="true"`
		}
		tag := template.HTMLEscapeString(lang)
		fmt.Fprintf(&b, "\n<button name=\"lang\" value=\"%s\" lang=\"%s\"%s>%s</button>", tag, tag, current,
			template.HTMLEscapeString(name))
	}
	return template.HTML(b.String()), nil //nolint:gosec // escaped above
}

// say fails on an unknown key, so that no page ever shows one. Hyphens inside the sentence's own
// words do not break a line; those of values, which people may copy, stay as they are.
func say(p *locale.Printer, key string, args []any) (string, error) {
	if !p.Has(key) {
		return "", fmt.Errorf("no sentence %q in %s", key, p.Lang())
	}
	marked := slices.Clone(args)
	var swap []string
	for i := 1; i < len(args); i += 2 {
		if value, ok := args[i].(string); ok {
			mark := fmt.Sprintf("\x01%d\x01", i)
			marked[i], swap = mark, append(swap, mark, value)
		}
	}
	said := unbroken(p.T(key, marked...))
	if len(swap) == 0 {
		return said, nil
	}
	return strings.NewReplacer(swap...).Replace(said), nil
}

// unbroken writes hyphens between letters or digits as such that do not break a line (U+2011).
func unbroken(s string) string {
	if !strings.Contains(s, "-") {
		return s
	}
	in := []rune(s)
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for i := 1; i+1 < len(in); i++ {
		if in[i] == '-' && word(in[i-1]) && word(in[i+1]) {
			in[i] = '\u2011'
		}
	}
	return string(in)
}

// rich says a sentence whose values stand out. The sentence and every value are escaped;
// bdi keeps a name in another script from rearranging the words around it. An instant becomes
// an element that the page's script puts into the reader's own time.
func rich(p *locale.Printer, key string, args []any) (template.HTML, error) {
	marked := slices.Clone(args)
	var swap []string
	for i := 1; i < len(args); i += 2 {
		if args[i-1] == "Count" {
			continue
		}
		mark := fmt.Sprintf("\x00%d\x00", i)
		marked[i], swap = mark, append(swap, mark, standOut(p, args[i]))
	}
	s, err := say(p, key, marked)
	if err != nil {
		return "", err
	}
	// html/template would turn the marks' NUL into U+FFFD, so plain escaping happens in parts.
	//nolint:gosec // escaped above
	return template.HTML(strings.NewReplacer(swap...).Replace(escapeKeepingMarks(s))), nil
}

// standOut draws one value of a sentence.
func standOut(p *locale.Printer, value any) string {
	if t, ok := value.(time.Time); ok {
		return string(moment(t, "", p.Time(t)))
	}
	text := fmt.Sprint(value)
	if strings.HasPrefix(text, "+") { // a telephone number stays in one line
		text = strings.ReplaceAll(text, " ", "\u00a0")
	}
	return "<strong><bdi>" + template.HTMLEscapeString(text) + "</bdi></strong>"
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func escapeKeepingMarks(s string) string { return escaper.Replace(s) }

// with makes the small maps that partial templates are called with.
func with(args ...any) (map[string]any, error) {
	if len(args)%2 != 0 {
		return nil, fmt.Errorf("with: %d arguments", len(args))
	}
	m := make(map[string]any, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		m[fmt.Sprint(args[i])] = args[i+1]
	}
	return m, nil
}
