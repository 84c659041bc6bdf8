package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const good = `
public_url = "https://sign-in.example.com"
[smtp]
host = "mail.example.com"
from = "Example <sign-in@example.com>"
`

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileOverTheDefaultsAndTheEnvironmentOverBoth(t *testing.T) {
	path := file(t, "c.toml", `trusted_proxies = ["10.0.0.0/8"]
listen = ":443"`+good+`username = "u"
password = "in the file"
[smtp.bounces]
listen = "127.0.0.1:2525"
domain = "bounces.example.com"
[limits]
code_length = 8
code_ttl = "5m"
[limits.argon2]
queue = 7`)
	c, err := Load(path, []string{"PATH=/bin", "COUNTERSIGN_CONFIG=" + path,
		"COUNTERSIGN_SMTP_PASSWORD=from the=environment", "COUNTERSIGN_TRUSTED_PROXIES=192.0.2.0/24, 2001:db8::/32",
		"COUNTERSIGN_LIMITS_ARGON2_MEMORY_KIB=65536", "COUNTERSIGN_LIMITS_RESEND_INTERVAL=45s",
		"COUNTERSIGN_PUBLIC_URL=https://other.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	if c.PublicURL != "https://other.example.com" || c.Listen != ":443" || c.SMTP.Password != "from the=environment" ||
		c.SMTP.Bounces.Domain != "bounces.example.com" ||
		strings.Join(c.TrustedProxies, " ") != "192.0.2.0/24 2001:db8::/32" || c.Limits.CodeLength != 8 ||
		c.Limits.CodeTTL != 5*time.Minute ||
		c.Limits.ResendInterval != 45*time.Second ||
		c.Limits.Argon2 != (Argon2{MemoryKiB: 65536, Passes: 2, Queue: 7}) || c.Limits.WrongAnswers != 5 {
		t.Errorf("%+v", c)
	}
}

func TestSecretsMayLieInFiles(t *testing.T) {
	password, dsn := file(t, "p", "hunter2\n"), file(t, "d", "postgres://house@db/house\n")
	c, err := Load(file(t, "c.toml", good+`username = "u"
password = "old"`), []string{"COUNTERSIGN_SMTP_PASSWORD_FILE=" + password, "COUNTERSIGN_DATABASE_URL_FILE=" + dsn})
	if err != nil || c.SMTP.Password != "hunter2" || c.Database.URL != "postgres://house@db/house" {
		t.Error(c.SMTP.Password.Reveal(), c.Database.URL.Reveal(), err)
	}
	c, err = Load(file(t, "c.toml", good+"username = \"u\"\npassword_file = \"/nowhere\""),
		[]string{"COUNTERSIGN_SMTP_PASSWORD=new"})
	if err != nil || c.SMTP.Password != "new" {
		t.Error("the environment wins over a file named in the file:", err)
	}
}

// TestREL24_BadConfigurationsRefuseToStart holds one mistake each, and what must be said.
func TestREL24_BadConfigurationsRefuseToStart(t *testing.T) {
	for name, c := range map[string]struct{ toml, env, want string }{
		"nothing at all":        {"", "", "public_url is missing"},
		"no mail server":        {"public_url = \"https://a.test\"", "", "smtp.host is missing"},
		"not TOML":              {"public_url = ", "", "c.toml"},
		"unknown key":           {good + "[limits]\ncode_lenght = 6", "", "limits.code_lenght is not a setting"},
		"unknown section":       {good + "[smpt]\nhost = \"x\"", "", "smpt.host is not a setting"},
		"section for a key":     {good + "[listen]\nport = 1", "", "listen.port is not a setting"},
		"key for a section":     {"limits = 3\n" + good, "", "limits is not a setting"},
		"unknown variable":      {good, "COUNTERSIGN_SMTP_PASWORD=x", "COUNTERSIGN_SMTP_PASWORD is not a setting"},
		"text for a number":     {good + "port = \"587\"", "", "smtp.port must be a whole number"},
		"number for a text":     {"key_file = 3\n" + good, "", "key_file must be a text"},
		"number for a duration": {good + "timeout = 30", "", "smtp.timeout must be a duration"},
		"rubbish duration":      {good + "[limits]\ncode_ttl = \"ten\"", "", "limits.code_ttl must be a duration"},
		"text for a list": {"trusted_proxies = \"10.0.0.0/8\"\n" + good, "",
			"trusted_proxies must be a list"},
		"numbers in a list":       {"trusted_proxies = [1]\n" + good, "", "trusted_proxies must be a list"},
		"rubbish number variable": {good, "COUNTERSIGN_SMTP_PORT=many", "smtp.port must be a whole number"},
		"clear text public url": {"public_url = \"http://sign-in.example.com\"" +
			good[strings.Index(good, "\n[smtp]"):], "", "must begin with https"},
		"public url with dots":       {good, "COUNTERSIGN_PUBLIC_URL=https://a.test/b/../c", "must look like"},
		"public url with an escape":  {good, "COUNTERSIGN_PUBLIC_URL=https://a.test/b%2fc", "must look like"},
		"public url with user":       {good, "COUNTERSIGN_PUBLIC_URL=https://u@a.test", "must end with the host"},
		"public url with query":      {good, "COUNTERSIGN_PUBLIC_URL=https://a.test?x=1", "must end with the host"},
		"public url of another kind": {good, "COUNTERSIGN_PUBLIC_URL=ftp://a.test", "must begin with https"},
		"a default port": {good, "COUNTERSIGN_PUBLIC_URL=https://sign-in.example.com:443",
			"as browsers write it"},
		"capital letters": {good, "COUNTERSIGN_PUBLIC_URL=https://Sign-In.example.com",
			"as browsers write it"},
		"no public url": {good, "COUNTERSIGN_PUBLIC_URL=sign-in.example.com",
			"public_url is not an address"},
		"listen without port":     {good, "COUNTERSIGN_LISTEN=127.0.0.1", "listen must be"},
		"proxy without mask":      {good, "COUNTERSIGN_TRUSTED_PROXIES=10.0.0.1", "is not a network"},
		"everyone a proxy":        {good, "COUNTERSIGN_TRUSTED_PROXIES=0.0.0.0/0", "everyone"},
		"nearly everyone a proxy": {good, "COUNTERSIGN_TRUSTED_PROXIES=0.0.0.0/1, 128.0.0.0/1", "everyone"},
		"everyone, in six":        {good, "COUNTERSIGN_TRUSTED_PROXIES=::/0", "everyone"},
		"a continent in six":      {good, "COUNTERSIGN_TRUSTED_PROXIES=2000::/3", "everyone"},
		"everyone, dressed up":    {good, "COUNTERSIGN_TRUSTED_PROXIES=::ffff:0:0/96", "as IPv4"},
		"an address with a mask": {good, "COUNTERSIGN_TRUSTED_PROXIES=10.1.2.3/8",
			"is it 10.0.0.0/8 or 10.1.2.3/32?"},
		"a name for a proxy":       {good, "COUNTERSIGN_TRUSTED_PROXIES=proxy.example.com", "is not a network"},
		"no clock at all":          {good, "COUNTERSIGN_DATABASE_CLOCK_SKEW=0s", "database.clock_skew"},
		"durable by hope":          {good, "COUNTERSIGN_DATABASE_DURABILITY=maybe", "database.durability must be"},
		"half of DKIM":             {good, "COUNTERSIGN_SMTP_DKIM_DOMAIN=example.com", "belong together"},
		"log level":                {good, "COUNTERSIGN_LOG_LEVEL=loud", "log_level must be"},
		"no key file":              {good, "COUNTERSIGN_KEY_FILE=", "key_file is missing"},
		"half of TLS":              {good, "COUNTERSIGN_TLS_CERT_FILE=a.pem", "belong together"},
		"database of another kind": {good, "COUNTERSIGN_DATABASE_URL=mysql://x", "database.url must be"},
		"database without a name":  {good, "COUNTERSIGN_DATABASE_URL=sqlite:", "database.url must be"},
		"mail in the clear":        {good, "COUNTERSIGN_SMTP_TLS=none", "this machine only"},
		"mail by hope":             {good, "COUNTERSIGN_SMTP_TLS=opportunistic", "smtp.tls must be"},
		"no sender":                {good, "COUNTERSIGN_SMTP_FROM=nobody", "smtp.from must be"},
		"user without password":    {good + "username = \"u\"", "", "smtp.username without"},
		"password without user":    {good + "password = \"p\"", "", "smtp.password without"},
		"secret twice": {good + "username = \"u\"\npassword = \"p\"\npassword_file = \"f\"",
			"", "not both"},
		"secret file missing": {good + "username = \"u\"\npassword_file = \"/nowhere/at/all\"", "",
			"smtp.password_file cannot be read"},
		"secret file empty": {good + "username = \"u\"\npassword_file = \"/dev/null\"", "",
			"smtp.password_file is an empty file"},
		"half of bounces": {good, "COUNTERSIGN_SMTP_BOUNCES_LISTEN=:2525", "belong together"},
		"long codes":      {good, "COUNTERSIGN_LIMITS_CODE_LENGTH=7", "6 or 8"},
		"codes that live long": {good, "COUNTERSIGN_LIMITS_CODE_TTL=11m",
			"limits.code_ttl must be between 1m and 10m"},
		"many wrong answers":  {good, "COUNTERSIGN_LIMITS_WRONG_ANSWERS=11", "limits.wrong_answers"},
		"remembered for long": {good, "COUNTERSIGN_LIMITS_REMEMBER_DAYS=31", "limits.remember_days"},
		"cheap hashes":        {good, "COUNTERSIGN_LIMITS_ARGON2_MEMORY_KIB=1024", "limits.argon2.memory_kib"},
		"ops for everyone": {good, "COUNTERSIGN_OPS_LISTEN=0.0.0.0:9090",
			"ops.listen is reached from other machines"},
		"ops for every address": {good, "COUNTERSIGN_OPS_LISTEN=:9090",
			"ops.listen is reached from other machines"},
		"ops nowhere":          {good, "COUNTERSIGN_OPS_LISTEN=9090", "ops.listen must be"},
		"a short ops token":    {good, "COUNTERSIGN_OPS_TOKEN=secret", "20 characters"},
		"ops trusting hope":    {good, "COUNTERSIGN_OPS_AUTH=maybe", "ops.auth must be"},
		"an endless drain":     {good, "COUNTERSIGN_OPS_DRAIN=1h", "ops.drain"},
		"traces into the void": {good, "COUNTERSIGN_TRACING_ENDPOINT=collector:4318", "tracing.endpoint must be"},
		"a token in the clear": {good +
			"[tracing]\nendpoint = \"http://collector:4318/v1/traces\"\ntoken = \"t\"", "", "in the clear"},
		"none in no requests":     {good, "COUNTERSIGN_TRACING_SAMPLE_RATIO=0", "tracing.sample_ratio"},
		"requests logged by hope": {good, "COUNTERSIGN_LOG_REQUESTS=yes", "log_requests must be"},
		"negative numbers":        {good, "COUNTERSIGN_LIMITS_WRONG_ANSWERS=-1", "limits.wrong_answers"},
		"two secret twins": {good + "[database]\nurl = \"postgres://x\"\nurl_file = \"f\"\n", "",
			"database.url: give it or the file"},
	} {
		_, err := Load(file(t, "c.toml", c.toml), []string{c.env})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Load("/nowhere/at/all.toml", nil); err == nil {
		t.Error("a missing file was taken for an empty one")
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := Load(file(t, "c.toml", "colour = 1\nlisten = 3\n[limits]\ncode_ttl = \"1h\""),
		[]string{"COUNTERSIGN_X=1"})
	for _, want := range []string{"colour is not", "listen must be", "COUNTERSIGN_X is not", "public_url is missing",
		"smtp.host is missing", "limits.code_ttl"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
}

func TestDefaultsAreInsideTheBounds(t *testing.T) {
	if err := Default().Limits.check(); err != nil {
		t.Error(err)
	}
	for _, ok := range []string{"http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		if err := (Config{PublicURL: ok}).checkPublicURL(); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	c := Default()
	c.SMTP.Password, c.Database.URL = "hunter2", "postgres://u:hunter2@db/x"
	if s := c.Effective(); strings.Contains(s, "hunter2") || !strings.Contains(s, `smtp.password = "[hidden]"`) ||
		!strings.Contains(s, `limits.code_ttl = "10m"`) {
		t.Error(s)
	}
}

func TestTheReferenceIsUpToDate(t *testing.T) {
	const path = "../../docs/configuration.md"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != Reference() {
		t.Errorf("docs/configuration.md differs from the code (%v): run go test ./internal/config -update", err)
	}
}

func TestEveryKeyIsDocumentedOnce(t *testing.T) {
	seen := map[string]bool{}
	c := Default()
	for _, f := range c.fields() {
		if f.doc == "" || f.key == "" || seen[f.env()] {
			t.Errorf("%s: no documentation, or its variable is taken", f.key)
		}
		seen[f.env()] = true
		if f.secret() && find(c.fields(), f.key+fileSuffix) == nil {
			t.Errorf("%s has no %s twin", f.key, fileSuffix)
		}
	}
}

// guard: a file with secrets in it is its owner's
func TestREL24_AFileThatOthersMayReadOrChange(t *testing.T) {
	const secret, dsn = good + "username = \"u\"\npassword = \"p\"\n",
		good + "[database]\nurl = \"postgres://house:word@db/house\"\n"
	for name, c := range map[string]struct {
		toml string
		mode os.FileMode
		want string // empty: it is fine
	}{
		"a password":               {secret, 0o644, "holds smtp.password: others may read it; run chmod 640"},
		"a password in an address": {dsn, 0o604, "holds database.url"},
		"the same, by query": {good + "[database]\nurl = \"postgres://db/house?password=word\"\n", 0o644,
			"holds database.url"},
		"an address without a password": {good + "[database]\nurl = \"postgres://house@db/house\"\n", 0o644, ""},
		"the program's own group":       {secret, 0o640, ""},
		"no secret":                     {good, 0o644, ""},
		"no secret, but open to change": {good, 0o666, "others may change it"},
		"a group that may change it":    {good, 0o660, "others may change it"},
	} {
		path := file(t, "c.toml", c.toml)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, nil)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
