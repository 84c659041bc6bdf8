package rig

import (
	"fmt"
	"net"
	"testing"

	"countersign/acceptance/carrier"
)

// Texting is a world with a telephone network: a gateway over HTTP, or a carrier over SMPP.
type Texting struct {
	*World
	*carrier.Phones
	Gateway *carrier.Gateway // nil where there is a carrier
	SMSC    *carrier.SMSC    // nil where there is a gateway

	options Options
}

// Again starts the first program anew, with the network that it had.
func (w *Texting) Again(t testing.TB) {
	t.Helper()
	w.Restart(t, w.options)
}

// Says runs a subcommand with the configuration of the world, and env beside it.
func (w *Texting) Says(t testing.TB, env []string, args ...string) (said string, code int) {
	t.Helper()
	o := w.options
	o.Env = append(o.Env, env...)
	return w.Command(t, o, args...)
}

// TextPrice is what one text costs in a Texting, in millionths.
const TextPrice = 100_000

const smsText = `[sms]
transport = %q
countries = ["DE", "ES", "US"]
default_price = %d
`

// EachGateway runs fn on both databases in a world of its own that sends texts over HTTP;
// texts is how many a company, and the whole installation, may send in a day.
func EachGateway(t *testing.T, flavour Flavour, texts int, fn func(t *testing.T, w *Texting)) {
	t.Helper()
	eachTexting(t, func(t *testing.T, engine string) *Texting {
		g := carrier.NewGateway()
		t.Cleanup(g.Stop)
		o := Options{Flavour: flavour, Config: smsConfig("http", texts) + fmt.Sprintf(
			"[sms.http]\nurl = %q\naccount = %q\ntoken = %q\nfrom = \"+15005550006\"\ntimeout = \"5s\"\n", g.URL,
			carrier.Account, carrier.Token)}
		w := New(t, engine, o)
		g.Via = w.machine(nil)
		return &Texting{
			World:   w,
			Phones:  g.Phones,
			Gateway: g,
			options: o,
		}
	}, fn)
}

// EachSMPP is EachGateway with a carrier.
func EachSMPP(t *testing.T, flavour Flavour, texts int, fn func(t *testing.T, w *Texting)) {
	t.Helper()
	eachTexting(t, func(t *testing.T, engine string) *Texting {
		c, err := carrier.NewSMSC("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Stop)
		_, port, _ := net.SplitHostPort(c.Addr)
		o := Options{Flavour: flavour, Config: smsConfig("smpp", texts) + fmt.Sprintf(
			"[sms.smpp]\naddress = \"127.0.0.1:%s\"\nsystem_id = %q\npassword = %q\nfrom = \"Example\"\ntls = \"off\"\ntimeout = \"4s\"\nenquire = \"1s\"\n",
			port, carrier.SystemID, carrier.Password)}
		return &Texting{
			World:   New(t, engine, o),
			Phones:  c.Phones,
			SMSC:    c,
			options: o,
		}
	}, fn)
}

func smsConfig(transport string, texts int) string {
	return fmt.Sprintf(smsText, transport, TextPrice) + fmt.Sprintf("[sms.budget]\ninstallation = %d\ncompany = %d\n",
		texts*TextPrice, texts*TextPrice)
}

func eachTexting(t *testing.T, start func(t *testing.T, engine string) *Texting, fn func(t *testing.T, w *Texting)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := start(t, engine)
			t.Cleanup(w.Close)
			fn(t, w)
		})
	}
}

// Number gives an account a telephone, by writing the rows that set-up would write.
func (u *User) Number(t testing.TB) string {
	t.Helper()
	w := u.Tenant.world
	serial := w.serial.Add(1)
	number := fmt.Sprintf("+49151%08d", 20_000_000+1_000*serial) // each in a range of its own
	var userID string
	if err := w.rows.QueryRow(`SELECT user_id FROM directory WHERE email_key = $1`, u.Email).Scan(&userID); err != nil {
		t.Fatal(err)
	}
	id, at := fmt.Sprintf("telephone%d", serial), w.Now().UnixMicro()
	w.Tamper(t,
		`INSERT INTO authenticators (tenant_id, id, user_id, kind, label, failures, bound_at, last_used_at, disabled_at) VALUES ($1, $2, $3, 'sms', 'My phone', 0, $4, 0, 0)`,
		u.Tenant.ID, id, userID, at)
	w.Tamper(t, `INSERT INTO outofband_addresses (tenant_id, authenticator_id, address, verified_at)
		VALUES ($1, $2, $3, $4)`, u.Tenant.ID, id, number, at)
	return number
}

// CodeIn is the code that a text carries, as a browser reads it: from the last line.
func CodeIn(t testing.TB, text carrier.Text) string {
	t.Helper()
	var code string
	last := text.Body[max(0, len(text.Body)-len("@"+Host+" #000000")):]
	if _, err := fmt.Sscanf(last, "@"+Host+" #%6s", &code); err != nil || len(code) != 6 {
		t.Fatalf("no code for this page in a text of %d letters", len(text.Body))
	}
	return code
}
