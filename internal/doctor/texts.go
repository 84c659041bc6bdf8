package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"countersign/internal/app"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/message/sms"
	"countersign/internal/phone"
	"countersign/internal/tenant"
)

// texts asks the gateway or carrier whether it takes our account. No message is sent.
func (p *examination) texts(ctx context.Context) []Finding {
	const name = "text messages"
	c := p.Config.SMS
	if c.Transport == config.SMSNone {
		return one(name, OK, "", "none are sent (sms.transport)")
	}
	carrier := carrierOf(c)
	err := app.ProbeSMS(ctx, c)
	switch {
	case errors.Is(err, sms.ErrSilent):
		return one(name, Warn, "sign in by text message once: the log says why a message is not taken",
			"%s: %s", carrier, err)
	case errors.Is(err, sms.ErrBound):
		return one(name, OK, "", "%s: %s, presumably the server's", carrier, err)
	case errors.Is(err, sms.ErrCredentials):
		return one(name, Fail, credentialsOf(c), "%s: %s", carrier, err)
	case errors.Is(err, sms.ErrAccount):
		return one(name, Fail, "ask the gateway why; until then sms.enabled = false offers people their other methods",
			"%s: %s", carrier, err)
	case err != nil:
		return one(name, Fail, reachCarrier(c, err), "%s: %s", carrier, oneLine(err))
	case !c.Enabled:
		return one(name, Warn, "sms.enabled = true and a restart, when the emergency is over",
			"%s takes our account, and the emergency brake is on: nothing is sent", carrier)
	}
	return append(one(name, OK, "", "%s takes our account", carrier), reports(c)...)
}

func carrierOf(c config.SMS) string {
	if c.Transport == config.SMSSMPP {
		return c.SMPP.Address
	}
	return (&sms.Gateway{URL: c.HTTP.URL}).Host()
}

func credentialsOf(c config.SMS) string {
	if c.Transport == config.SMSSMPP {
		return "check sms.smpp.system_id and sms.smpp.password, and whether the carrier lets in this machine's address"
	}
	return "check sms.http.account and sms.http.token (or token_file)"
}

func reachCarrier(c config.SMS, err error) string {
	key := "sms.http.url"
	if c.Transport == config.SMSSMPP {
		key = "sms.smpp.address, and sms.smpp.tls"
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "correct " + key + ": the name has no address"
	}
	return "let connections out to it through the firewall, or correct " + key
}

// reports warns where no one will say whether a text has arrived.
func reports(c config.SMS) []Finding {
	if c.Transport == config.SMSHTTP && c.HTTP.Reports == config.ReportsOff {
		return one("text messages", Warn,
			"set sms.http.reports to signed, or to token for a gateway that signs otherwise",
			"the gateway reports nothing: pages cannot tell whether a text has arrived")
	}
	return nil
}

// textPrices compares what texts cost with what may be spent, and says what was spent today.
func (p *examination) textPrices(ctx context.Context) []Finding {
	const name = "text prices"
	c := p.Config.SMS
	if c.Transport == config.SMSNone {
		return nil
	}
	prices, err := sms.ReadPrices(c.DefaultPrice, c.Prices)
	if err != nil {
		return one(name, Fail, "correct sms.prices", "%s", oneLine(err))
	}
	ceiling, which := lowestCeiling(c.Budget)
	dearest := sms.Money(0)
	var dear, unpriced []string
	for _, country := range c.Countries {
		price, given := dearestOf(prices, country)
		dearest = max(dearest, price)
		if !given {
			unpriced = append(unpriced, country)
		}
		if price > ceiling {
			dear = append(dear, country)
		}
	}
	if len(dear) > 0 {
		return one(name, Fail, "raise it above the price of one message, or take the country out of sms.countries",
			"%s is %s, and one text to %s costs more: none is sent there", which, money(ceiling),
			strings.Join(dear, ", "))
	}
	says := fmt.Sprintf("one text costs up to %s; at that price %d a day may leave, %d of them for one company",
		money(dearest), sms.Money(c.Budget.Installation)/dearest, sms.Money(c.Budget.Company)/dearest)
	if len(unpriced) > 0 {
		return append(one(name, Warn, "give the prices of your contract in sms.prices",
			"%s; sms.default_price stands in for %s", says, strings.Join(unpriced, ", ")), p.spent(ctx)...)
	}
	return append(one(name, OK, "", "%s", says), p.spent(ctx)...)
}

// lowestCeiling is the smallest ceiling and its key.
func lowestCeiling(b config.SMSBudget) (least sms.Money, key string) {
	least, key = sms.Money(b.Installation), "sms.budget.installation"
	for other, n := range map[string]int{"sms.budget.company": b.Company, "sms.budget.country": b.Country,
		"sms.budget.range": b.Range} {
		if m := sms.Money(n); m < least || m == least && other < key {
			least, key = m, other
		}
	}
	return least, key
}

// dearestOf is the highest price of a country: of its calling code, or of longer beginnings;
// given says that one of them has a price of its own.
func dearestOf(p sms.Prices, country string) (most sms.Money, given bool) {
	calling := phone.Calling(country)
	most = p.Of("+" + calling)
	for digits, price := range p.By {
		if strings.HasPrefix(digits, calling) || strings.HasPrefix(calling, digits) {
			given = true
		}
		if strings.HasPrefix(digits, calling) {
			most = max(most, price)
		}
	}
	return most, given
}

// money shows millionths as a decimal fraction, without a currency: no one has told us which.
func money(m sms.Money) string { return strconv.FormatFloat(float64(m)/1e6, 'f', -1, 64) }

// nearly is the part of a limit from which its end is near.
const nearly = 0.8

// spent tells of limits of today that are used up, or nearly.
func (p *examination) spent(ctx context.Context) (all []Finding) {
	if p.db == nil {
		return unknown("text prices")
	}
	var today []sms.Spent
	err := p.view(ctx, func(tx *db.Tx) (err error) {
		today, err = sms.Today(ctx, tx)
		return err
	})
	if err != nil {
		return one("text prices", Warn, "countersign migrate makes what it is kept in",
			"what was spent today cannot be read: %s", errorText(err))
	}
	for _, s := range today {
		if float64(s.Reserved) >= nearly*float64(s.Ceiling) {
			all = append(all, one("text prices", Warn,
				"look at the audit log for who asked; if it is no fraud, raise the limit",
				"%s of %s are spent today for %s", money(s.Reserved), money(s.Ceiling), spendingAccount(s.Account))...)
		}
	}
	return all
}

// spendingAccount names an account of spending.
func spendingAccount(a sms.Account) string {
	switch {
	case a.Tenant != db.Installation:
		return "company " + a.Tenant
	case a.Name == "all":
		return "the installation"
	}
	return strings.Replace(a.Name, ":", " ", 1)
}

// many is how many countries are more than most vendors serve.
const many = 25

// textCountries says whose numbers are taken, and which companies have narrowed that to none.
func (p *examination) textCountries(ctx context.Context) []Finding {
	const name = "text countries"
	c := p.Config.SMS
	if c.Transport == config.SMSNone {
		return nil
	}
	for _, code := range c.Countries {
		if !phone.Known(code) {
			return one(name, Fail, "correct sms.countries", "%s is not a country with telephones", code)
		}
	}
	list := slices.Sorted(slices.Values(c.Countries))
	all := one(name, OK, "", "numbers of %d are taken: %s", len(list), strings.Join(list, " "))
	if len(list) > many {
		all = one(name, Warn,
			"leave those out in which you have no one: each is one that strangers can make you pay for",
			"numbers of %d are taken", len(list))
	}
	return append(all, p.narrowed(ctx)...)
}

func (p *examination) narrowed(ctx context.Context) (all []Finding) {
	if p.db == nil {
		return nil
	}
	var companies []tenant.Tenant
	err := p.view(ctx, func(tx *db.Tx) (err error) {
		companies, err = tenant.List(ctx, tx)
		return err
	})
	if err != nil {
		return nil // the schema's own line says so
	}
	for _, t := range companies {
		if len(t.SMSCountries.Within(p.Config.SMS.Countries)) == 0 {
			all = append(all, one("text countries", Warn,
				"countersign tenant set "+t.ID+" --sms-countries all, or a part of sms.countries",
				"company %s takes none of them: its own list is %s", t.ID, t.SMSCountries)...)
		}
	}
	return all
}
