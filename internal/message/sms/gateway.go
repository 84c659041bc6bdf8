package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" // what gateways sign with; as an HMAC it is not broken
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	"countersign/internal/message"
	"countersign/internal/secret"
)

// Post sends a form with basic authentication and returns the answer's status and the first
// 64 KiB of its body. It follows no redirect.
type Post func(ctx context.Context, to, user string, password secret.Text, form url.Values) (status int,
	body []byte, err error)

// Gateway speaks to Twilio's Messages API, or to whatever has its shape.
type Gateway struct {
	URL     string // "https://api.twilio.com"
	Account string
	Token   secret.Text
	From    string // a number, a sender's name, or a messaging service ("MG…")
	// ReportTo makes the address to which reports on a message come; nil: none are asked for.
	ReportTo func(returnTo string) string
	Post     Post
}

// Submit implements Submit.
func (g *Gateway) Submit(ctx context.Context, m Message) (handle, host string, err error) {
	form := url.Values{"To": {m.To}, "Body": {m.Text}}
	if strings.HasPrefix(g.From, "MG") && len(g.From) == 34 {
		form.Set("MessagingServiceSid", g.From)
	} else {
		form.Set("From", g.From)
	}
	if g.ReportTo != nil {
		form.Set("StatusCallback", g.ReportTo(m.ReturnTo))
	}
	status, body, err := g.Post(ctx, g.URL+"/2010-04-01/Accounts/"+url.PathEscape(g.Account)+"/Messages.json",
		g.Account, g.Token, form)
	if err != nil {
		return "", g.Host(), asNotTaken(err)
	}
	handle, err = readAnswer(status, body)
	return handle, g.Host(), err
}

// Host is the name of the gateway's machine.
func (g *Gateway) Host() string {
	u, err := url.Parse(g.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// asNotTaken tells a failure to reach anyone from one after which no one knows. Neither may
// quote the request, which holds the code.
func asNotTaken(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return &NotTaken{errors.New("the gateway cannot be reached")}
	}
	var stranger *tls.CertificateVerificationError
	if errors.As(err, &stranger) {
		return &NotTaken{errors.New("the gateway's certificate cannot be verified")}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("the gateway did not answer in time")
	}
	return errors.New("the connection to the gateway broke")
}

// The codes by which the gateway refuses a recipient for good.
var refusesRecipient = []int{21211, 21214, 21217, 21408, 21610, 21612, 21614, 21635, 30003, 30004, 30005, 30006}

// readAnswer judges what the gateway said. A success that cannot be read is still one.
func readAnswer(status int, body []byte) (handle string, err error) {
	var said struct {
		SID    string `json:"sid"`
		Status string `json:"status"`
		Code   int    `json:"code"`
		Error  int    `json:"error_code"`
	}
	_ = json.Unmarshal(body, &said)
	problem := fmt.Errorf("the gateway answers %d, code %d", status, max(said.Code, said.Error))
	switch {
	case status/100 == 2 && (said.Status == "failed" || said.Status == "undelivered"):
		return "", &message.Refusal{Cause: problem}
	case status/100 == 2:
		return handleOf(said.SID), nil
	case status/100 == 5, status == 408: // it may have been taken before something broke
		return "", problem
	case slices.Contains(refusesRecipient, said.Code):
		return "", &message.Refusal{Cause: problem}
	case status == 400 && said.Code/1000 == 21: // it does not take this message
		return "", &message.Refusal{Cause: problem}
	}
	return "", &NotTaken{problem} // too many at once, or our account: mendable while the code lives
}

// handleOf keeps a name to what fits a column and a log.
func handleOf(sid string) string {
	if len(sid) > 64 || strings.ContainsFunc(sid, func(r rune) bool { return r < '-' || r > 'z' }) {
		return ""
	}
	return sid
}

// Believes checks the signature of a report: HMAC-SHA1 of the address and the sorted form,
// as Twilio's "Validating requests" describes it, compared in constant time.
func (g *Gateway) Believes(address string, form url.Values, signature string) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && g.Token != "" && hmac.Equal(got, Sign(g.Token, address, form))
}

// Sign is the signature that a gateway puts on a report.
func Sign(token secret.Text, address string, form url.Values) []byte {
	mac := hmac.New(sha1.New, []byte(token.Reveal()))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			mac.Write([]byte(name + value))
		}
	}
	return mac.Sum(nil)
}

// Reported reads the state out of a report; ok is false for those that tell nothing new.
func Reported(form url.Values) (state message.State, ok bool) {
	switch form.Get("MessageStatus") {
	case "delivered", "read":
		return message.Delivered, true
	case "undelivered", "failed":
		return message.Bounced, true
	}
	return "", false
}
