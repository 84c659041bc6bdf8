// Package config reads the one configuration of a running installation: a file, then the
// environment over it. It refuses keys that it does not know and values that would weaken
// a sign-in, and it reports every mistake at once.
package config

import (
	"time"

	"countersign/internal/secret"
)

// Config is everything that an operator decides before the start.
type Config struct {
	PublicURL      string   `toml:"public_url" doc:"The address people reach Countersign under. https, or http on this machine only. A host of its own is best; below a path, as in https://example.com/sign-in, every other program on that host must be trusted as much as Countersign."`
	Listen         string   `toml:"listen" doc:"Address and port of the public listener."`
	TrustedProxies []string `toml:"trusted_proxies" doc:"Networks of reverse proxies whose X-Forwarded-For is believed, as CIDR."`
	LogLevel       string   `toml:"log_level" doc:"debug, info, warn or error."`
	LogRequests    string   `toml:"log_requests" doc:"The level at which each request leaves a line: debug, info, or off."`
	KeyFile        string   `toml:"key_file" doc:"Master keys, created at the first start with mode 0600. Keep a copy elsewhere: without it, sealed data is lost."`
	Database       Database `toml:"database"`
	TLS            TLS      `toml:"tls"`
	SMTP           SMTP     `toml:"smtp"`
	SMS            SMS      `toml:"sms"`
	Push           Push     `toml:"push"`
	Geo            Geo      `toml:"geo"`
	Ops            Ops      `toml:"ops"`
	Tracing        Tracing  `toml:"tracing"`
	Limits         Limits   `toml:"limits"`
}

// Database says where the data lives.
type Database struct {
	URL     secret.Text `toml:"url" doc:"sqlite:FILE, or postgres://… for several replicas."`
	URLFile string      `toml:"url_file" doc:"A file that holds database.url instead."`
	// ClockSkew and Durability keep a start from resting on a database that would betray it.
	ClockSkew  time.Duration `toml:"clock_skew" doc:"How far this machine's clock may be from PostgreSQL's. Beyond it, the start is refused and a running server is not ready."`
	Durability string        `toml:"durability" doc:"require, or ignore where data may be lost. With require, the start is refused on a PostgreSQL that may forget what it has confirmed."`
}

// What database.durability may be.
const (
	Require = "require"
	Ignore  = "ignore"
)

// TLS makes the public listener serve TLS itself.
type TLS struct {
	CertFile string `toml:"cert_file" doc:"Certificate chain in PEM. Empty: a proxy in front ends TLS."`
	KeyFile  string `toml:"key_file" doc:"Private key in PEM."`
}

// SMTP is how mail leaves.
type SMTP struct {
	Host         string        `toml:"host" doc:"Mail server that takes our mail."`
	Port         int           `toml:"port" doc:"Its port: usually 587 with starttls, 465 with implicit."`
	Username     string        `toml:"username" doc:"Empty: no authentication."`
	Password     secret.Text   `toml:"password" doc:"Password for username."`
	PasswordFile string        `toml:"password_file" doc:"A file that holds smtp.password instead."`
	From         string        `toml:"from" doc:"Sender of every mail, for example \"Harbor <sign-in@example.com>\"."`
	TLS          string        `toml:"tls" doc:"starttls, implicit, or none (to this machine only). The certificate is always verified."`
	CAFile       string        `toml:"ca_file" doc:"Certificate authorities to believe instead of the system's, in PEM."`
	Timeout      time.Duration `toml:"timeout" doc:"The longest that one mail may take."`
	Addresses    string        `toml:"addresses" doc:"ascii, or utf8 where the mail server takes addresses with letters beyond ASCII before the @ (SMTPUTF8, RFC 6531). With ascii they are refused as soon as they are typed."`
	DKIM         DKIM          `toml:"dkim"`
	Bounces      Bounces       `toml:"bounces"`
}

// UTF8 reports whether addresses with letters beyond ASCII before the @ can be reached.
func (s SMTP) UTF8() bool { return s.Addresses == "utf8" }

// DKIM signs every mail (RFC 6376), for mail servers that do not do so themselves.
type DKIM struct {
	Domain   string `toml:"domain" doc:"Domain that signs: that of smtp.from, or one above it. Empty: mails leave unsigned."`
	Selector string `toml:"selector" doc:"Name of the key in DNS: its record stands at SELECTOR._domainkey.DOMAIN; countersign doctor prints it."`
	KeyFile  string `toml:"key_file" doc:"Private key in PEM: RSA of 2048 bits or more, or Ed25519, which fewer receivers understand. Others may not read it."`
}

// Bounces is an optional listener for delivery status notifications (RFC 3464).
type Bounces struct {
	Listen string `toml:"listen" doc:"Address and port where the mail server may deliver bounces by SMTP. Empty: bounces after acceptance stay unseen."`
	Domain string `toml:"domain" doc:"Domain of the return addresses; its mail must reach smtp.bounces.listen."`
}

// Geo is where places of IP addresses come from.
type Geo struct {
	Database string `toml:"database" doc:"An .mmdb file with cities or countries. Cities also tell the time zone, which mails then use. Empty: places stay unknown."`
}

// Limits are the numbers of a sign-in.
type Limits struct {
	CodeLength                 int           `toml:"code_length" doc:"Digits of a code: 6 or 8."`
	CodeTTL                    time.Duration `toml:"code_ttl" doc:"How long a code and its link are valid."`
	WrongAnswers               int           `toml:"wrong_answers" doc:"Wrong answers that one code survives."`
	NewCodes                   int           `toml:"new_codes" doc:"New codes that one sign-in may ask for."`
	ResendInterval             time.Duration `toml:"resend_interval" doc:"Pause between two codes of one sign-in."`
	FlowLife                   time.Duration `toml:"flow_life" doc:"How long a sign-in may take from its first step."`
	SendsPerHour               int           `toml:"sends_per_hour" doc:"Messages to one account or address in an hour: for strangers together, and for each browser that the account knows."`
	SendsPerDay                int           `toml:"sends_per_day" doc:"Messages to one account or address in a day: for strangers together, and for each browser that the account knows. All known browsers together have three times as many for one address."`
	SecondFactorFailuresPerDay int           `toml:"second_factor_failures_per_day" doc:"Failed second steps of one account in 24 hours: for strangers together, and for each browser that has shown a second step before; success does not reset it."`
	PerMonth                   int           `toml:"second_factor_failures_per_month" doc:"Failed second steps of one account in 30 days: for strangers together, and for each browser that has shown a second step before; success does not reset it."`
	MaxConsecutiveFailures     int           `toml:"max_consecutive_failures" doc:"Failures in a row that disable an authenticator until it is set up again."`
	PasswordSlowFrom           int           `toml:"password_slow_from" doc:"The failed password from which an account's next try from the same network, or in the same known browser, must wait. Failures of several networks make all new browsers wait from four times as many on."`
	PasswordSlowMax            time.Duration `toml:"password_slow_max" doc:"The longest such wait. A new browser can have a link mailed that lets it go on at once."`
	LockAfterMax               int           `toml:"lock_after_max" doc:"The most wrong passwords or codes that a company may let pass before it locks an account (countersign tenant set --lock-after)."`
	FailuresPerSource          int           `toml:"failures_per_source" doc:"Failed passwords that one source may have, of accounts that exist and that do not, in failures_per_source_window. Those of one account count password_slow_from times."`
	FailuresPerSourceWindow    time.Duration `toml:"failures_per_source_window" doc:"The span for failures_per_source."`
	InvitationLife             time.Duration `toml:"invitation_life" doc:"How long the link of an invitation is valid."`
	SessionLife                time.Duration `toml:"session_life" doc:"Life of a session with a second step."`
	SessionIdle                time.Duration `toml:"session_idle" doc:"How long such a session may be idle."`
	LongSessionLife            time.Duration `toml:"long_session_life" doc:"Life of a session by password only or on a remembered browser."`
	RememberDays               int           `toml:"remember_days" doc:"The most days that anyone may let a browser be remembered."`
	AuthorizationCodeLife      time.Duration `toml:"authorization_code_life" doc:"Life of an OpenID authorization code."`
	AccessTokenLife            time.Duration `toml:"access_token_life" doc:"Life of an access token."`
	RefreshTokenLife           time.Duration `toml:"refresh_token_life" doc:"Life of a line of refresh tokens, counted from the sign-in."`
	Argon2                     Argon2        `toml:"argon2"`
}

// Argon2 is the cost of one password (RFC 9106).
type Argon2 struct {
	MemoryKiB int `toml:"memory_kib" doc:"Memory of one computation in KiB."`
	Passes    int `toml:"passes" doc:"Passes over the memory."`
	Parallel  int `toml:"parallel" doc:"Computations at once; 0 means one per processor."`
	Queue     int `toml:"queue" doc:"Sign-ins that may wait for a computation; more are asked to come back."`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Listen:      "127.0.0.1:8080",
		LogLevel:    "info",
		LogRequests: "debug",
		KeyFile:     "countersign.key",
		Database:    Database{URL: "sqlite:countersign.db", ClockSkew: 5 * time.Second, Durability: Require},
		SMTP: SMTP{
			Port:      587,
			TLS:       "starttls",
			Addresses: "ascii",
			Timeout:   20 * time.Second,
		},
		SMS:     defaultSMS(),
		Push:    defaultPush(),
		Ops:     Ops{Auth: AuthMachine},
		Tracing: Tracing{SampleRatio: 1, Service: "countersign"},
		Limits: Limits{
			CodeLength:                 6,
			CodeTTL:                    10 * time.Minute,
			WrongAnswers:               5,
			NewCodes:                   3,
			ResendInterval:             30 * time.Second,
			FlowLife:                   15 * time.Minute,
			SendsPerHour:               10,
			SendsPerDay:                30,
			SecondFactorFailuresPerDay: 30,
			PerMonth:                   100,
			MaxConsecutiveFailures:     100,
			PasswordSlowFrom:           5,
			PasswordSlowMax:            15 * time.Minute,
			LockAfterMax:               10,
			FailuresPerSource:          50,
			FailuresPerSourceWindow:    10 * time.Minute,
			InvitationLife:             5 * day,
			SessionLife:                24 * time.Hour,
			SessionIdle:                time.Hour,
			LongSessionLife:            720 * time.Hour,
			RememberDays:               30,
			AuthorizationCodeLife:      time.Minute,
			AccessTokenLife:            10 * time.Minute,
			RefreshTokenLife:           720 * time.Hour,
			Argon2:                     Argon2{MemoryKiB: 19456, Passes: 2, Queue: 256},
		},
	}
}
