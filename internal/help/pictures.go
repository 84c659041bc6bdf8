package help

import (
	"embed"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The pictures are drawn from the storybook: see TestPicturesShowTheProduct there.
//
//go:embed pictures
var pictures embed.FS

// Picture is one that the help shows.
type Picture struct {
	Story string // the page of the storybook that it shows
	Lang  string
	File  string // its name below internal/help/pictures
}

// Pictures are all that the help shows in some languages.
func Pictures(langs []string) []Picture {
	var out []Picture
	for _, t := range topics {
		for _, lang := range langs {
			if t.Story != "" {
				out = append(out, Picture{t.Story, lang, pictureFile(t, lang)})
			}
		}
	}
	return out
}

func pictureFile(t topic, lang string) string { return t.Name + "." + lang + ".webp" }

const day = 24 * 60 * 60 // seconds

func (h *Help) picture(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if !strings.HasSuffix(name, ".webp") {
		return errNoTopic
	}
	b, err := pictures.ReadFile("pictures/" + name)
	if err != nil {
		return errNoTopic.Because(err)
	}
	w.Header().Set("Content-Type", "image/webp")
	w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(day))
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("send a picture: %w", err)
	}
	return nil
}
