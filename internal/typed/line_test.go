package typed_test

import (
	"errors"
	"strings"
	"testing"

	"countersign/internal/typed"
)

func TestLineTakesWhatPeopleAreCalled(t *testing.T) {
	for in, want := range map[string]string{
		"  Maya \t Okafor ": "Maya Okafor", "O’Brien-Łuczak, Jr.": "O’Brien-Łuczak, Jr.", "Jose\u0301": "José",
		"محمد": "محمد", "שרה לוי": "שרה לוי",
		"می\u200cخواهم": "می\u200cخواهم", "क्\u200dष": "क्\u200dष", "ශ්\u200dරී": "ශ්\u200dරී", "Мария": "Мария",
		"李小龍": "李小龍", "ก้อย": "ก้อย",
		"📱 Phone": "📱 Phone", "❤\ufe0f": "❤\ufe0f", "👩\u200d💻 Laptop": "👩\u200d💻 Laptop", "👩🏽\u200d💻": "👩🏽\u200d💻",
		"🏳\ufe0f\u200d🌈": "🏳\ufe0f\u200d🌈", "1\ufe0f\u20e3": "1\ufe0f\u20e3",
		"Work · Laptop": "Work · Laptop", "ダグ・エンゲルバート": "ダグ・エンゲルバート", "a\u3000b": "a b", "": "",
	} {
		if got, err := typed.Line(in); err != nil || got != want {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
}

// TestLineNamesWhatCannotBeSeen: guard: problemOf
func TestLineNamesWhatCannotBeSeen(t *testing.T) {
	for in, want := range map[string]string{
		"Anna\u200b":     "an invisible character at position 5 (U+200B)",
		"  \u202eanna":   "an invisible character at position 1 (U+202E)",
		"a\u2066b\u2069": "an invisible character at position 2 (U+2066)",
		"x\ufeff":        "an invisible character at position 2 (U+FEFF)",
		"a\u00adb":       "an invisible character at position 2 (U+00AD)",
		"An\u200dna":     "an invisible character at position 3 (U+200D)",
		"An\u200cna":     "an invisible character at position 3 (U+200C)",
		"\u3164":         "an invisible character at position 1 (U+3164)",
		"a\u2800":        "an invisible character at position 2 (U+2800)",
		"a\ufe0f":        "an invisible character at position 2 (U+FE0F)",
		"❤\ufe0f\ufe0f":  "an invisible character at position 3 (U+FE0F)",
		"📱\u200d":        "an invisible character at position 2 (U+200D)",
		"a\U000e0041":    "an invisible character at position 2 (U+E0041)",
		"a\x07":          "a control character at position 2 (U+0007)",
		"a\x1b[2J":       "a control character at position 2 (U+001B)",
		"a\ue000":        "an unassigned character at position 2 (U+E000)",
		"a\U000e0fff":    "an unassigned character at position 2 (U+E0FFF)",
		"a\xff":          "a broken character at position 2 (U+FFFD)",
		"a\u115f":        "an invisible character at position 2 (U+115F)",
	} {
		_, err := typed.Line(in)
		var p *typed.Problem
		if !errors.As(err, &p) || err.Error() != want {
			t.Errorf("%+q: %v, want %s", in, err, want)
		}
	}
	if err := typed.Plain("می\u200cخواهم"); err == nil {
		t.Error("a joiner in an address")
	}
}

func FuzzLine(f *testing.F) {
	f.Add("می\u200cخواهم 👩\u200d💻")
	f.Fuzz(func(t *testing.T, s string) {
		once, err := typed.Line(s)
		if err != nil {
			return
		}
		if again, err := typed.Line(once); err != nil || again != once {
			t.Errorf("%+q is %+q and then %+q, %v", s, once, again, err)
		}
		if strings.ContainsAny(once, "\u200b\u202e\u2066\ufeff\n\x00") {
			t.Errorf("%+q is %+q", s, once)
		}
	})
}
