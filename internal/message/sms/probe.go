package sms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"countersign/internal/message"
	"countersign/internal/secret"
)

// What a probe can find beside a failure to reach anyone. None of them costs anything.
var (
	ErrCredentials = errors.New("it does not take our account and password")
	ErrAccount     = errors.New("it knows our account, which may not send")
	ErrSilent      = errors.New("it answers, and does not say whether it takes our account and password")
	ErrBound       = errors.New("it takes one connection of our account, and has that already")
)

// Get asks with basic authentication and returns the answer's status and the first 64 KiB of
// its body. It follows no redirect.
type Get func(ctx context.Context, from, user string, password secret.Text) (status int, body []byte, err error)

// Probe asks the gateway about our own account, which sends nothing and costs nothing.
func (g *Gateway) Probe(ctx context.Context, get Get) error {
	status, body, err := get(ctx, g.URL+"/2010-04-01/Accounts/"+url.PathEscape(g.Account)+".json", g.Account, g.Token)
	if err != nil {
		err = asNotTaken(err)
		var not *NotTaken
		if errors.As(err, &not) {
			err = not.Cause
		}
		return err
	}
	switch {
	case status == 401, status == 403:
		return ErrCredentials
	case status == 404, status == 405:
		return ErrSilent
	case status/100 != 2:
		return fmt.Errorf("the gateway answers %d", status)
	}
	var account struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(body, &account) == nil && account.Status != "" && account.Status != "active" {
		return ErrAccount
	}
	return nil
}

// How a carrier refuses a bind (SMPP 3.4 section 5.1.3).
const (
	statusBound    uint32 = 0x05 // already bound
	statusPassword uint32 = 0x0e
	statusSystemID uint32 = 0x0f
)

// Probe binds as a transmitter, to which no receipts come that someone else waits for, and
// says goodbye. It sends nothing and costs nothing.
func (s *SMPP) Probe(ctx context.Context) error {
	o := s.o
	o.Report = func(context.Context, string, message.State, string) error { return errors.New("only a probe") }
	probe := &SMPP{o: o, host: s.host}
	l, err := probe.connectAs(ctx, bindTransmitter)
	var refused *bindError
	if errors.As(err, &refused) {
		switch refused.status {
		case statusBound:
			return ErrBound
		case statusPassword, statusSystemID:
			return ErrCredentials
		}
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	_, _ = l.request(ctx, unbind, nil)
	l.close(errors.New("unbound"))
	return nil
}

// bindError is a carrier's refusal to let us in.
type bindError struct{ status uint32 }

// Error is for the log.
func (b *bindError) Error() string {
	return fmt.Sprintf("the carrier does not let us in: status %#x", b.status)
}
