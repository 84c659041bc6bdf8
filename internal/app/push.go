package app

import (
	"context"
	"errors"
	"net/http"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/config"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/push"
	"countersign/internal/web"
)

// receivers is what a House has of code receivers; both nil where they are switched off.
type receivers struct {
	Receivers *receiver.Verifier
	Push      *push.Identity
}

// buildPush makes code receivers, which buildMethods then offers.
func (h *Core) buildPush(queue *message.Queue) {
	if h.Config.Push.Receivers == config.Off {
		return
	}
	h.Push = &push.Identity{DB: h.DB, Keys: h.Keys}
	h.Receivers = &receiver.Verifier{
		Keys:     h.Keys,
		Queue:    queue,
		Notifier: h.Notifier,
		Limits:   h.Config.Limits,
	}
	if h.SignIn.Others == nil {
		h.SignIn.Others = map[authenticator.Kind]authenticator.Verifier{}
	}
	h.SignIn.Others[authenticator.Push] = *h.Receivers
}

// wirePush gives the courier its way to browsers.
func (a *App) wirePush(catalog *locale.Catalog) error {
	if a.Receivers == nil {
		return nil
	}
	o, err := pushOptions(a.Config.Push)
	if err != nil {
		return err
	}
	o.Identity, o.Catalog, o.Now = a.Push, catalog, a.DB.Now
	o.Subject = push.Subject(a.Config.Push.Contact, a.Config.PublicURL, a.Config.SMTP.From)
	o.Gone = func(ctx context.Context, tenant, id string) error { return a.Receivers.Gone(ctx, a.DB, tenant, id) }
	a.courier.Senders[push.Channel] = counted{push.New(o), a, push.Channel}
	return nil
}

// pushOptions are those that say how push services are reached.
func pushOptions(c config.Push) (o push.Options, err error) {
	o.Timeout = c.Timeout
	for _, s := range c.Services {
		o.Services = append(o.Services, push.HostPort(s))
	}
	o.RootCAs, err = authorities("push.ca_file", c.CAFile)
	return o, err
}

// mountPush takes what receivers tell of the pushes that they have shown. Each push has an
// address of its own that no one can guess, and what comes there changes what a page says of
// that push and nothing else.
func (a *App) mountPush(mux *web.Mux) {
	if a.Receivers != nil {
		mux.Machine(http.MethodPost, "/receiver/shown/{push}", a.pushShown)
	}
}

func (a *App) pushShown(w http.ResponseWriter, r *http.Request) error {
	err := a.courier.Shown(r.Context(), r.PathValue("push"))
	if errors.Is(err, message.ErrNotOurs) {
		return errNoReport
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
