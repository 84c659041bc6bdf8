package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	answerIn   = 10 * time.Second
	longAnswer = 64 << 10
	expiring   = 21 * 24 * time.Hour
)

// outsideClient is a client such as an app would be. It follows no one elsewhere.
func outsideClient() *http.Client {
	return &http.Client{
		Timeout: answerIn,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DisableKeepAlives:   true,
			TLSHandshakeTimeout: answerIn,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// address asks the public address who it is, as an app would, and compares the answer.
func (p *examination) address(ctx context.Context) []Finding {
	const name = "public address"
	public := p.Config.PublicURL
	var said struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	expires, err := fetch(ctx, public+"/.well-known/openid-configuration", &said)
	if err != nil {
		return one(name, Fail, unreachable(err), "%s does not answer as it should: %s", public, withoutAddress(err))
	}
	if said.Issuer != public {
		return one(name, Fail, "public_url must be what people type; look which program answers there",
			"what answers at %s calls itself %q", public, said.Issuer)
	}
	all := []Finding{p.publishedKeys(ctx, said.Keys)}
	if !expires.IsZero() {
		all = append(all, p.expiry("public certificate", expires)...)
	}
	return all
}

// publishedKeys compares the keys that the address publishes with the database's.
func (p *examination) publishedKeys(ctx context.Context, at string) Finding {
	f := Finding{Name: "public address", State: OK, Message: p.Config.PublicURL + " answers, and is this installation"}
	if p.db == nil {
		f.State, f.Message, f.Fix = Warn, p.Config.PublicURL+" answers; whether it is this installation is not known",
			"mend the database first"
		return f
	}
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if !strings.HasPrefix(at, p.Config.PublicURL+"/") {
		f.State, f.Message, f.Fix = Fail, "the keys are said to be elsewhere",
			"look which program answers at the public address"
		return f
	}
	if _, err := fetch(ctx, at, &set); err != nil {
		f.State, f.Message, f.Fix = Fail, "its keys cannot be fetched: "+withoutAddress(err), "look at the server's log"
		return f
	}
	ours, err := p.published(ctx)
	if err != nil {
		f.State, f.Message, f.Fix = Warn, "its keys cannot be compared: "+errorText(err), "mend the database first"
		return f
	}
	for _, k := range set.Keys {
		if ours[k.ID] {
			return f
		}
	}
	f.State, f.Message, f.Fix = Fail, "what answers at "+p.Config.PublicURL+" is another installation",
		"point the name, or the proxy, to this one"
	return f
}

// fetch reads a JSON document and says when the certificate ends that protected it.
func fetch(ctx context.Context, from string, into any) (expires time.Time, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return time.Time{}, err
	}
	res, err := outsideClient().Do(req)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		expires = res.TLS.PeerCertificates[0].NotAfter
	}
	if res.StatusCode == http.StatusMisdirectedRequest {
		return expires, errMisdirected
	}
	if res.StatusCode != http.StatusOK {
		return expires, fmt.Errorf("it answers with status %d", res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, longAnswer)).Decode(into); err != nil {
		return expires, errors.New("it answers with something else than JSON")
	}
	return expires, nil
}

// withoutAddress drops the address from a client's error: the sentence has it already.
func withoutAddress(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return oneLine(err)
}

// errMisdirected: the server was asked under another name, although the address was right.
var errMisdirected = errors.New("it answers with status 421")

func unreachable(err error) string {
	var name *net.DNSError
	var trust *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errMisdirected):
		return "have the proxy in front set the Host header to the host of public_url, or correct public_url at the server"
	case errors.As(err, &name):
		return "give the name an address in DNS, or correct public_url"
	case errors.As(err, &trust):
		return "the certificate must name the host and come from an authority that browsers know"
	}
	return "start the server, and look whether the proxy in front hands requests to the address of listen"
}

func (p *examination) expiry(name string, at time.Time) []Finding {
	left := at.Sub(p.Now())
	switch {
	case left <= 0:
		return one(name, Fail, "put a new certificate in place", "it ended %s ago", age(-left))
	case left < expiring:
		return one(name, Warn, "renew it, and see why that did not happen by itself", "it ends in %s", age(left))
	}
	return one(name, OK, "", "it is good for %s", age(left))
}

// certificate looks at our own, where the program ends TLS itself.
func (p *examination) certificate(context.Context) []Finding {
	const name = "certificate"
	c := p.Config.TLS
	if c.CertFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return one(name, Fail, "check tls.cert_file and tls.key_file", "it cannot be used: %s", oneLine(err))
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return one(name, Fail, "check tls.cert_file", "it cannot be read: %s", oneLine(err))
	}
	if public, err := url.Parse(p.Config.PublicURL); err == nil && leaf.VerifyHostname(public.Hostname()) != nil {
		return one(name, Fail, "get one for that name", "tls.cert_file is not for %s", public.Hostname())
	}
	return append(p.expiry(name, leaf.NotAfter), othersRead("tls.key_file", c.KeyFile)...)
}

func (p *examination) proxies(context.Context) []Finding {
	const name = "proxies"
	list := p.Config.TrustedProxies
	if len(list) == 0 {
		if p.Config.TLS.CertFile == "" && strings.HasPrefix(p.Config.PublicURL, "https") {
			return one(name, Warn, "name the proxy's network in trusted_proxies",
				"there is a proxy, but none is trusted: everyone behind it shares one address and its limits")
		}
		return one(name, OK, "", "none is trusted; addresses are taken as they come")
	}
	for _, s := range list {
		if net, err := netip.ParsePrefix(s); err == nil && !net.Addr().IsPrivate() && !net.Addr().IsLoopback() &&
			net.Addr().BitLen()-net.Bits() > 8 {
			return one(name, Warn, "name the proxies only",
				"%s is a public network of many: each of its machines can choose the address it is counted by", s)
		}
	}
	return one(name, OK, "", "X-Forwarded-For of %s is believed", strings.Join(list, ", "))
}

// othersRead warns of a secret in a file that every account can read. Container platforms
// mount secrets so, which is why it is no failure.
func othersRead(key, file string) []Finding {
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o007 == 0 {
		return nil
	}
	return one("files", Warn, "chmod 640, unless a container has no one else",
		"%s is readable by every account of this machine", key)
}
