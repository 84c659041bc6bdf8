// Package passwordlink owns the links with which people set a password: a new one when they forgot it, the
// first one when they were invited. A link works once, signs no one in and changes no method. Requesting one
// does not reveal whether an address has an account.
package passwordlink

import (
	"countersign/internal/authenticator/password"
	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/fault"
	"countersign/internal/message"
	"countersign/internal/notify"
	"countersign/internal/secret"
)

// Service mails links and sets passwords.
type Service struct {
	DB        *db.DB
	Keys      *secret.Keys
	Queue     *message.Queue
	Notifier  *notify.Notifier
	Passwords *password.Pool
	Limits    config.Limits
	Origin    string // public origin, for the links in mails
}

var (
	errSlowDown = fault.New(fault.RateLimited, "signin.problem.wait")
	errInvalid  = fault.New(fault.NotFound, "link.invalid")
)
