package email

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/message"

	"github.com/emersion/go-smtp"
)

// report is a notification as Postfix writes it, shortened.
const report = `From: MAILER-DAEMON@mx.example.test
To: bounces+good@bounces.harbor.test
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
MIME-Version: 1.0

--b
Content-Type: text/plain

Action: failed is what the human part says; it does not count. 481516
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test
X-Postfix-Queue-ID: 1

Final-Recipient: rfc822; ana@example.test
Action: ACTION
Status: 5.1.1
Remote-MTA: dns; mail.example.test
--b--
`

type recorded struct {
	sync.Mutex
	got []string
}

func serveBounces(t *testing.T) (addr string, rec *recorded) {
	t.Helper()
	rec = &recorded{}
	b := &Bounces{Domain: "bounces.harbor.test", Log: slog.New(slog.DiscardHandler),
		Known: func(ref string) error {
			if !strings.EqualFold(ref, "good") {
				return message.ErrNotOurs
			}
			return nil
		},
		Record: func(_ context.Context, ref string, s message.State, host string) error {
			rec.Lock()
			defer rec.Unlock()
			rec.got = append(rec.got, ref+" "+string(s)+" "+host)
			return nil
		}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), rec
}

func deliver(addr, from string, to []string, r io.Reader) error {
	c, err := smtp.Dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail(from, to, r)
}

func TestBouncesAreReadAndRecorded(t *testing.T) {
	addr, rec := serveBounces(t)
	for _, action := range []string{"failed", "Delayed", "relayed", "delivered", "expanded"} {
		text := strings.Replace(report, "ACTION", action, 1)
		if err := deliver(addr, "", []string{"BOUNCES+good@Bounces.Harbor.Test"}, strings.NewReader(text)); err != nil {
			t.Fatal(action, err)
		}
	}
	want := "good bounced mail.example.test|good delayed mail.example.test"
	if got := strings.Join(rec.got, "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOnlyOurOwnReturnAddressesTakeMail(t *testing.T) {
	addr, rec := serveBounces(t)
	for _, to := range []string{"bounces+forged@bounces.harbor.test", "good@bounces.harbor.test",
		"bounces+good@elsewhere.test", "postmaster@bounces.harbor.test", "bounces+@bounces.harbor.test"} {
		err := deliver(addr, "a@example.test", []string{to}, strings.NewReader(report))
		var answer *smtp.SMTPError
		if !errors.As(err, &answer) || answer.Code != 550 {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := deliver(addr, "", []string{"bounces+good@bounces.harbor.test"},
		strings.NewReader("Subject: On holiday\r\n\r\nAction: failed")); err != nil {
		t.Error("a holiday reply is taken and forgotten:", err)
	}
	huge := strings.Replace(report, "481516", strings.Repeat("x 481516\n", 40_000), 1)
	if err := deliver(addr, "", []string{"bounces+good@bounces.harbor.test"}, strings.NewReader(huge)); err == nil {
		t.Error("a mail of 360 kB was taken")
	}
	if len(rec.got) != 0 {
		t.Error(rec.got)
	}
}

func TestHostNamesAreHostNames(t *testing.T) {
	for in, want := range map[string]string{" MX.Example.test ": "mx.example.test", "<script>": "", "a b": "",
		strings.Repeat("a", 254): ""} {
		if got := hostName(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add(strings.Replace(report, "ACTION", "failed", 1))
	f.Add("Content-Type: multipart/report\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if state, host, _ := parseReport(strings.NewReader(text)); state != "" && state != message.Bounced &&
			state != message.Delayed || host != hostName(host) {
			t.Errorf("%q %q", state, host)
		}
	})
}

// TestATK170_SoManyTalkAtOnce: a stranger who says nothing takes no more than so many connections
// of the program. guard: LimitListener.
func TestATK170_SoManyTalkAtOnce(t *testing.T) {
	addr, _ := serveBounces(t)
	greeted := func(c net.Conn, patience time.Duration) bool {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, _ := c.Read(make([]byte, 200))
		return n > 0
	}
	var all []net.Conn
	for range atOnce + 1 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		all = append(all, c)
	}
	for i, c := range all[:atOnce] {
		if !greeted(c, 20*time.Second) {
			t.Fatalf("connection %d of %d is not heard", i+1, atOnce)
		}
	}
	if greeted(all[atOnce], 200*time.Millisecond) {
		t.Error("one more is heard")
	}
	_ = all[0].Close()
	if !greeted(all[atOnce], 20*time.Second) {
		t.Error("no one is heard after one has left")
	}
}
