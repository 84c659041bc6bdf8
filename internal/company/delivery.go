package company

import (
	"context"
	"fmt"

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
	At   people.AsOf // when they were added up
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
		add := func(ctx context.Context, tx *db.Tx) (Delivery, error) { return readDelivery(ctx, tx, filter, most) }
		var at people.AsOf
		out, at, err = people.CountedAmong(ctx, tx, s.People.Counter, a, manyHours,
			fmt.Sprintf("delivery %q %d", filter, most), add)
		out.At = at
		return err
	})
	return out, err
}

func readDelivery(ctx context.Context, tx *db.Tx, filter message.Filter, most int) (out Delivery, err error) {
	if out.Mail, err = message.ReadHealth(ctx, tx, "email", filter, most); err != nil {
		return out, err
	}
	out.SMS, err = message.ReadHealth(ctx, tx, sms.Channel, filter, most)
	return out, err
}

// hoursPerPerson is how many hours of a destination are added up in the time in which one person is counted.
const hoursPerPerson = 2

// manyHours reports whether messages went to so many destinations that no one should wait for their sum.
func manyHours(ctx context.Context, tx *db.Tx, n int) (bool, error) {
	return message.MoreHours(ctx, tx, n*hoursPerPerson)
}
