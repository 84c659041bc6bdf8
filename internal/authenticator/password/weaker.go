package password

import "fmt"

// Outdated reports whether a hash should be made anew at the next right password: it was
// imported, or costs less to try than a hash of today.
func (p *Pool) Outdated(s Stored) bool {
	memory, passes := costOf(s.Hash)
	today, now := costOf(p.nobody.Hash)
	return s.Pepper == "" || memory < today || passes < now
}

// costOf reads memory in KiB and passes of an Argon2id hash; zero of any other.
func costOf(hash string) (memory, passes int) {
	var version, lanes int
	if _, err := fmt.Sscanf(hash, "$argon2id$v=%d$m=%d,t=%d,p=%d$", &version, &memory, &passes, &lanes); err != nil {
		return 0, 0
	}
	return memory, passes
}
