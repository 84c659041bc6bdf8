package password

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"countersign/internal/fault"
)

// TestNoImportedHashIsDearerThanTheCeiling: each wrong password that someone types would cost the server as much.
// guard: tooHigh
func TestNoImportedHashIsDearerThanTheCeiling(t *testing.T) {
	p := newPool(t, 1, 1)
	bcrypt := "$2b$%02d$" + strings.Repeat("a", 22) + strings.Repeat("b", 31)
	const (
		argon2 = "$argon2id$v=19$m=%d,t=%d,p=%d$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		scrypt = "$scrypt$ln=%d,r=%d,p=%d$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
		pbkdf2 = "$pbkdf2-sha512$%d$MTIzNDU2Nzg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	)
	for hash, want := range map[string]string{
		fmt.Sprintf(argon2, 131072, 10, 16):                                           "",
		fmt.Sprintf(argon2, 131073, 1, 1):                                             "password.costly_hash",
		fmt.Sprintf(argon2, 64, 11, 1):                                                "password.costly_hash",
		fmt.Sprintf(argon2, 1024, 1, 17):                                              "password.costly_hash",
		fmt.Sprintf(bcrypt, 14):                                                       "",
		fmt.Sprintf(bcrypt, 15):                                                       "password.costly_hash",
		fmt.Sprintf(scrypt, 17, 8, 4):                                                 "",
		fmt.Sprintf(scrypt, 18, 8, 1):                                                 "password.costly_hash",
		fmt.Sprintf(scrypt, 17, 9, 1):                                                 "password.costly_hash",
		fmt.Sprintf(scrypt, 14, 8, 5):                                                 "password.costly_hash",
		fmt.Sprintf(scrypt, 62, 1, 1):                                                 "password.costly_hash",
		fmt.Sprintf(pbkdf2, 2_000_000):                                                "",
		fmt.Sprintf(pbkdf2, 2_000_001):                                                "password.costly_hash",
		"$pbkdf2$2000001$MTIzNDU2Nzg$CTFhFdXPJO1aFaMaO6Mm5c8y7cI":                     "password.costly_hash",
		"$6$rounds=1000000$saltsalt$" + strings.Repeat("a", 86):                       "",
		"$6$rounds=1000001$saltsalt$" + strings.Repeat("a", 86):                       "password.costly_hash",
		"$6$rounds=1000001$rounds=1$" + strings.Repeat("a", 86):                       "password.costly_hash",
		"$6$saltsalt$" + strings.Repeat("a", 86):                                      "",
		"$argon2id$v=19$m=64,t=1,p=1,m=999999$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7c": "password.costly_hash",
		"$y$jFT$saltsaltsalt$" + strings.Repeat("a", 43):                              "password.unknown_hash",
		fmt.Sprintf(pbkdf2, 1) + strings.Repeat("A", 512):                             "password.unknown_hash",
	} {
		err := p.CheckImported(hash)
		if want == "" && err != nil || want != "" && (!fault.Is(err, fault.Invalid) || fault.Of(err).Message != want) {
			t.Errorf("%s: %v instead of %q", hash, err, want)
		}
	}
}

// TestTheCeilingIsDocumented with the numbers of the code.
func TestTheCeilingIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("| Argon2 | m=%d (KiB), t=%d, p=%d |", mostArgon2KiB, mostArgon2Passes, mostArgon2Lanes),
		fmt.Sprintf("| bcrypt | cost %d |", mostBcryptCost),
		fmt.Sprintf("| scrypt | 128·N·r = %d bytes, p=%d |", mostScryptBytes, mostScryptLanes),
		fmt.Sprintf("| PBKDF2 | %d iterations |", mostPBKDF2Rounds),
		fmt.Sprintf("| SHA-crypt | %d rounds |", mostSHACrypt),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/operations/README.md lacks %q", want)
		}
	}
}
