package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/audit"
	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/email"
	"countersign/internal/message/sms"
	"countersign/internal/notify"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/tenant"
	"countersign/internal/web"
)

// buildSMS makes text messages a method, where there is a way to send them.
func (h *Core) buildSMS(queue *message.Queue) error {
	c := h.Config.SMS
	if c.Transport == config.SMSNone {
		return nil
	}
	for _, country := range c.Countries {
		if !phone.Known(country) {
			return fmt.Errorf("sms.countries: %s is not a country with telephones", country)
		}
	}
	prices, err := sms.ReadPrices(c.DefaultPrice, c.Prices)
	if err != nil {
		return fmt.Errorf("sms.prices: %w", err)
	}
	words, err := locale.New()
	if err != nil {
		return fmt.Errorf("catalogues: %w", err)
	}
	b := c.Budget
	h.SMS = &outofband.SMS{
		Verifier: outofband.Verifier{
			Channel: authenticator.SMS,
			Keys:    h.Keys,
			Queue:   queue,
			Digits:  h.Config.Limits.CodeLength,
			Origin:  h.Config.PublicURL,
		},
		Words:     words,
		Countries: c.Countries,
		Limits:    h.Config.Limits,
		Off:       !c.Enabled,
		Meter: &sms.Meter{Prices: prices, Ceilings: sms.Ceilings{
			Installation: sms.Money(b.Installation),
			Company:      sms.Money(b.Company),
			Country:      sms.Money(b.Country),
			Range:        sms.Money(b.Range),
		}, Answers: sms.Answers{Least: c.Answers.Least, Percent: c.Answers.Percent}},
	}
	if h.SignIn.Others == nil {
		h.SignIn.Others = map[authenticator.Kind]authenticator.Verifier{}
	}
	h.SignIn.Others[authenticator.SMS] = *h.SMS
	return nil
}

// texting is what an App has of text messages; both nil where none are sent.
type texting struct {
	gateway *sms.Gateway
	smpp    *sms.SMPP
}

// wireSMS gives the courier its way to phones.
func (a *App) wireSMS(catalog *locale.Catalog) error {
	if a.SMS == nil {
		return nil
	}
	s := &sms.Sender{
		DB:      a.DB,
		Catalog: catalog,
		Meter:   a.SMS.Meter,
		Off:     a.SMS.Off,
		Log:     a.Log,
	}
	if a.Config.SMS.Transport == config.SMSSMPP {
		if err := a.wireSMPP(); err != nil {
			return err
		}
		s.Submit = a.smpp.Submit
	} else {
		a.wireGateway()
		s.Submit = a.gateway.Submit
	}
	a.courier.Senders[sms.Channel] = counted{s, a, sms.Channel}
	return nil
}

func (a *App) wireSMPP() error {
	o, err := smppOptions(a.Config.SMS.SMPP)
	if err != nil {
		return err
	}
	o.Report, o.Log = a.courier.Received, a.Log
	a.smpp = sms.NewSMPP(o)
	return nil
}

func smppOptions(c config.SMSSMPPTo) (sms.SMPPOptions, error) {
	roots, err := authorities("sms.smpp.ca_file", c.CAFile)
	return sms.SMPPOptions{
		Address:    c.Address,
		SystemID:   c.SystemID,
		SystemType: c.SystemType,
		Password:   c.Password,
		From:       c.From,
		TLS:        c.TLS == config.On,
		RootCAs:    roots,
		Timeout:    c.Timeout,
		Window:     c.Window,
		Enquire:    c.Enquire,
	}, err
}

const reportPath = "/sms/report/"

func (a *App) wireGateway() {
	c := a.Config.SMS.HTTP
	a.gateway = &sms.Gateway{
		URL:     c.URL,
		Account: c.Account,
		Token:   c.Token,
		From:    c.From,
		Post:    gatewayClient(c),
	}
	if c.Reports != config.ReportsOff {
		a.gateway.ReportTo = func(returnTo string) string { return a.Config.PublicURL + reportPath + returnTo }
	}
}

// gatewayClient speaks to the gateway and follows no one elsewhere: the code goes with it.
func gatewayClient(c config.SMSHTTPTo) sms.Post {
	client := &http.Client{Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, to, account string, password secret.Text, form url.Values) (int, []byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
		if err != nil {
			return 0, nil, err
		}
		req.GetBody = nil // or the library would send it again by itself, and we should be charged twice
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth(account, password.Reveal())
		return said(client, req)
	}
}

// said is the status and the beginning of an answer.
func said(client *http.Client, req *http.Request) (int, []byte, error) {
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	var body bytes.Buffer
	_, err = io.CopyN(&body, res.Body, 64<<10)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return res.StatusCode, body.Bytes(), err
}

var errNoReport = fault.New(fault.NotFound, "error.not_found")

// mountSMS takes what the gateway reports, where it was asked to.
func (a *App) mountSMS(mux *web.Mux) {
	if a.gateway != nil && a.gateway.ReportTo != nil {
		mux.Machine(http.MethodPost, reportPath+"{message}", a.smsReported)
	}
}

// smsReported believes a report by what only the gateway was given: the message's own
// address, and its signature where that is asked for. Whatever is not believed does not exist.
func (a *App) smsReported(w http.ResponseWriter, r *http.Request) error {
	returnTo := r.PathValue("message")
	if err := r.ParseForm(); err != nil {
		return errNoReport
	}
	signed := a.gateway.Believes(a.Config.PublicURL+reportPath+returnTo, r.PostForm, r.Header.Get("X-Twilio-Signature"))
	if a.Config.SMS.HTTP.Reports == config.ReportsSigned && !signed {
		return errNoReport
	}
	if _, err := message.ReturnedID(a.Keys, returnTo); err != nil {
		return errNoReport
	}
	if state, ok := sms.Reported(r.PostForm); ok {
		err := a.courier.Returned(r.Context(), returnTo, state, a.gateway.Host())
		if errors.Is(err, message.ErrNotOurs) {
			return errNoReport
		}
		if err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// tellSpending tells of every account that was found used up since the last look, once a day.
func (a *App) tellSpending(ctx context.Context) error {
	if a.SMS == nil {
		return nil
	}
	var all error
	for _, account := range a.SMS.Meter.Refused() {
		all = errors.Join(all, a.DB.InTx(ctx, db.Installation, func(tx *db.Tx) error {
			first, err := account.Tell(ctx, tx)
			if err != nil || !first {
				return err
			}
			if account.Unanswered() != "" {
				return a.tellPaused(ctx, tx, account)
			}
			a.Log.Warn("no more text messages today: a spending limit is reached", "limit", account.Name,
				"tenant", account.Tenant)
			return a.tellOf(ctx, tx, account)
		}))
	}
	return all
}

// tellOf tells each operator and, where it is their company's limit, each owner.
func (a *App) tellOf(ctx context.Context, tx *db.Tx, account sms.Account) error {
	vendor, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	c := email.SpendingCeiling{
		Vendor:  vendor.Name,
		Account: account.Name,
		Ceiling: int64(a.ceilingOf(account)),
		At:      tx.Now,
	}
	if account.Tenant != db.Installation {
		company, err := tenant.ByID(ctx, tx.ForTenant(account.Tenant), account.Tenant)
		if err != nil {
			return err
		}
		c.Company, c.Account = company.Name, ""
		if err := a.Notifier.SendToOwners(ctx, tx.ForTenant(account.Tenant), ceilingNotice(c)); err != nil {
			return err
		}
	}
	return a.Notifier.SendToOperators(ctx, tx, ceilingNotice(c))
}

// tellPaused records that a company's texts to a country are paused, and tells its owners and the
// operators, once a day.
func (a *App) tellPaused(ctx context.Context, tx *db.Tx, account sms.Account) error {
	country := account.Unanswered()
	a.Log.Warn("text messages are paused: too few of their codes are entered", "country", country,
		"tenant", account.Tenant)
	vendor, err := tenant.LoadInstallation(ctx, tx)
	if err != nil {
		return err
	}
	of := tx.ForTenant(account.Tenant)
	company, err := tenant.ByID(ctx, of, account.Tenant)
	if err != nil {
		return err
	}
	err = audit.Record(ctx, of, audit.Event{
		Action: audit.TextsPaused,
		Result: audit.OK,
		Method: string(authenticator.SMS),
		Reason: country,
	})
	if err != nil {
		return err
	}
	c := email.TextsPaused{
		Vendor:  vendor.Name,
		Company: company.Name,
		Country: country + " (+" + phone.Calling(country) + ")",
		At:      tx.Now,
	}
	return errors.Join(a.Notifier.SendToOwners(ctx, of, ceilingNotice(c)),
		a.Notifier.SendToOperators(ctx, tx, ceilingNotice(c)))
}

// ceilingNotice has no budget of the address: there is one a day.
func ceilingNotice(c email.Content) notify.Notice {
	return notify.Notice{Purpose: "sms.ceiling", Content: c}
}

func (a *App) ceilingOf(account sms.Account) sms.Money {
	c := a.SMS.Meter.Ceilings
	switch kind, _, _ := strings.Cut(account.Name, ":"); kind {
	case "company":
		return c.Company
	case "country":
		return c.Country
	case "range":
		return c.Range
	}
	return c.Installation
}
