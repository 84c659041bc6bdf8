package storybook

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/internal/help"
	"countersign/internal/web"
)

const pictures = "../help/pictures"

// drawnFile says what each picture was taken of: without it every look at a picture would need a browser.
var drawnFile = filepath.Join(pictures, "drawn.txt")

var mainPart = regexp.MustCompile(`(?s)<main>.*</main>`)

// TestPicturesShowTheProduct holds the pictures of the help to the pages that they were taken of. With -update it
// takes them anew with a browser.
func TestPicturesShowTheProduct(t *testing.T) {
	b, origin := serve(t)
	shown := help.Pictures(b.Langs)
	if len(shown) < 5*len(b.Langs) {
		t.Fatalf("only %d pictures", len(shown))
	}
	var now strings.Builder
	for _, p := range shown {
		i := slices.IndexFunc(b.Stories, func(s web.Story) bool { return s.Name == p.Story })
		if i < 0 {
			t.Fatalf("no story %s", p.Story)
		}
		page := mainPart.FindString(draw(t, b, b.Stories[i], p.Lang))
		if page == "" {
			t.Fatalf("%s has no main part", p.Story)
		}
		fmt.Fprintf(&now, "%s %x\n", p.File, sha256.Sum256([]byte(page)))
	}
	if *update {
		take(t, origin, shown)
		if err := os.WriteFile(drawnFile, []byte(now.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(drawnFile)
	if err != nil {
		t.Fatal(err)
	}
	if now.String() != string(before) {
		t.Error("pages that the help shows have changed: go test ./internal/storybook -run Pictures -update")
	}
	onlyShown(t, shown)
}

// onlyShown finds pictures that are missing and those that are shown no more.
func onlyShown(t *testing.T, shown []help.Picture) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pictures, "*.webp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range shown {
		if !slices.Contains(files, filepath.Join(pictures, p.File)) {
			t.Errorf("no picture %s", p.File)
		}
	}
	for _, file := range files {
		if !slices.ContainsFunc(shown, func(p help.Picture) bool { return p.File == filepath.Base(file) }) {
			t.Errorf("%s is shown nowhere", file)
		}
	}
}

func take(t *testing.T, origin string, shown []help.Picture) {
	t.Helper()
	folder, err := filepath.Abs(pictures)
	if err != nil {
		t.Fatal(err)
	}
	task, err := json.Marshal(map[string]any{"origin": origin, "folder": folder, "pictures": shown})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "pictures.mjs")
	cmd.Dir = nodeTools
	cmd.Env = append(os.Environ(), "CHROMIUM="+browser(t))
	cmd.Stdin = bytes.NewReader(task)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
