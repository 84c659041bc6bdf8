package app

import (
	"context"
	"log/slog"
	"net/http"

	"countersign/internal/config"
	"countersign/internal/message/push"
	"countersign/internal/message/sms"
	"countersign/internal/secret"
)

// ProbeSMS asks the gateway or the carrier of a configuration whether it takes our account.
// Nothing is sent and nothing is paid for. The errors are those of sms.
func ProbeSMS(ctx context.Context, c config.SMS) error {
	if c.Transport == config.SMSSMPP {
		o, err := smppOptions(c.SMPP)
		if err != nil {
			return err
		}
		o.Log = slog.New(slog.DiscardHandler)
		return sms.NewSMPP(o).Probe(ctx)
	}
	client := &http.Client{Timeout: c.HTTP.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	g := sms.Gateway{URL: c.HTTP.URL, Account: c.HTTP.Account, Token: c.HTTP.Token}
	return g.Probe(ctx, func(ctx context.Context, from, account string, password secret.Text) (int, []byte, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return 0, nil, err
		}
		req.SetBasicAuth(account, password.Reveal())
		return said(client, req)
	})
}

// ReachPush opens a connection to a push service ("host:port") as a push would, and closes it.
func ReachPush(ctx context.Context, c config.Push, service string) error {
	o, err := pushOptions(c)
	if err != nil {
		return err
	}
	return push.New(o).Reach(ctx, service)
}
