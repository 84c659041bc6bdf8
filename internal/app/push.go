package app

import (
	"context"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/outofband"
	"countersign/internal/authenticator/receiver"
	"countersign/internal/config"
	"countersign/internal/locale"
	"countersign/internal/message"
	"countersign/internal/message/push"
)

// receivers is what a House has of code receivers; both nil where they are switched off.
type receivers struct {
	Receivers *receiver.Verifier
	Push      *push.Identity
}

// furnishPush makes code receivers, which furnishMethods then offers.
func (h *House) furnishPush(queue *message.Queue) {
	if h.Config.Push.Receivers == config.Off {
		return
	}
	h.Push = &push.Identity{DB: h.DB, Keys: h.Keys}
	h.Receivers = &receiver.Verifier{Keys: h.Keys, Queue: queue, Limits: h.Config.Limits, Mask: outofband.Mask}
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
	c := a.Config.Push
	roots, err := authorities("push.ca_file", c.CAFile)
	if err != nil {
		return err
	}
	services := make([]string, len(c.Services))
	for i, s := range c.Services {
		services[i] = push.HostPort(s)
	}
	sender := push.New(push.Options{
		Identity: a.Push, Subject: push.Subject(c.Contact, a.Config.PublicURL, a.Config.SMTP.From), Services: services, RootCAs: roots,
		Timeout: c.Timeout, Catalog: catalog, Now: a.DB.Now,
		Gone: func(ctx context.Context, tenant, id string) error { return a.Receivers.Gone(ctx, a.DB, tenant, id) },
	})
	a.courier.Senders[push.Channel] = counted{sender, a, push.Channel}
	return nil
}
