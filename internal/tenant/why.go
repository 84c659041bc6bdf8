package tenant

import (
	"context"
	"strings"
	"unicode/utf8"

	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/typed"
)

// MaxWhy is how many characters the vendor's words may have in one language.
const MaxWhy = 4000

// WhyText is the vendor's own words in one language about why a second step is asked (ALO-15).
type WhyText struct {
	Language string
	Body     string // paragraphs apart by an empty line; empty: the built-in text
	Version  int64  // 0: never written
}

// Why returns the vendor's words in a language; empty: the built-in text.
func Why(ctx context.Context, tx *db.Tx, language string) (body string, err error) {
	err = tx.QueryRow(ctx, `SELECT body FROM installation_texts
		WHERE name = 'why' AND language = $1`, language).Scan(&body)
	if db.IsNoRows(err) {
		return "", nil
	}
	return body, err
}

// WhyTexts returns what was written, by language.
func WhyTexts(ctx context.Context, tx *db.Tx) (map[string]WhyText, error) {
	out := map[string]WhyText{}
	rows, err := tx.Query(ctx, `SELECT language, body, version FROM installation_texts WHERE name = 'why'`)
	err = db.ForEach(rows, err, func(row db.Row) error {
		var t WhyText
		err := row.Scan(&t.Language, &t.Body, &t.Version)
		out[t.Language] = t
		return err
	})
	return out, err
}

// SetWhy replaces the vendor's words in one language, whatever they were.
func SetWhy(ctx context.Context, tx *db.Tx, language, body string) error {
	body, err := CleanWhy(body)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO installation_texts (name, language, body, version) VALUES ('why', $1, $2, 1)
		ON CONFLICT (name, language) DO UPDATE SET body = excluded.body, version = installation_texts.version + 1`,
		language, body)
	return err
}

var errOutdated = fault.New(fault.Outdated, "text.outdated")

// ReplaceWhy replaces the text that had the version of t. It fails if someone else has saved one since.
func ReplaceWhy(ctx context.Context, tx *db.Tx, t WhyText) error {
	body, err := CleanWhy(t.Body)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO installation_texts (name, language, body, version) VALUES ('why', $1, $2, 1)
		ON CONFLICT (name, language) DO UPDATE SET body = excluded.body, version = installation_texts.version + 1
		WHERE installation_texts.version = $3`, t.Language, body, t.Version)
	if err == nil && n == 0 {
		return errOutdated
	}
	return err
}

// CleanWhy returns words as they are stored, or says what is wrong with them.
func CleanWhy(body string) (string, error) {
	body = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(body)
	body = strings.TrimSpace(body)
	if utf8.RuneCountInString(body) > MaxWhy {
		return "", fault.New(fault.Invalid, "text.too_long")
	}
	for line := range strings.Lines(body) {
		if err := typed.Visible(strings.TrimRight(line, "\n")); err != nil {
			return "", fault.New(fault.Invalid, "text.unseen").Because(err)
		}
	}
	return body, nil
}

// Paragraphs are the paragraphs of a text, or none.
func Paragraphs(text string) (out []string) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}
