package doctor

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/internal/config"
	"countersign/internal/message/email"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func patientAt(c config.Config) *examination {
	return &examination{Options: Options{Config: c, Now: func() time.Time { return noon }}}
}

func only(t *testing.T, found []Finding) Finding {
	t.Helper()
	if len(found) != 1 {
		t.Fatalf("%+v", found)
	}
	return found[0]
}

func TestRoomOnTheDisk(t *testing.T) {
	for _, c := range []struct {
		free, total, log int64
		want             State
		says             string
	}{
		{50 * gigabyte, 100 * gigabyte, 0, OK, "50 GiB are free"},
		{50 * gigabyte, 100 * gigabyte, gigabyte, Warn, "its log 1024 MiB"},
		{5 * gigabyte, 100 * gigabyte, 0, Warn, "5120 MiB are free"},
		{100 << 20, gigabyte / 2, 0, Fail, "100 MiB are free"},
		{0, gigabyte, 0, Fail, "0 KiB are free"},
	} {
		if f := only(t, room(c.free, c.total, 300<<10, c.log)); f.State != c.want ||
			!strings.Contains(f.Message, c.says) || (f.State == OK) != (f.Fix == "") {
			t.Errorf("%+v, want %s", f, c.want)
		}
	}
}

func TestCertificatesEnd(t *testing.T) {
	p := patientAt(config.Default())
	for left, want := range map[time.Duration]State{90 * 24 * time.Hour: OK, 20 * 24 * time.Hour: Warn, 0: Fail,
		-time.Hour: Fail} {
		if f := only(t, p.expiry("certificate", noon.Add(left))); f.State != want {
			t.Errorf("%s left: %+v", left, f)
		}
	}
}

func TestProxiesThatAreMany(t *testing.T) {
	c := config.Default()
	c.PublicURL = "https://sign-in.example.test"
	for list, want := range map[string]State{"": Warn, "10.0.0.0/8": OK, "127.0.0.1/32": OK, "203.0.113.0/24": OK,
		"203.0.0.0/16": Warn, "2001:db8::/32": Warn, "fd00::/8": OK} {
		c.TrustedProxies = strings.Fields(list)
		if f := only(t, patientAt(c).proxies(t.Context())); f.State != want {
			t.Errorf("%q: %+v", list, f)
		}
	}
	c.TrustedProxies, c.TLS.CertFile = nil, "own.pem"
	if f := only(t, patientAt(c).proxies(t.Context())); f.State != OK {
		t.Errorf("%+v", f)
	}
}

func TestDKIMRecords(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	d, err := email.ReadDKIM("example.test", "s1", text)
	if err != nil {
		t.Fatal(err)
	}
	record := d.Record()
	for found, want := range map[string]bool{
		record: true,
		strings.Replace(record, "p=", "t=s; p=", 1):                          true,
		record[:len(record)-9] + " " + record[len(record)-9:]:                true,
		"v=DKIM1; k=ed25519; p=":                                             false,
		"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=": false,
		"v=spf1 -all": false,
	} {
		if matches([]string{"v=spf1 -all", found}, record) != want {
			t.Errorf("%q matches: %t", found, !want)
		}
	}
	file := filepath.Join(t.TempDir(), "dkim.pem")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.SMTP.From, c.SMTP.DKIM = "Harbor <sign-in@harbor.test>",
		config.DKIM{Domain: "example.test", Selector: "s1", KeyFile: file}
	said := ""
	for _, f := range patientAt(c).dkim(t.Context()) {
		said += string(f.State) + " " + f.Message + " " + f.Fix + "\n"
	}
	for _, want := range []string{"DMARC does not count that", "smtp.dkim.key_file is readable by every account",
		`publish in DNS: s1._domainkey.example.test. TXT "v=DKIM1; k=ed25519; p=`} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
}

func TestABadConfigurationIsToldLineByLine(t *testing.T) {
	_, bad := config.Load("", []string{"COUNTERSIGN_SMPT_HOST=x"})
	found := Examine(t.Context(), Options{Bad: bad, Build: "v1", Now: func() time.Time { return noon }})
	if len(found) < 4 || Healthy(found) || found[len(found)-1].Message != "countersign v1" {
		t.Errorf("%+v", found)
	}
	var b strings.Builder
	if err := Print(&b, found); err != nil ||
		!strings.Contains(b.String(), "FAIL  configuration  COUNTERSIGN_SMPT_HOST is not a setting") {
		t.Error(err, b.String())
	}
}

func TestANetworkDiskIsTold(t *testing.T) {
	if got := networkDisk(""); len(got) != 0 {
		t.Errorf("a local disk: %+v", got)
	}
	if got := networkDisk("NFS"); len(got) != 1 || got[0].State != Warn || !strings.Contains(got[0].Message, "NFS") ||
		got[0].Fix == "" {
		t.Errorf("%+v", got)
	}
}
