package client

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"countersign/internal/db"
)

// BrowserOrigins lists the origins of the redirect URIs of public clients that are in use:
// where apps inside a browser run.
func BrowserOrigins(ctx context.Context, tx *db.Tx) (origins []string, err error) {
	uris, err := tx.Texts(ctx, `SELECT u.uri FROM client_uris u JOIN clients c ON c.id = u.client_id
		WHERE c.kind = $1 AND c.disabled_at = 0 AND u.kind = $2`, Public, Redirect)
	if err != nil {
		return nil, fmt.Errorf("list browser origins: %w", err)
	}
	for _, uri := range uris {
		if origin := originOf(uri); origin != "" {
			origins = append(origins, origin)
		}
	}
	return origins, nil
}

// originOf is the origin of a web address as browsers write it (RFC 6454 6.2): lower case,
// without the port that goes with the scheme.
func originOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]; strings.HasSuffix(host, port) {
		host = strings.TrimSuffix(host, port)
	}
	return u.Scheme + "://" + strings.TrimSuffix(host, ":")
}

// IsOrigin reports whether text is the origin of a web page, and not "null" or anything else
// that a header can hold.
func IsOrigin(text string) bool { return text != "" && len(text) <= 300 && originOf(text) == text }
