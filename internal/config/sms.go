package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"countersign/internal/secret"
)

// How text messages may leave.
const (
	SMSNone = "none"
	SMSHTTP = "http"
	SMSSMPP = "smpp"
)

// Switches, where a word says more than true and false.
const (
	On  = "on"
	Off = "off"
)

// Whom a report about a message is believed from.
const (
	ReportsSigned = "signed"
	ReportsToken  = "token"
	ReportsOff    = "off"
)

// SMS is how text messages leave, and what they may cost.
type SMS struct {
	Transport    string     `toml:"transport" doc:"none, http (Twilio's Messages API and what has its shape) or smpp (3.4, to a carrier)."`
	Enabled      bool       `toml:"enabled" doc:"false in an emergency: nothing is sent, and people are offered their other methods."`
	Countries    []string   `toml:"countries" doc:"Countries whose numbers may be used, as two letters: [\"DE\", \"ES\"]. Must be given with a transport. A company may narrow it (tenant set --sms-countries). Numbers of premium, shared-cost, satellite and personal services are never used."`
	DefaultPrice int        `toml:"default_price" doc:"What one message costs where sms.prices says nothing, in millionths of your currency. Take the dearest."`
	Prices       []string   `toml:"prices" doc:"Prices by the first digits of the number with its calling code, in millionths: [\"49=75000\", \"1=8000\"]. The longest that fits counts."`
	Budget       SMSBudget  `toml:"budget"`
	Answers      SMSAnswers `toml:"answers"`
	HTTP         SMSHTTPTo  `toml:"http"`
	SMPP         SMSSMPPTo  `toml:"smpp"`
}

// SMSBudget is the most that text messages may cost in one day (UTC), each attempt counted.
type SMSBudget struct {
	Installation int `toml:"installation" doc:"The most that all messages of one day (UTC) may cost together, in millionths. Each limit is hard: a message that would exceed one is not sent."`
	Company      int `toml:"company" doc:"The most for one company."`
	Country      int `toml:"country" doc:"The most for one country."`
	Range        int `toml:"range" doc:"The most for a thousand neighbouring numbers, which is what fraud by pumped messages uses."`
}

// SMSAnswers is when a company's text messages to one country are paused, because hardly anyone
// enters their codes.
type SMSAnswers struct {
	Least   int `toml:"least" doc:"How many text messages a company must have sent to one country within an hour before their answers are compared. Of one person, at most a quarter of that number counts. 0 never pauses."`
	Percent int `toml:"percent" doc:"Where codes of less than this share of them, in percent, were entered, the company sends none to that country until those messages are an hour old or more codes have been entered."`
}

// SMSHTTPTo is a gateway over HTTP.
type SMSHTTPTo struct {
	URL       string        `toml:"url" doc:"Where the gateway's API begins. https, or http on this machine only."`
	Account   string        `toml:"account" doc:"Account SID: the user name of the API."`
	Token     secret.Text   `toml:"token" doc:"Auth token: the password of the API, and the key of its signatures."`
	TokenFile string        `toml:"token_file" doc:"A file that holds sms.http.token instead."`
	From      string        `toml:"from" doc:"Sender: a number, a name of up to 11 letters where the country allows it, or a messaging service (MG…)."`
	Reports   string        `toml:"reports" doc:"Reports of delivery, which come to public_url/sms/report/…: signed (Twilio's signature is required), token (the address itself, which no one can guess, is the proof) or off."`
	Timeout   time.Duration `toml:"timeout" doc:"The longest that one message may take."`
}

// SMSSMPPTo is a carrier.
type SMSSMPPTo struct {
	Address      string        `toml:"address" doc:"Host and port of the carrier's SMSC."`
	SystemID     string        `toml:"system_id" doc:"Name that we bind with."`
	Password     secret.Text   `toml:"password" doc:"Password of system_id; SMPP has room for 8 letters."`
	PasswordFile string        `toml:"password_file" doc:"A file that holds sms.smpp.password instead."`
	SystemType   string        `toml:"system_type" doc:"What some carriers want to be told; mostly empty."`
	From         string        `toml:"from" doc:"Sender: a number with its plus, a short code, or a name of up to 11 letters."`
	TLS          string        `toml:"tls" doc:"on, or off where the way to the carrier is protected otherwise: SMPP itself sends codes and password in the clear."`
	CAFile       string        `toml:"ca_file" doc:"Certificate authorities to believe instead of the system's, in PEM."`
	Window       int           `toml:"window" doc:"Messages that may wait for an answer at once."`
	Enquire      time.Duration `toml:"enquire" doc:"Pause between two signs of life (enquire_link)."`
	Timeout      time.Duration `toml:"timeout" doc:"The longest wait for an answer."`
}

func defaultSMS() SMS {
	return SMS{
		Transport:    SMSNone,
		Enabled:      true,
		DefaultPrice: 150_000,
		Budget: SMSBudget{
			Installation: 100_000_000,
			Company:      25_000_000,
			Country:      50_000_000,
			Range:        2_000_000,
		},
		Answers: SMSAnswers{Least: 20, Percent: 10},
		HTTP:    SMSHTTPTo{URL: "https://api.twilio.com", Reports: ReportsSigned, Timeout: 15 * time.Second},
		SMPP: SMSSMPPTo{
			TLS:     On,
			Window:  10,
			Enquire: 30 * time.Second,
			Timeout: 10 * time.Second,
		},
	}
}

func (s SMS) check() error {
	m := &mistakes{}
	switch s.Transport {
	case SMSNone:
		return nil
	case SMSHTTP:
		s.HTTP.check(m)
	case SMSSMPP:
		s.SMPP.check(m)
	default:
		m.wrong(true, `sms.transport must be "none", "http" or "smpp"`)
	}
	m.wrong(len(s.Countries) == 0,
		`sms.countries is missing: list the countries whose numbers you serve, such as ["DE", "ES"]`)
	for _, c := range s.Countries {
		m.wrong(!isCountry(c), fmt.Sprintf(`sms.countries: %q is not a country as two large letters`, c))
	}
	m.wrong(s.DefaultPrice < 1, "sms.default_price must be more than 0: a message that costs nothing has no ceiling")
	for _, p := range s.Prices {
		m.wrong(!isPrice(p), fmt.Sprintf(`sms.prices: %q is not a price such as "49=75000"`, p))
	}
	b := s.Budget
	m.wrong(s.Answers.Least < 0 || s.Answers.Percent < 0 || s.Answers.Percent > 100,
		"sms.answers.least must not be negative, and sms.answers.percent must be between 0 and 100")
	m.wrong(min(b.Installation, b.Company, b.Country, b.Range) < 0, "sms.budget.* must not be negative")
	return errors.Join(*m...)
}

// isCountry holds for two large letters; whether there are phones is seen at the start.
func isCountry(code string) bool {
	return len(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z'
}

// isPrice holds for "49=75000".
func isPrice(entry string) bool {
	digits, price, ok := strings.Cut(entry, "=")
	n, err := strconv.ParseInt(price, 10, 64)
	return ok && err == nil && n > 0 && digits != "" && strings.Trim(digits, "0123456789") == ""
}

type mistakes []error

func (m *mistakes) wrong(bad bool, words string) {
	if bad {
		*m = append(*m, errors.New(words))
	}
}

func (h SMSHTTPTo) check(m *mistakes) {
	u, err := url.Parse(h.URL)
	bad := err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		strings.HasSuffix(h.URL, "/")
	m.wrong(bad, "sms.http.url must be an address without a slash at its end, such as https://api.twilio.com")
	m.wrong(!bad && u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())),
		"sms.http.url must begin with https:// (http:// is for localhost only)")
	m.wrong(h.Account == "" || h.Token == "", "sms.http.account and sms.http.token are missing: the gateway gives both")
	m.wrong(h.From == "", "sms.http.from is missing: name the sender")
	m.wrong(h.Reports != ReportsSigned && h.Reports != ReportsToken && h.Reports != ReportsOff,
		`sms.http.reports must be "signed", "token" or "off"`)
	m.wrong(h.Timeout < time.Second || h.Timeout > 50*time.Second, "sms.http.timeout must be between 1s and 50s")
}

func (p SMSSMPPTo) check(m *mistakes) {
	m.wrong(!hostPort(p.Address) || strings.HasPrefix(p.Address, ":"),
		`sms.smpp.address must be a host and a port, such as "smsc.example.com:3550"`)
	m.wrong(p.SystemID == "" || len(p.SystemID) > 15, "sms.smpp.system_id must have 1 to 15 letters")
	m.wrong(len(p.SystemType) > 12, "sms.smpp.system_type must have at most 12 letters")
	m.wrong(p.From == "", "sms.smpp.from is missing: name the sender")
	m.wrong(p.TLS != On && p.TLS != Off, `sms.smpp.tls must be "on" or "off"`)
	m.wrong(p.Window < 1 || p.Window > 1000, "sms.smpp.window must be between 1 and 1000")
	m.wrong(p.Enquire < 100*time.Millisecond, "sms.smpp.enquire must be at least 100ms")
	m.wrong(p.Timeout < 100*time.Millisecond || p.Timeout > 50*time.Second,
		"sms.smpp.timeout must be between 100ms and 50s")
}
