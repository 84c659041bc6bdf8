package desk

import (
	"net/http"
	"time"

	"countersign/internal/company"
	"countersign/internal/message"
	"countersign/internal/people"
	"countersign/internal/phone"
	"countersign/internal/web"
)

const deliveryPath = "/desk/delivery"

func (d *Desk) mountDelivery(mux *web.Mux) { mux.Get(deliveryPath, d.looking(d.showDelivery)) }

// deliveryPage shows how messages arrive, by mail domain and by country.
type deliveryPage struct {
	frame
	At        people.AsOf
	Mail, SMS destinations
	Least     int
	Percent   int
	Late      time.Duration
}

func (deliveryPage) View() web.View { return web.View{Template: "desk/delivery"} }

// destinations is one table.
type destinations struct {
	Title, Column, None string // catalogue keys
	Rows                []destination
	All                 int
}

// Cut reports whether some are not shown.
func (d destinations) Cut() bool { return d.All > len(d.Rows) }

// destination is one mail domain or country.
type destination struct {
	message.Destination
	Label string
}

// HowBad is what its numbers say, as a catalogue key.
func (d destination) HowBad() string { return verdictKeys[d.Verdict()] }

// Tone is how that is coloured.
func (d destination) Tone() string { return verdictTones[d.Verdict()] }

// ProblemText says what went wrong, as a catalogue key.
func (d destination) ProblemText() string { return problemKeys[d.Problem] }

// took is within what time so many of a hundred were accepted.
type took struct {
	Time  time.Duration
	Known bool // false: they took longer
}

// Usual is what half of the messages took.
func (d destination) Usual() took { return tookOf(d.Week, 50) }

// Slowest is what nearly all took.
func (d destination) Slowest() took { return tookOf(d.Week, 95) }

func tookOf(t message.Tally, percent int) took {
	at, known := t.Took(percent)
	return took{at, known}
}

func (d *Desk) showDelivery(w http.ResponseWriter, r *http.Request, m *member) error {
	found, err := d.Company.Delivery(r.Context(), m.Actor)
	if err != nil {
		return err
	}
	page := deliveryPageOf(found, d.Web.Printer(r).Lang())
	page.frame = frameOf(r, "delivery")
	return d.Web.Draw(w, r, http.StatusOK, page)
}

func deliveryPageOf(found company.Delivery, lang string) deliveryPage {
	page := deliveryPage{
		At: found.At,
		Mail: destinations{
			Title:  "desk.delivery.mail",
			Column: "desk.delivery.domain",
			None:   "desk.delivery.mail.none",
			All:    found.Mail.All,
		},
		SMS: destinations{
			Title:  "desk.delivery.sms",
			Column: "desk.delivery.country",
			None:   "desk.delivery.sms.none",
			All:    found.SMS.All,
		},
		Least:   message.Fewest,
		Percent: message.BadPercent,
		Late:    message.LateAfter,
	}
	for _, one := range found.Mail.Worst {
		page.Mail.Rows = append(page.Mail.Rows, destination{one, one.Name})
	}
	for _, one := range found.SMS.Worst {
		label := one.Name
		for _, country := range phone.Countries(lang, []string{one.Name}) {
			label = country.Name
		}
		page.SMS.Rows = append(page.SMS.Rows, destination{one, label})
	}
	return page
}

// deliveryState says in a line how messages arrive.
type deliveryState struct{ Mail, SMS int } // mail domains and countries where they do not, or late

// Good reports whether they arrive everywhere.
func (s deliveryState) Good() bool { return s.Mail == 0 && s.SMS == 0 }

func (d *Desk) deliveryState(r *http.Request, m *member) (*deliveryState, error) {
	found, err := d.Company.DeliveryProblems(r.Context(), m.Actor)
	if err != nil || found.At.Counting() {
		return nil, err
	}
	return &deliveryState{found.Mail.Bad, found.SMS.Bad}, nil
}

var (
	verdictKeys = map[message.Verdict]string{
		message.ManyFailures: "desk.delivery.verdict.failures",
		message.ArrivesLate:  "desk.delivery.verdict.late",
		message.TooFew:       "desk.delivery.verdict.few",
		message.NoProblems:   "desk.delivery.verdict.none",
	}
	verdictTones = map[message.Verdict]string{
		message.ManyFailures: "failed",
		message.ArrivesLate:  "pending",
		message.TooFew:       "disabled",
		message.NoProblems:   "ok",
	}
	problemKeys = map[message.Problem]string{
		message.Refused:     "desk.delivery.problem.refused",
		message.Returned:    "desk.delivery.problem.returned",
		message.LateNotice:  "desk.delivery.problem.late_notice",
		message.Postponed:   "desk.delivery.problem.postponed",
		message.NotLetIn:    "desk.delivery.problem.not_let_in",
		message.Unreachable: "desk.delivery.problem.unreachable",
		message.TooLate:     "desk.delivery.problem.too_late",
		message.Stopped:     "desk.delivery.problem.stopped",
	}
)
