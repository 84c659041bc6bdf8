package password

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/go-crypt/crypt"
	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/argon2"
	"golang.org/x/text/unicode/norm"

	"countersign/internal/fault"
	"countersign/internal/secret"
)

// Cost is what one Argon2id hash costs (RFC 9106 §3.1): memory in KiB, passes, lanes.
type Cost struct {
	MemoryKiB int
	Passes    int
	Lanes     int
}

// DefaultCost takes about 50 ms of one 2 GHz core.
var DefaultCost = Cost{MemoryKiB: 19456, Passes: 2, Lanes: 1}

// retryBusy is what a turned-away claimant is asked to wait.
const retryBusy = 5 * time.Second

var errBusy = fault.New(fault.Unavailable, "signin.problem.busy").After(retryBusy)

// Pool hashes and compares, a few at a time. Beyond its queue it refuses at once, so that
// a flood of sign-ins cannot take the memory or the time of everything else.
type Pool struct {
	keys    *secret.Keys
	hasher  *argon2.Hasher
	decoder *crypt.Decoder
	nobody  Stored // compared when there is no such user, so that both answers take as long
	slots   chan struct{}
	queue   int64
	waiting atomic.Int64
}

// NewPool returns a pool of parallel slots (0 = one per processor) with room for queue
// waiting comparisons.
func NewPool(keys *secret.Keys, cost Cost, parallel, queue int) (*Pool, error) {
	hasher, err := argon2.New(argon2.WithVariantID(), argon2.WithM(uint32(cost.MemoryKiB)), argon2.WithT(cost.Passes), argon2.WithP(cost.Lanes))
	if err != nil {
		return nil, fmt.Errorf("argon2 cost: %w", err)
	}
	decoder, err := crypt.NewDefaultDecoder()
	if err != nil {
		return nil, fmt.Errorf("password decoders: %w", err)
	}
	if parallel <= 0 {
		parallel = runtime.NumCPU()
	}
	p := &Pool{keys: keys, hasher: hasher, decoder: decoder, slots: make(chan struct{}, parallel), queue: int64(queue)}
	p.nobody, err = p.Hash(context.Background(), "nobody has this password")
	return p, err
}

// Hash returns the stored form of a new password. It fails with fault Unavailable when the
// pool is full.
func (p *Pool) Hash(ctx context.Context, plain string) (Stored, error) {
	if err := p.enter(ctx); err != nil {
		return Stored{}, err
	}
	defer p.leave()
	peppered, id, err := p.keys.Pepper("", norm.NFC.String(plain))
	if err != nil {
		return Stored{}, err
	}
	digest, err := p.hasher.Hash(string(peppered))
	if err != nil {
		return Stored{}, fmt.Errorf("hash password: %w", err)
	}
	return Stored{Hash: digest.Encode(), Pepper: id}, nil
}

// Match compares in the time that any comparison takes, also for the zero Stored. It fails
// with fault Unavailable when the pool is full.
func (p *Pool) Match(ctx context.Context, s Stored, plain string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	if s.Hash == "" {
		_, err := p.compare(p.nobody, plain)
		return false, err
	}
	return p.compare(s, plain)
}

func (p *Pool) compare(s Stored, plain string) (bool, error) {
	digest, err := p.decoder.Decode(s.Hash)
	if err != nil {
		return false, fmt.Errorf("stored hash: %w", err)
	}
	plain = norm.NFC.String(plain)
	if s.Pepper == "" {
		return match(digest, []byte(plain))
	}
	peppered, _, err := p.keys.Pepper(s.Pepper, plain)
	if err != nil {
		return false, err
	}
	return match(digest, peppered)
}

func match(d algorithm.Digest, plain []byte) (bool, error) {
	ok, err := d.MatchBytesAdvanced(plain)
	if err != nil {
		return false, fmt.Errorf("compare password: %w", err)
	}
	return ok, nil
}

func (p *Pool) enter(ctx context.Context) error {
	if p.waiting.Add(1) > p.queue+int64(cap(p.slots)) {
		p.waiting.Add(-1)
		return errBusy
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		p.waiting.Add(-1)
		return ctx.Err()
	}
}

func (p *Pool) leave() {
	<-p.slots
	p.waiting.Add(-1)
}

// Waiting is how many hash or wait to hash.
func (p *Pool) Waiting() int { return int(p.waiting.Load()) }

// CheckImported refuses a hash that this program could not compare.
func (p *Pool) CheckImported(hash string) error {
	if _, err := p.decoder.Decode(hash); err != nil {
		return fault.New(fault.Invalid, "password.unknown_hash").Because(err)
	}
	return nil
}
