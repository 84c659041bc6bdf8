package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// commonWords are the words that passwords are made of most often, made by scripts/commonwords: each line
// has the words of one rank, the most common first.
//
//go:embed common_words.gz
var commonWords []byte

const (
	judgedLength = 64 // characters; a longer text is judged by its beginning
	longestWord  = 24
	fewGuesses   = 1e8
)

// rows are characters that people type one after the other, forwards and backwards.
var rows = []string{
	"abcdefghijklmnopqrstuvwxyz",
	"01234567890",
	"qwertyuiop",
	"qwertzuiop",
	"azertyuiop",
	"asdfghjkl",
	"zxcvbnm",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"1q2w3e4r5t6y7u8i9o0p",
	"q1w2e3r4t5y6u7i8o9p0",
}

// signs and digits are what people write in place of letters, and shifted is the row of digits with the shift key.
var (
	shifted = strings.NewReplacer("!", "1", "@", "2", "#", "3", "$", "4", "%", "5", "^", "6", "&", "7", "*", "8",
		"(", "9", ")", "0")
	signs  = strings.NewReplacer("@", "a", "$", "s", "!", "i")
	digits = strings.NewReplacer("4", "a", "3", "e", "1", "i", "0", "o", "5", "s", "7", "t")
)

// wordRanks is read when the first new password is judged: a server that only signs people in never needs it.
var wordRanks = sync.OnceValues(func() (map[string]int, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(commonWords))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		return nil, err
	}
	ranks := map[string]int{}
	for i, line := range strings.Split(string(text), "\n") {
		for word := range strings.FieldsSeq(line) {
			ranks[word] = i + 1
		}
	}
	return ranks, nil
})

// common reports whether fewer than 10⁸ guesses are enough for someone who tries common words, names, rows of
// keys and the person's own words, one after the other and the most common first. A text that repeats itself is
// judged once.
func isCommon(plain string, own []string) (bool, error) {
	ranks, err := wordRanks()
	if err != nil {
		return false, err
	}
	rank := func(word string) int {
		if slices.Contains(own, word) {
			return 1
		}
		return ranks[word]
	}
	lower := withoutRepeats(strings.ToLower(plain))
	if r := []rune(lower); len(r) > judgedLength {
		lower = string(r[:judgedLength])
	}
	for _, text := range []string{lower, signs.Replace(lower), shifted.Replace(lower)} {
		if guesses([]rune(text), rank) < fewGuesses {
			return true, nil
		}
	}
	return false, nil
}

// withoutRepeats returns the part that a text repeats from beginning to end, or the text itself.
func withoutRepeats(text string) string {
	r := []rune(text)
	for n := 1; n <= len(r)/2; n++ {
		if strings.HasPrefix(strings.Repeat(string(r[:n]), len(r)/n+1), text) {
			return string(r[:n])
		}
	}
	return text
}

// guesses returns the least product of ranks for the words that a text can be cut into. A character that is part
// of no word takes 36 guesses if it is a letter or a picture, and 10 if it is a digit, a space or a sign.
func guesses(text []rune, rank func(string) int) float64 {
	least := make([]float64, len(text)+1)
	least[0] = 1
	for end := 1; end <= len(text); end++ {
		least[end] = least[end-1] * guessesForRune(text[end-1])
		for begin := max(0, end-longestWord); begin <= end-2; begin++ {
			if n := partGuesses(string(text[begin:end]), rank); n > 0 {
				least[end] = math.Min(least[end], least[begin]*float64(n))
			}
		}
	}
	return least[len(text)]
}

func guessesForRune(r rune) float64 {
	if unicode.IsLetter(r) || unicode.Is(unicode.So, r) {
		return 36
	}
	return 10
}

// partGuesses returns the rank of a word, or about how many repeated characters or rows of keys there are to try.
// It returns 0 for anything else.
func partGuesses(part string, rank func(string) int) int {
	n := rank(part)
	if n == 0 {
		n = 2 * rank(digits.Replace(part))
	}
	if row := rowGuesses(part); row > 0 && (n == 0 || row < n) {
		return row
	}
	return n
}

func rowGuesses(part string) int {
	if utf8.RuneCountInString(part) < 3 {
		return 0
	}
	if first, _ := utf8.DecodeRuneInString(part); strings.Trim(part, string(first)) == "" {
		return 36
	}
	for _, row := range rows {
		if strings.Contains(row, part) || strings.Contains(row, reversed(part)) {
			return 100
		}
	}
	return 0
}

func reversed(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}
