package pages

import (
	"context"
	"time"

	"countersign/internal/authenticator"
	"countersign/internal/db"
	"countersign/internal/locale"
	"countersign/internal/message"
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
	return Delivery{Kind: k, State: string(s.State), At: s.At, NextTry: s.NextTry, Host: s.Host}
}

// MessageStatus tells what became of one message.
func (b *Base) MessageStatus(ctx context.Context, tenantID string, k authenticator.Kind, id string) (v Delivery, err error) {
	err = b.DB.View(ctx, tenantID, func(tx *db.Tx) error {
		status, err := message.Delivery(ctx, tx, id)
		v = DeliveryOf(k, status)
		return err
	})
	return v, err
}

// Key is the sentence that tells the state.
func (d Delivery) Key() string {
	switch d.Kind {
	case authenticator.SMS:
		return d.textKey()
	case authenticator.Push:
		return d.pushKey()
	default:
		return d.mailKey()
	}
}

func (d Delivery) mailKey() string {
	switch d.State {
	case "queued":
		return "delivery.queued"
	case "accepted", "delivered":
		if d.Host != "" {
			return "delivery.accepted_by"
		}
		return "delivery.accepted"
	case "delayed":
		return "delivery.delayed"
	case "bounced":
		return "delivery.bounced"
	case "failed":
		return "delivery.failed"
	}
	return "delivery.none"
}

// textKey is about a text message: a carrier says more than a mail server does.
func (d Delivery) textKey() string {
	switch d.State {
	case "queued":
		return "delivery.sms.queued"
	case "accepted":
		return "delivery.sms.accepted"
	case "delivered":
		return "delivery.sms.delivered"
	case "delayed":
		return "delivery.sms.delayed"
	case "bounced":
		return "delivery.sms.bounced"
	case "failed":
		return "delivery.sms.failed"
	}
	return "delivery.sms.none"
}

// pushKey is about code receivers, the best of all that the code went to.
func (d Delivery) pushKey() string {
	switch d.State {
	case "queued":
		return "delivery.push.queued"
	case "accepted":
		return "delivery.push.accepted"
	case "delivered":
		return "delivery.push.delivered"
	case "delayed":
		return "delivery.push.delayed"
	case "bounced":
		return "delivery.push.bounced"
	case "failed":
		return "delivery.push.failed"
	}
	return "delivery.push.none"
}

// Text is the sentence itself, for the live view.
func (d Delivery) Text(p *locale.Printer) string {
	return p.T(d.Key(), "Host", d.Host, "At", p.Clock(d.At), "Next", p.Clock(d.NextTry))
}

// Settled reports whether the state will not change by itself.
func (d Delivery) Settled() bool {
	return d.State == "bounced" || d.State == "failed" || d.State == "none" || d.State == "delivered"
}
