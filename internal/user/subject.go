package user

import (
	"encoding/hex"
	"strings"

	"countersign/internal/secret"
)

// Subject names an account by its canonical address for a budget, whether there is one or not,
// without keeping the address.
func Subject(keys *secret.Keys, email string) string {
	key, err := EmailKey(email)
	if err != nil {
		key = strings.ToLower(strings.TrimSpace(email))
	}
	return hex.EncodeToString(keys.Lasting("budget/account", key)[:12])
}
