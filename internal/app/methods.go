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

// method is one kind of authenticator that this installation can ask for and set up.
type method interface {
	authenticator.Verifier
	authenticator.Binder
}

// furnishMethods says what people may sign in with beside a password and their mailbox.
func (h *Core) furnishMethods(queue *message.Queue) error {
	all := map[authenticator.Kind]method{
		authenticator.TOTP:   totp.Verifier{Keys: h.Keys},
		authenticator.Backup: lookup.Verifier{Hash: h.Passwords.HashCode, Match: h.Passwords.MatchCode},
	}
	// A command may run without public_url. It decides as a server with a usable address would.
	switch keys, err := passkey.New(cmp.Or(h.Config.PublicURL, "http://localhost"), h.Keys); {
	case errors.Is(err, passkey.ErrAddress):
		h.Log.Warn("no passkeys", "reason", err)
	case err != nil:
		return fmt.Errorf("passkeys: %w", err)
	default:
		all[authenticator.Passkey], h.FirstStep.Passkeys = keys, keys
	}
	if h.SMS != nil {
		all[authenticator.SMS] = *h.SMS
	}
	if h.Receivers != nil {
		all[authenticator.Push] = *h.Receivers
	}
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
	for kind, m := range all {
		h.SignIn.Others[kind], h.Binding.Binders[kind] = m, m
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
