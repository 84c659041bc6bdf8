package password

import (
	"fmt"
	"strconv"
	"strings"

	"countersign/internal/fault"
)

// What comparing an imported hash may cost at most: about a second, and 128 MiB. Anyone can have a hash compared by
// typing a password, as often as their budgets allow. docs/operations/README.md lists the numbers.
const (
	mostHashText     = 512       // bytes of the whole text
	mostArgon2KiB    = 128 << 10 // m
	mostArgon2Passes = 10        // t
	mostArgon2Lanes  = 16        // p
	mostBcryptCost   = 14
	mostScryptBytes  = 128 << 20 // 128 times N times r
	mostScryptLanes  = 4         // p
	mostPBKDF2Rounds = 2_000_000
	mostSHACrypt     = 1_000_000 // rounds
)

// CheckImported refuses a hash that this program could not compare, and one that would take it too long.
func (p *Pool) CheckImported(hash string) error {
	if len(hash) > mostHashText {
		return fault.New(fault.Invalid, "password.unknown_hash").Because(fmt.Errorf("%d bytes", len(hash)))
	}
	digest, err := p.decoder.Decode(hash)
	if err != nil {
		return fault.New(fault.Invalid, "password.unknown_hash").Because(err)
	}
	c, known := costOf(digest.Encode())
	if !known {
		return fault.New(fault.Invalid, "password.unknown_hash").Because(fmt.Errorf("its cost cannot be read"))
	}
	if what := c.tooHigh(); what != "" {
		return fault.New(fault.Invalid, "password.costly_hash").Because(fmt.Errorf("%s is too high", what))
	}
	return nil
}

// cost is what a hash says about itself: its algorithm, and its numbers by name.
type cost struct {
	algorithm string
	of        map[string]int
}

// costOf reads a hash as it was encoded anew, so that each number is there once. Only the part with the numbers is
// read: a salt may look like one.
func costOf(encoded string) (c cost, known bool) {
	parts := strings.Split(encoded, "$")
	if len(parts) < 4 {
		return c, false
	}
	c = cost{parts[1], map[string]int{}}
	numbers := parts[2]
	if strings.HasPrefix(c.algorithm, "argon2") { // the version comes first
		numbers = parts[3]
	}
	if n, err := strconv.Atoi(numbers); err == nil {
		c.of["rounds"] = n
	}
	for pair := range strings.SplitSeq(numbers, ",") {
		name, value, _ := strings.Cut(pair, "=")
		if n, err := strconv.Atoi(value); err == nil {
			c.of[name] = n
		}
	}
	needed := c.numbers()
	for _, name := range needed {
		if n, found := c.of[name]; !found || n < 0 {
			return c, false
		}
	}
	return c, needed != nil
}

// numbers names what an algorithm's cost rests on.
func (c cost) numbers() []string {
	switch c.algorithm {
	case "argon2id", "argon2i", "argon2d":
		return []string{"m", "t", "p"}
	case "2a", "2b", "2x", "2y", "pbkdf2", "pbkdf2-sha1", "pbkdf2-sha224", "pbkdf2-sha256", "pbkdf2-sha384",
		"pbkdf2-sha512":
		return []string{"rounds"}
	case "bcrypt-sha256":
		return []string{"r"}
	case "scrypt":
		return []string{"ln", "r", "p"}
	case "5", "6": // without a number they have 5000 rounds
		return []string{}
	}
	return nil
}

// tooHigh names the number that is too high; empty where none is.
func (c cost) tooHigh() string {
	switch c.algorithm[0] {
	case 'a':
		return c.above(map[string]int{"m": mostArgon2KiB, "t": mostArgon2Passes, "p": mostArgon2Lanes})
	case '2', 'b':
		return c.above(map[string]int{"rounds": mostBcryptCost, "r": mostBcryptCost})
	case 's':
		if c.of["ln"] > 20 || c.of["r"] > mostScryptBytes>>7 || 128<<c.of["ln"]*c.of["r"] > mostScryptBytes {
			return "ln and r"
		}
		return c.above(map[string]int{"p": mostScryptLanes})
	case '5', '6':
		return c.above(map[string]int{"rounds": mostSHACrypt})
	}
	return c.above(map[string]int{"rounds": mostPBKDF2Rounds})
}

func (c cost) above(most map[string]int) string {
	for name, ceiling := range most {
		if c.of[name] > ceiling {
			return fmt.Sprintf("%s=%d", name, c.of[name])
		}
	}
	return ""
}
