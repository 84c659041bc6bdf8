// Commonwords prints the words and passwords that passwords are made of most often, for
// internal/authenticator/password:
//
//	go run ./scripts/commonwords | gzip -9n > internal/authenticator/password/common_words.gz
//
// Each line has the words of one rank in several lists, the most common first. The lists are those of zxcvbn,
// in the copy of zxcvbn-go (MIT licence, see common_words.LICENSE there).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	module = "github.com/ccojocar/zxcvbn-go@v1.0.4"
	most   = 20_000 // words of one list
)

var lists = []string{"Passwords", "English", "MaleNames", "FemaleNames", "Surnames"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	folder, err := download()
	if err != nil {
		return fmt.Errorf("download %s: %w", module, err)
	}
	ranks := make([][]string, most)
	seen := map[string]bool{}
	var all [][]string
	for _, name := range lists {
		words, err := read(filepath.Join(folder, "data", "data", name+".json"))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, words[:min(most, len(words))])
	}
	for rank := range ranks {
		for _, words := range all {
			if rank < len(words) && len(words[rank]) > 1 && !seen[words[rank]] {
				seen[words[rank]] = true
				ranks[rank] = append(ranks[rank], words[rank])
			}
		}
	}
	out := bufio.NewWriter(os.Stdout)
	for _, words := range ranks {
		fmt.Fprintln(out, strings.Join(words, " "))
	}
	return out.Flush()
}

func download() (folder string, err error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", err
	}
	var m struct{ Dir string }
	return m.Dir, json.Unmarshal(out, &m)
}

func read(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct{ List []string }
	return file.List, json.Unmarshal(raw, &file)
}
