// Package wordlists holds the estimator's word lists back until the first new password is
// judged: the lists and the tables of them take 12 MB, which a server that only signs people
// in never needs. It refuses to hold back a list that it could not read again.
//
// It must import nothing of the estimator but the lists. Go prepares a package as soon as
// what it imports is ready, and of several the first by path: ours comes before the
// estimator's own, which then finds no lists and looks again when it is used. Should that
// order ever change, the tables are made at the start as they would be without this package.
package wordlists

import (
	"encoding/json"
	"fmt"

	"github.com/ccojocar/zxcvbn-go/data"
	"github.com/ccojocar/zxcvbn-go/frequency"
)

// files are where the estimator reads its lists from.
var files = map[string]string{
	"MaleNames": "data/MaleNames.json", "FemaleNames": "data/FemaleNames.json", "Surname": "data/Surnames.json",
	"English": "data/English.json", "Passwords": "data/Passwords.json",
}

// held is how many lists are held back.
var held = hold()

func hold() (n int) {
	for name := range frequency.Lists {
		if files[name] != "" {
			delete(frequency.Lists, name)
			n++
		}
	}
	return n
}

// Load reads the lists again and has use, the estimator's first use, make its tables of them.
// No one else may use the estimator before or meanwhile.
func Load(use func()) error {
	for name, file := range files {
		raw, err := data.Asset(file)
		if err != nil {
			return fmt.Errorf("word list %s: %w", name, err)
		}
		list := frequency.List{Name: name}
		if err := json.Unmarshal(raw, &list); err != nil {
			return fmt.Errorf("word list %s: %w", name, err)
		}
		frequency.Lists[name] = list
	}
	use()
	clear(frequency.Lists)
	return nil
}
