package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"countersign/internal/config"
)

// HealthcheckCmd asks the server that runs with the same configuration how it is. A
// container has no other program that could.
type HealthcheckCmd struct {
	Timeout time.Duration `default:"3s" help:"How long the answer may take."`
}

// Run fails unless the server on this machine answers that it is well.
func (c HealthcheckCmd) Run(ctx context.Context, env *Env) error {
	conf, _, err := env.loadForCommand()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	address, transport, err := own(conf)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz", nil)
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not well: %s", res.Status)
	}
	env.say(map[string]string{"status": "ok"}, "ok\n")
	return nil
}

// own is the address of our own listener as this machine reaches it.
func own(c config.Config) (string, *http.Transport, error) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return "", nil, err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	if c.TLS.CertFile == "" {
		return "http://" + address, &http.Transport{}, nil
	}
	t, err := pinned(c.TLS.CertFile)
	return "https://" + address, t, err
}

// pinned speaks TLS with the holder of the certificate in that file. No name and no
// authority are checked: it was not issued for the address that we call.
func pinned(file string) (*http.Transport, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("tls.cert_file %s holds no certificate", file)
	}
	return &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
				return errors.New("another program answers: its certificate is not ours")
			}
			return nil
		},
	}}, nil
}
