package pages

import (
	"context"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/methodtext"
)

// Delivery is what is known of the newest message's way, in words that fit its kind.
type Delivery struct {
	Kind    authenticator.Kind
	State   string // queued, accepted, delayed, delivered, bounced, failed, none
	At      time.Time
	NextTry time.Time
	Host    string // the mail server that spoke
}

// DeliveryOf is the status of a message of a kind.
func DeliveryOf(k authenticator.Kind, s message.Status) Delivery {
	return Delivery{
		Kind:    k,
		State:   string(s.State),
		At:      s.At,
		NextTry: s.NextTry,
		Host:    s.Host,
	}
}

// MessageStatus tells what became of one message.
func (b *Base) MessageStatus(ctx context.Context, tenantID string, k authenticator.Kind,
	id string) (v Delivery, err error) {
	err = b.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		status, err := message.Delivery(ctx, tx, id)
		v = DeliveryOf(k, status)
		return err
	})
	return v, err
}

// Key is the sentence that tells the state.
func (d Delivery) Key() string { return methodtext.Of(d.Kind).Delivery.Key(d.State, d.Host) }

// Text is the sentence itself, for the live view.
func (d Delivery) Text(p *locale.Printer) string {
	return p.T(d.Key(), "Host", d.Host, "At", p.Clock(d.At), "Next", p.Clock(d.NextTry))
}

// Settled reports whether the state will not change by itself.
func (d Delivery) Settled() bool {
	return d.State == "bounced" || d.State == "failed" || d.State == "none" || d.State == "delivered"
}
