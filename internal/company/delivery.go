package company

import (
	"context"

	"countersign/internal/access"
	"countersign/internal/db"
	"countersign/internal/message"
	"countersign/internal/message/sms"
	"countersign/internal/people"
)

// Delivery is how messages fare with the mail domains and in the countries that they go to.
type Delivery struct {
	Mail message.Health
	SMS  message.Health
}

// maxDestinations is how many mail domains and countries are shown, the worst first.
const maxDestinations = 100

// Delivery reads how messages of all companies arrived in the last 24 hours and seven days.
func (s *Service) Delivery(ctx context.Context, a access.Actor) (Delivery, error) {
	return s.delivery(ctx, a, message.Everything, maxDestinations)
}

// DeliveryProblems counts the mail domains and countries where messages are late or lost.
func (s *Service) DeliveryProblems(ctx context.Context, a access.Actor) (Delivery, error) {
	return s.delivery(ctx, a, message.MaybeBad, 0)
}

func (s *Service) delivery(
	ctx context.Context, a access.Actor, filter message.Filter, most int,
) (out Delivery, err error) {
	err = people.View(db.UseServerDefaults(ctx), s.DB, func(tx *db.Tx) error {
		if err := people.Check(ctx, tx, s.Gate, a, access.ViewDelivery, access.Target{}); err != nil {
			return err
		}
		if out.Mail, err = message.ReadHealth(ctx, tx, "email", filter, most); err != nil {
			return err
		}
		out.SMS, err = message.ReadHealth(ctx, tx, sms.Channel, filter, most)
		return err
	})
	return out, err
}
