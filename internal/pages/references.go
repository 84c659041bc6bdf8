package pages

import (
	"strings"
	"time"

	"countersign/internal/secret"
)

// DeviceLife is how long a browser is known as one that its user has signed in on.
const DeviceLife = 365 * 24 * time.Hour

// maxReferences is how many references one cookie holds: one per user and app.
const maxReferences = 8

// References reads a cookie of several references, apart by "~".
func References(cookie string) []secret.Reference {
	var out []secret.Reference
	for text := range strings.SplitSeq(cookie, "~") {
		if ref, err := secret.ParseReference(text); err == nil && len(out) < maxReferences {
			out = append(out, ref)
		}
	}
	return out
}

// WithReference puts a reference in front of the others, in place of its own older token.
func WithReference(cookie string, ref secret.Reference) string {
	all := []secret.Reference{ref}
	for _, other := range References(cookie) {
		if other.ID != ref.ID && len(all) < maxReferences {
			all = append(all, other)
		}
	}
	return JoinReferences(all)
}

// JoinReferences is the text of a cookie that holds all.
func JoinReferences(all []secret.Reference) string {
	var texts []string
	for _, ref := range all {
		texts = append(texts, ref.Text().Reveal())
	}
	return strings.Join(texts, "~")
}
