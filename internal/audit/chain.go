package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"countersign/internal/db"
	"countersign/internal/secret"
)

// link is a row with what ties it into the chain.
type link struct {
	Row
	salt, personal, chain []byte
}

// columns is what scanLink reads, in its order.
const columns = `id, at, action, result, actor_id, user_id, client_id, method, level, subject_id, request_id,
	reason, ip, place, browser, personal_salt, personal_hash, seq, chain`

// targets are what columns are scanned into.
func (l *link) targets() []any {
	return []any{
		&l.ID,
		db.ScanTime(&l.At),
		&l.Action,
		&l.Result,
		&l.ActorID,
		&l.UserID,
		&l.ClientID,
		&l.Method,
		&l.Level,
		&l.SubjectID,
		&l.RequestID,
		&l.Reason,
		&l.IP,
		&l.Place,
		&l.Browser,
		&l.salt,
		&l.personal,
		&l.Seq,
		&l.chain,
	}
}

func scanLink(row db.Row) (l link, err error) {
	err = row.Scan(l.targets()...)
	return l, err
}

// nextHash is the hash that ties the row to everything before it. The personal fields take
// part by their salted hash only, so that they can be erased later.
func (l *link) nextHash(previous []byte, tenant string, seq int64) []byte {
	var b bytes.Buffer
	b.Grow(512)
	writeParts(&b, string(previous), tenant, strconv.FormatInt(seq, 10), l.ID, strconv.FormatInt(db.Micros(l.At), 10),
		string(l.Action), string(l.Result), l.ActorID, l.UserID, l.ClientID, l.Method, l.Level, l.SubjectID,
		l.RequestID, l.Reason, string(l.personal))
	sum := sha256.Sum256(b.Bytes())
	return sum[:]
}

func (e Event) personalHash(salt []byte) []byte {
	var b bytes.Buffer
	writeParts(&b, string(salt), e.IP, e.Place, e.Browser)
	sum := sha256.Sum256(b.Bytes())
	return sum[:]
}

// writeParts writes each part behind its length, so that no two lists of parts look alike.
func writeParts(b *bytes.Buffer, parts ...string) {
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		b.Write(n[:])
		b.WriteString(p)
	}
}

// head is the end of a tenant's chain. Its seal is keyed, so that no one without the key
// file can shorten the chain or write it anew.
type head struct {
	seq         int64
	chain, seal []byte
}

func (h head) parts(tenant string) []string {
	return []string{tenant, strconv.FormatInt(h.seq, 10), string(h.chain)}
}

func (h head) sealed(keys *secret.Keys, tenant string) head {
	h.seal = keys.MAC("audit.head", h.parts(tenant)...)
	return h
}

func (h head) isSealed(keys *secret.Keys, tenant string) bool {
	return keys.CheckMAC(h.seal, "audit.head", h.parts(tenant)...)
}
