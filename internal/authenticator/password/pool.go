package password

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
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

// Patience of those who wait. It ends well before a request's, so that there is time to
// take back what the try has cost.
const (
	patience  = 10 * time.Second
	leastWait = time.Second // what a turned-away claimant is asked to wait, at least
	mostWait  = time.Minute // and at most, beside the spread
	firstCost = 50 * time.Millisecond
)

var errBusy = fault.New(fault.Unavailable, "signin.problem.busy")

// Pool hashes and compares, a few at a time. Those beyond that wait in fair lanes, and
// beyond its queue it refuses at once, so that a flood of sign-ins cannot take the memory
// or the time of everything else, nor one company's flood the turn of another.
type Pool struct {
	// Now measures how long a computation takes; without it that is guessed. Observe is
	// told of each computation how long it waited and took. Set both before use.
	Now     func() time.Time
	Observe func(ctx context.Context, waited, took time.Duration)

	keys    *secret.Keys
	hasher  *argon2.Hasher
	decoder *crypt.Decoder
	dummy   string // a hash compared when there is no such user, so that both answers take as long
	line    *fairQueue
	slots   int
	running atomic.Int64
	done    atomic.Int64
	refused atomic.Int64
	cost    atomic.Int64 // mean time of a computation in nanoseconds, recent ones count more
}

// Stats are the figures of a pool. Done and Refused only grow.
type Stats struct {
	Slots, Running, Waiting int
	Done, Refused           int64
	Mean                    time.Duration // of one computation, recent ones count more
}

// NewPool returns a pool of parallel slots (0 = one per processor) with room for queue
// waiting comparisons.
func NewPool(keys *secret.Keys, cost Cost, parallel, queue int) (*Pool, error) {
	hasher, err := argon2.New(argon2.WithVariantID(), argon2.WithM(uint32(cost.MemoryKiB)), argon2.WithT(cost.Passes),
		argon2.WithP(cost.Lanes))
	if err != nil {
		return nil, fmt.Errorf("argon2 cost: %w", err)
	}
	decoder, err := crypt.NewDefaultDecoder()
	if err != nil {
		return nil, fmt.Errorf("password decoders: %w", err)
	}
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0) // heeds the limit of a container, too
	}
	p := &Pool{
		keys:    keys,
		hasher:  hasher,
		decoder: decoder,
		line:    newLine(parallel, queue),
		slots:   parallel,
	}
	p.cost.Store(int64(firstCost))
	p.dummy = randomHash(cost)
	return p, nil
}

// randomHash has the form of a hash at a cost, and is that of nothing. To compute one would take a third of the time
// that a command of the command line takes.
func randomHash(c Cost) string {
	random := make([]byte, algorithm.SaltLengthDefault+argon2.KeyLengthDefault)
	_, _ = cryptorand.Read(random) // never fails
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", c.MemoryKiB, c.Passes, c.Lanes,
		encode(random[:algorithm.SaltLengthDefault]), encode(random[algorithm.SaltLengthDefault:]))
}

// Hash returns the stored form of a new password. It fails with fault Unavailable when the
// pool is full.
func (p *Pool) Hash(ctx context.Context, plain secret.Text) (Stored, error) {
	peppered, id, err := p.keys.Pepper("", norm.NFC.String(plain.Reveal()))
	if err != nil {
		return Stored{}, err
	}
	hash, err := p.hash(ctx, string(peppered))
	return Stored{Hash: hash, Pepper: id}, err
}

// HashCode returns the stored form of a printed code. No key is mixed in: a code has
// enough chance of its own, and is kept for longer than any key should be.
func (p *Pool) HashCode(ctx context.Context, code string) (string, error) { return p.hash(ctx, code) }

// MatchCode compares a printed code with what HashCode made, in its owner's lane. It takes
// as long for an empty hash, which nothing matches.
func (p *Pool) MatchCode(ctx context.Context, tenant, userID, hash, code string) (bool, error) {
	return p.Match(WithQueueKey(ctx, QueueKey{Group: tenant, Key: userID}), Stored{Hash: hash}, secret.Text(code))
}

func (p *Pool) hash(ctx context.Context, plain string) (string, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	digest, err := p.hasher.Hash(plain)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return digest.Encode(), nil
}

// Match compares in the time that any comparison takes, also for the zero Stored. It fails
// with fault Unavailable when the pool is full.
func (p *Pool) Match(ctx context.Context, s Stored, plain secret.Text) (bool, error) {
	leave, err := p.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	if s.Hash == "" {
		_, err := p.compare(Stored{Hash: p.dummy, Pepper: p.keys.Current()}, plain)
		return false, err
	}
	return p.compare(s, plain)
}

func (p *Pool) compare(s Stored, typed secret.Text) (bool, error) {
	digest, err := p.decoder.Decode(s.Hash)
	if err != nil {
		return false, fmt.Errorf("stored hash: %w", err)
	}
	plain := norm.NFC.String(typed.Reveal())
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

// enter waits for a slot in the lane of ctx. The caller calls leave when it is done with it.
func (p *Pool) enter(ctx context.Context) (leave func(), err error) {
	came := p.now()
	if w := p.line.join(laneOf(ctx)); w != nil {
		if err := p.wait(ctx, w); err != nil {
			return nil, err
		}
	}
	p.running.Add(1)
	began := p.now()
	return func() { p.leave(ctx, began.Sub(came), began) }, nil
}

func (p *Pool) wait(ctx context.Context, w *waiter) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case ok := <-w.turn:
		return p.called(ok)
	case <-timer.C:
		return p.giveUp(w, p.errBusy())
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return p.giveUp(w, p.errBusy())
		}
		return p.giveUp(w, ctx.Err())
	}
}

func (p *Pool) called(ok bool) error {
	if ok {
		return nil
	}
	return p.errBusy()
}

// giveUp leaves the line for a reason. A slot that was handed over at this moment goes on to
// the next.
func (p *Pool) giveUp(w *waiter, why error) error {
	if !p.line.abandon(w) && <-w.turn {
		p.line.leave()
	}
	return why
}

// leave hands the slot over. It runs in any case, also when a computation panics.
func (p *Pool) leave(ctx context.Context, waited time.Duration, began time.Time) {
	took := p.now().Sub(began)
	p.running.Add(-1)
	p.line.leave()
	p.done.Add(1)
	if took > 0 && took < mostWait { // else the clock was moved
		p.cost.Add((int64(took) - p.cost.Load()) / 16)
	}
	if p.Observe != nil {
		p.Observe(ctx, waited, took)
	}
}

func (p *Pool) now() time.Time {
	if p.Now == nil {
		return time.Time{}
	}
	return p.Now()
}

// Room fails with fault Unavailable when a caller in the lane of ctx would be turned away
// now. Asking first saves the work that comes before a computation; the answer may be
// another a moment later.
func (p *Pool) Room(ctx context.Context) error {
	if p.line.open(laneOf(ctx)) {
		return nil
	}
	return p.errBusy()
}

// errBusy says when to come back: when those who wait now will have been served, and not
// everyone at the same moment.
func (p *Pool) errBusy() error {
	p.refused.Add(1)
	serve := time.Duration(p.cost.Load()) * time.Duration(p.line.size()+1) / time.Duration(p.slots)
	serve = min(max(serve, leastWait), mostWait)
	return errBusy.After(serve + rand.N(serve))
}

// Stats returns the figures of this moment.
func (p *Pool) Stats() Stats {
	return Stats{
		Slots:   p.slots,
		Running: int(p.running.Load()),
		Waiting: p.line.size(),
		Done:    p.done.Load(),
		Refused: p.refused.Load(),
		Mean:    time.Duration(p.cost.Load()),
	}
}

// Waiting is how many hash or wait to hash.
func (p *Pool) Waiting() int { return int(p.running.Load()) + p.line.size() }
