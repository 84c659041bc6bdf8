package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/phone"
)

// Message is one text on its way to a carrier.
type Message struct {
	To       string // E.164
	Text     string
	ReturnTo string // names the message in a report, and proves that the name came from us
}

// Submit hands a message to a carrier. handle is what the carrier calls it, empty where it
// does not say; host is who answered. A *message.Refusal is the carrier's last word,
// a *NotTaken a promise that nothing was charged; after any other error no one knows.
type Submit func(ctx context.Context, m Message) (handle, host string, err error)

// NotTaken says that the carrier certainly does not have the message.
type NotTaken struct{ Cause error }

// Error is for the log.
func (n *NotTaken) Error() string { return "not taken: " + n.Cause.Error() }

// Unwrap returns the cause.
func (n *NotTaken) Unwrap() error { return n.Cause }

// Sender sends codes; it is the message.Sender of texts.
type Sender struct {
	DB      *db.DB
	Catalog *locale.Catalog
	Meter   *Meter
	Submit  Submit
	Off     bool // the operator's emergency brake: nothing leaves
	// Moved, where there is one, says whether a number went to another card a short time ago
	// (NIST SP 800-63B-4 section 3.1.3.3). Nothing ships with it: carriers sell the answer.
	Moved func(ctx context.Context, e164 string) (bool, error)
	Log   *slog.Logger
}

var (
	errOff   = errors.New("text messages are switched off")
	errMoved = errors.New("the number went to another card a short time ago")
	errSpent = errors.New("no money is left for another try today")
)

// Send hands one message over. It counts the try before it is made, in a transaction of its
// own: whatever fails meanwhile, a message is paid for at most twice.
func (s *Sender) Send(ctx context.Context, e message.Envelope) (host string, err error) {
	if s.Off {
		return "", &message.GivenUp{Cause: errOff}
	}
	to, err := phone.Of(e.To)
	if err != nil {
		return "", &message.GivenUp{Cause: errors.New("not a telephone number")}
	}
	code, err := read(e.Data)
	if err != nil {
		return "", &message.GivenUp{Cause: err}
	}
	if err := s.checkHolder(ctx, to); err != nil {
		return "", err
	}
	text := Render(s.Catalog.In(e.Language), code)
	if err := s.countTry(ctx, e, to, Parts(text)); err != nil {
		return "", err
	}
	handle, host, err := s.Submit(ctx, Message{To: to.E164, Text: text, ReturnTo: e.ReturnTo})
	s.recordOutcome(context.WithoutCancel(ctx), e, handle, err)
	return host, err
}

// checkHolder asks whether the number is still in the hands that it was proved in.
func (s *Sender) checkHolder(ctx context.Context, to phone.Number) error {
	if s.Moved == nil {
		return nil
	}
	moved, err := s.Moved(ctx, to.E164)
	if err != nil {
		return fmt.Errorf("ask about the card: %w", err)
	}
	if moved {
		return &message.GivenUp{Cause: errMoved}
	}
	return nil
}

// countTry counts the try. The first was paid for when the message was queued.
func (s *Sender) countTry(ctx context.Context, e message.Envelope, to phone.Number, parts int) error {
	err := s.DB.InTx(ctx, e.Tenant, func(tx *db.Tx) error {
		n, err := message.TakeSubmit(ctx, tx, e.ID)
		if err != nil || n == 1 {
			return err
		}
		ok, err := s.Meter.Reserve(ctx, tx, to, parts)
		if err == nil && !ok {
			err = errSpent
		}
		return err
	})
	if errors.Is(err, message.ErrSubmitted) || errors.Is(err, errSpent) {
		return &message.GivenUp{Cause: err}
	}
	return err
}

// recordOutcome writes down what came of a try. Where that fails the count stays, which errs on the
// side of sending less; a report then finds its message only by what we gave it.
func (s *Sender) recordOutcome(ctx context.Context, e message.Envelope, handle string, failure error) {
	var not *NotTaken
	free := errors.As(failure, &not)
	if !free && (failure != nil || handle == "") {
		return
	}
	err := s.DB.InTx(ctx, e.Tenant, func(tx *db.Tx) error {
		if free {
			return message.ReturnSubmit(ctx, tx, e.ID)
		}
		return message.Handed(ctx, tx, e.ID, handle)
	})
	if err != nil {
		s.Log.Error("what became of a text message could not be written down", "message", e.ID, "tenant",
			e.Tenant, "error", err)
	}
}
