package oidc

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"countersign/internal/audit"
	"countersign/internal/client"
	"countersign/internal/locale"
)

const unknownClient = "unknown_client"

// refusedClient tells operators why an app cannot connect: one line of the log and one row of
// the installation's audit trail. The answer to the app does not depend on it.
func (p *Provider) refusedClient(r *http.Request, clientID, reason, address string) {
	if !client.ValidID(clientID) {
		clientID = "" // anything may be in the wrong field, a secret too
	}
	e := event(r, clientID)
	e.Action, e.Result, e.Reason, e.SubjectID = audit.ClientRefused, audit.Refused, reason, hostOf(address)
	subject := clientID + " " + reason
	if reason == unknownClient { // of which there is no end
		subject = reason
	}
	recorded, err := client.RecordRefusal(r.Context(), p.DB, subject, e)
	if err == nil && !recorded {
		return
	}
	line := []slog.Attr{
		slog.String("client", clientID), slog.String("reason", reason), slog.String("host", e.SubjectID),
		slog.String("ip", e.IP), slog.String("request_id", e.RequestID),
	}
	if err != nil {
		line = append(line, slog.String("audit", err.Error()))
	}
	p.Web.Log.LogAttrs(r.Context(), slog.LevelWarn, "an app was refused", line...)
}

// refusedRequest tells of a request to authorize or to sign out that names the wrong client
// or an address that is not registered.
func (p *Provider) refusedRequest(r *http.Request, q url.Values, err error) {
	switch {
	case errors.Is(err, errUnknownClient):
		p.refusedClient(r, q.Get("client_id"), unknownClient, q.Get("redirect_uri"))
	case errors.Is(err, errBadRedirect):
		p.refusedClient(r, q.Get("client_id"), "unregistered_redirect_uri", q.Get("redirect_uri"))
	case errors.Is(err, errBadLogout):
		p.refusedClient(r, q.Get("client_id"), "unregistered_logout_uri", q.Get("post_logout_redirect_uri"))
	}
}

// hostOf is the part of an address that can be told: no path, no query, no user name.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := u.Host
	if host == "" && u.Scheme != "" {
		host = u.Scheme + ":"
	}
	return locale.Line(strings.ToLower(host), 100)
}
