package doctor

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/internal/config"
	"countersign/internal/db"
	"countersign/internal/db/dbtest"
	"countersign/internal/message/push/pushtest"
	"countersign/internal/message/sms"
	"countersign/internal/phone"
	"countersign/internal/secret"
	"countersign/internal/tenant"
)

func texting(url string) config.Config {
	c := config.Default()
	c.SMS.Transport, c.SMS.Countries, c.SMS.Prices = config.SMSHTTP, []string{"ES", "DE"},
		[]string{"49=75000", "34=68000"}
	c.SMS.HTTP.URL, c.SMS.HTTP.Account, c.SMS.HTTP.Token, c.SMS.HTTP.Timeout = url, "AC1", "canary-token", time.Second
	return c
}

// TestGatewaysAreAskedWithoutASend: every answer has its finding, and nothing is ever posted.
func TestGatewaysAreAskedWithoutASend(t *testing.T) {
	status, body := 0, ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodGet || r.URL.Path != "/2010-04-01/Accounts/AC1.json" || user != "AC1" ||
			password != "canary-token" {
			t.Errorf("%s %s by %s", r.Method, r.URL.Path, user)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	for _, c := range []struct {
		status int
		body   string
		want   State
		says   string
	}{
		{200, `{"status":"active"}`, OK, "takes our account"}, {200, `not JSON`, OK, "takes our account"},
		{200, `{"status":"suspended"}`, Fail, "may not send"},
		{401, ``, Fail, "does not take our account and password"}, {403, ``, Fail, "does not take"},
		{404, ``, Warn, "does not say whether"}, {405, ``, Warn, "does not say whether"},
		{500, ``, Fail, "answers 500"}, {302, ``, Fail, "answers 302"},
	} {
		status, body = c.status, c.body
		f := only(t, patientAt(texting(s.URL)).texts(t.Context()))
		if f.State != c.want || !strings.Contains(f.Message, c.says) || (f.Fix == "") != (f.State == OK) ||
			strings.Contains(f.Message+f.Fix, "canary") {
			t.Errorf("%d %s: %+v", c.status, c.body, f)
		}
	}
	status, body = 200, ""
	silent, off := texting(s.URL), texting(s.URL)
	silent.SMS.HTTP.Reports, off.SMS.Enabled = config.ReportsOff, false
	if all := patientAt(silent).texts(t.Context()); len(all) != 2 || all[1].State != Warn {
		t.Errorf("without reports: %+v", all)
	}
	if f := only(t, patientAt(off).texts(t.Context())); f.State != Warn ||
		!strings.Contains(f.Message, "emergency brake") {
		t.Errorf("%+v", f)
	}
	s.Close()
	if f := only(t, patientAt(texting(s.URL)).texts(t.Context())); f.State != Fail ||
		!strings.Contains(f.Message, "cannot be reached") {
		t.Errorf("no one is there: %+v", f)
	}
	if f := only(t, patientAt(config.Default()).texts(t.Context())); f.State != OK {
		t.Errorf("none are sent: %+v", f)
	}
}

func TestWhatTextsCostAndMayCost(t *testing.T) {
	dbtest.Each(t, func() time.Time { return noon }, func(t *testing.T, d *db.DB) {
		find := func(change func(*config.SMS)) []Finding {
			p := patientAt(texting(""))
			p.db = d
			change(&p.Config.SMS)
			return p.textPrices(t.Context())
		}
		if f := only(t, find(func(*config.SMS) {})); f.State != OK ||
			!strings.Contains(f.Message, "up to 0.075; at that price 1333 a day may leave, 333 of them") {
			t.Errorf("%+v", f)
		}
		for prices, missing := range map[string]string{"": "ES, DE", "49=75000": "ES",
			"4915=75000": "ES", "3=1": "DE"} {
			f := only(t, find(func(c *config.SMS) { c.Prices = strings.Fields(prices) }))
			if f.State != Warn || !strings.Contains(f.Fix, "sms.prices") ||
				!strings.HasSuffix(f.Message, "stands in for "+missing) {
				t.Errorf("prices %q: %+v", prices, f)
			}
		}
		dear := func(c *config.SMS) { c.Prices = append(c.Prices, "49151=3000000") } // one beginning of one country
		if f := only(t, find(dear)); f.State != Fail ||
			!strings.Contains(f.Message, "sms.budget.range is 2, and one text to DE costs more") {
			t.Errorf("dearer than a limit: %+v", f)
		}
		if f := only(t, find(func(c *config.SMS) { c.Budget.Company = 0 })); f.State != Fail ||
			!strings.Contains(f.Message, "sms.budget.company is 0, and one text to ES, DE") {
			t.Errorf("nothing may be spent: %+v", f)
		}
		m := sms.Meter{Prices: sms.Prices{Default: 90},
			Ceilings: sms.Ceilings{Installation: 1000, Company: 100, Country: 1000, Range: 1000}}
		err := d.InTx(t.Context(), "acme", func(tx *db.Tx) error {
			_, err := m.Reserve(t.Context(), tx, phone.Number{E164: "+4915112345678", Region: "DE"}, 1)
			return err
		})
		all := find(func(*config.SMS) {})
		if err != nil || len(all) != 2 || all[1].State != Warn ||
			!strings.Contains(all[1].Message, "0.00009 of 0.0001 are spent today for company acme") {
			t.Errorf("%v %+v", err, all)
		}
	})
}

func TestWhoseNumbersAreTaken(t *testing.T) {
	dbtest.Each(t, func() time.Time { return noon }, func(t *testing.T, d *db.DB) {
		p := patientAt(texting(""))
		p.db = d
		company := func(id string, countries tenant.Countries) {
			err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
				if _, err := tenant.Create(t.Context(), tx, id, id, tenant.Company); err != nil {
					return err
				}
				return tenant.SetCountries(t.Context(), tx.ForTenant(id), countries)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		company("all", "")
		company("some", "DE")
		if f := only(t, p.textCountries(t.Context())); f.State != OK ||
			!strings.Contains(f.Message, "of 2 are taken: DE ES") {
			t.Errorf("%+v", f)
		}
		company("none", "FR PT")
		if all := p.textCountries(t.Context()); len(all) != 2 || all[1].State != Warn ||
			!strings.Contains(all[1].Message, "company none takes none") {
			t.Errorf("%+v", all)
		}
		p.Config.SMS.Countries = strings.Fields(
			"AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE")
		if all := p.textCountries(t.Context()); all[0].State != Warn || !strings.Contains(all[0].Message, "of 27") {
			t.Errorf("%+v", all)
		}
		p.Config.SMS.Countries = []string{"DE", "XX"}
		if f := only(t, p.textCountries(t.Context())); f.State != Fail {
			t.Errorf("%+v", f)
		}
	})
}

// TestWhatPushNeeds: a secure page, a key that opens, and a way out.
func TestWhatPushNeeds(t *testing.T) {
	dbtest.Each(t, func() time.Time { return noon }, func(t *testing.T, d *db.DB) {
		keys := secret.NewKeys(noon)
		p := patientAt(config.Default())
		p.db, p.keys, p.Config.PublicURL = d, keys, "https://sign-in.example.test"
		if f := only(t, p.receivers(t.Context())); f.State != OK || !strings.Contains(f.Message, "is made when") {
			t.Errorf("before there is a key: %+v", f)
		}
		keep := func(with *secret.Keys) {
			err := d.InTx(t.Context(), db.Installation, func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `INSERT INTO push_keys (id, sealed, created_at)
					VALUES ('vapid', $1, $2) ON CONFLICT (id) DO UPDATE
						SET sealed = excluded.sealed`, with.Seal([]byte("x"), "push_keys", "sealed", "vapid"), tx.Now)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		keep(secret.NewKeys(noon))
		if f := only(t, p.receivers(t.Context())); f.State != Fail || !strings.Contains(f.Fix, "key file") {
			t.Errorf("a key of another: %+v", f)
		}
		p.Config.PublicURL = "http://sign-in.example.test"
		if f := only(t, p.receivers(t.Context())); f.State != Fail || !strings.Contains(f.Message, "https pages only") {
			t.Errorf("an open page: %+v", f)
		}
		p.Config.Push.Receivers = config.Off
		if f := only(t, p.receivers(t.Context())); f.State != OK || p.pushServices(t.Context()) != nil {
			t.Errorf("switched off: %+v", f)
		}
	})
}

func TestTheWayOutToPushServices(t *testing.T) {
	s := pushtest.New(t, time.Now)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	known := makers
	defer func() { makers = known }()
	makers = nil
	p := patientAt(config.Default())
	p.Config.Push.Services, p.Config.Push.CAFile = []string{s.Host}, ca
	if f := only(t, p.pushServices(t.Context())); f.State != OK {
		t.Errorf("%+v", f)
	}
	p.Config.Push.CAFile = ""
	if f := only(t, p.pushServices(t.Context())); f.State != Warn ||
		!strings.Contains(f.Message, "none can be reached") {
		t.Errorf("a stranger's certificate: %+v", f)
	}
	p.Config.Push.CAFile, p.Config.Push.Services = ca, []string{s.Host, "127.0.0.1:1"}
	if all := p.pushServices(t.Context()); len(all) != 1 ||
		!strings.Contains(all[0].Message, "127.0.0.1:1 (push.services) cannot be reached") ||
		!strings.Contains(all[0].Fix, "firewall") {
		t.Errorf("%+v", all)
	}
	if !slices.ContainsFunc(known, func(m struct{ service, browsers string }) bool { return m.browsers == "Firefox" }) {
		t.Error("a maker is missing")
	}
}
