package app

import (
	"cmp"
	"errors"
	"fmt"

	"countersign/internal/authenticator"
	"countersign/internal/authenticator/lookup"
	"countersign/internal/authenticator/passkey"
	"countersign/internal/authenticator/totp"
	"countersign/internal/binding"
	"countersign/internal/message"
	"countersign/internal/profile"
)

// buildMethods makes the methods that people may sign in with, besides a password and their mailbox.
func (h *Core) buildMethods(queue *message.Queue) error {
	h.Binding = &binding.Service{
		DB:       h.DB,
		Gate:     h.Gate,
		SignIn:   h.SignIn,
		Keys:     h.Keys,
		Notifier: h.Notifier,
		Limits:   h.Config.Limits,
		Origin:   h.Config.PublicURL,
		Binders:  map[authenticator.Kind]authenticator.Binder{},
	}
	if h.SignIn.Others == nil {
		h.SignIn.Others = map[authenticator.Kind]authenticator.Verifier{}
	}
	add := func(kind authenticator.Kind, verifier authenticator.Verifier, binder authenticator.Binder) {
		h.SignIn.Others[kind], h.Binding.Binders[kind] = verifier, binder
	}
	app := totp.Verifier{Keys: h.Keys}
	add(authenticator.TOTP, app, app)
	codes := lookup.Verifier{Hash: h.Passwords.HashCode, Match: h.Passwords.MatchCode}
	add(authenticator.Backup, codes, codes)
	// A command may run without public_url. It decides as a server with a usable address would.
	switch keys, err := passkey.New(cmp.Or(h.Config.PublicURL, "http://localhost"), h.Keys); {
	case errors.Is(err, passkey.ErrAddress):
		h.Log.Warn("no passkeys", "reason", err)
	case err != nil:
		return fmt.Errorf("passkeys: %w", err)
	default:
		add(authenticator.Passkey, keys, keys)
		h.FirstStep.Passkeys = keys
	}
	if h.SMS != nil {
		add(authenticator.SMS, *h.SMS, *h.SMS)
	}
	if h.Receivers != nil {
		add(authenticator.Push, *h.Receivers, *h.Receivers)
	}
	h.Gate.Bindable = h.Binding.Kinds()
	h.Profile = &profile.Service{
		DB:        h.DB,
		Keys:      h.Keys,
		Queue:     queue,
		Notifier:  h.Notifier,
		Passwords: h.Passwords,
		Limits:    h.Config.Limits,
		Origin:    h.Config.PublicURL,
		SMTPUTF8:  h.Config.SMTP.UTF8(),
	}
	return nil
}
