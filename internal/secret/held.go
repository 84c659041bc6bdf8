package secret

// Held are the references that one browser shows.
type Held []Reference

// Hash is the stored form of the token that is held for a row. Where none is held it is the
// hash of no token, which no row has.
func (h Held) Hash(tenant, id string) []byte {
	for _, ref := range h {
		if ref.Tenant == tenant && ref.ID == id {
			return ref.Hash()
		}
	}
	return Reference{}.Hash()
}

// Opens reports whether what is held opens a row that keeps hash. It compares in constant time.
func (h Held) Opens(tenant, id string, hash []byte) bool { return Equal(h.Hash(tenant, id), hash) }
