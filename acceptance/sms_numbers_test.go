package acceptance

import (
	"net/url"
	"strings"
	"testing"

	"countersign/acceptance/carrier"
	"countersign/acceptance/rig"
)

const addNumber = inProfile + "/sms"

// badNumber is a mistake and the beginning of what people read, in two languages.
type badNumber struct{ country, number, en, es string }

var badNumbers = []badNumber{
	{"DE", "0151 2345678x", "This phone number doesn’t exist. Please check the country and the digits.",
		"Este número de teléfono no existe."},
	{"ES", "412 345 678", "This phone number doesn’t exist.", "Compruebe el país y las cifras."},
	{"DE", "12", "This number is too short for the country. Please check that no digit is missing.",
		"Este número es demasiado corto para el país."},
	{"DE", "0151 2345678901234", "This number is too long for the country.",
		"Este número es demasiado largo para el país."},
	{"", "0151 23456789", "Please choose the country of the number.", "Elija el país del número."},
	{"XX", "0151 23456789", "Please choose the country of the number.", "Elija el país del número."},
	{"GB", "07400 123456", "Numbers from this country can’t be used here. Choose another method.",
		"Aquí no se pueden usar números de este país. Elija otro método."},
	{"US", "+1 876 210 1234", "Numbers from this country can’t be used here.",
		"Aquí no se pueden usar números de este país."}, // Jamaica shares the calling code
	{"DE", "+34 612 345 678",
		"This number belongs to another country. Please choose that country, or correct the number.",
		"Este número es de otro país."},
	{"DE", "030 123456", "This is not a mobile number. Codes can be sent to mobile numbers only.",
		"Este no es un número de móvil."},
	{"US", "800 234 5678", "This is not a mobile number.", "Solo se pueden enviar códigos a móviles."},
	{"DE", "0900 1 234567", "This kind of number can’t be used here. Enter an ordinary mobile number.",
		"Aquí no se pueden usar números de este tipo."}, // premium
	// shared cost
	{"ES", "902 123 456", "This kind of number can’t be used here.", "Indique un número de móvil normal."},
	{"DE", "+881 6 12345678", "This kind of number can’t be used here.",
		"Aquí no se pueden usar números de este tipo."}, // a satellite
}

// guard: phone.Parse tells mistakes apart; budgets of the account and the number
func TestPAR3_EveryMistakeInANumberIsExplained(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u := selfService(t, w.World).User(t)
		p := toAdding(t, w.World, u)
		for _, language := range []string{"en", "es"} {
			p.Language = language
			for _, bad := range badNumbers {
				words := map[string]string{"en": bad.en, "es": bad.es}[language]
				pg := p.Post(addNumber, form("country", bad.country, "number", bad.number))
				if pg.Status == 429 { // a set-up is counted, right or wrong
					t.Fatalf("stopped at %q", bad.number)
				}
				if pg.Status != 422 || !pg.Says(words) || pg.Input("number")["value"] != bad.number {
					t.Errorf("%s %s: %d %s", bad.country, bad.number, pg.Status, rig.Quietly(pg.Text()))
				}
			}
			p = toAddingAs(t, w, selfService(t, w.World).User(t), "es")
		}
		if w.Taken() != 0 {
			t.Errorf("%d texts to numbers that are none", w.Taken())
		}
		tooManyForANumber(t, w)
	})
}

// toAddingAs is toAdding for someone who reads another language.
func toAddingAs(t *testing.T, w *rig.Texting, u *rig.User, language string) *rig.Person {
	t.Helper()
	p := toAdding(t, w.World, u)
	p.Language = language
	return p
}

// tooManyForANumber: several people name one number; what stops is the number, and the page
// says when to come back.
func tooManyForANumber(t *testing.T, w *rig.Texting) {
	t.Helper()
	typed, to := number(w.World)
	c := selfService(t, w.World)
	for range 4 {
		p := toAdding(t, w.World, c.User(t))
		for range 4 {
			pg := p.Post(addNumber, form("country", "DE", "number", typed))
			if pg.Status == 200 {
				continue
			}
			if pg.Status != 429 || !pg.Says("Too many codes were sent to this number or account") ||
				pg.Header.Get("Retry-After") == "" {
				t.Errorf("%d %s", pg.Status, rig.Quietly(pg.Text()))
			}
			p.Language = "es"
			if pg = p.Post(addNumber,
				form("country", "DE", "number",
					typed)); !pg.Says("Se han enviado demasiados códigos a este número o a esta cuenta.") {
				t.Errorf("%d %s", pg.Status, rig.Quietly(pg.Text()))
			}
			w.Text(t, to, 5) // half of what a number gets: the other half is for signing in
			w.Drained(t)
			if n := len(w.Received(to)); n != 5 {
				t.Errorf("%d texts to one number within an hour", n)
			}
			return
		}
	}
	t.Error("one number gets as many texts as anyone wishes")
}

// guard: the company's ceiling; what is told beside it, and by the doctor
func TestSEC83_WithoutMoneyAnotherMethodIsOffered(t *testing.T) {
	rig.EachGateway(t, rig.Release, 1, func(t *testing.T, w *rig.Texting) {
		c := selfService(t, w.World)
		first, second := toAdding(t, w.World, c.User(t)), toAdding(t, w.World, c.User(t))
		typed, to := number(w.World)
		first.Post(addNumber, form("country", "DE", "number", typed)).Expect(t, 200,
			"Enter the code from the text message")
		report(t, w, w.Text(t, to, 1).ReportTo, "undelivered")
		first.Get(addNumber).Expect(t, 200,
			"The text message couldn’t be delivered: the carrier can’t reach that number.")
		other, _ := number(w.World)
		second.Post(addNumber, form("country", "DE", "number", other)).Expect(t, 503,
			"No text message can be sent at the moment. Please use another method.", "Choose another method instead")
		second.Language = "es"
		second.Post(addNumber, form("country", "DE", "number", other)).Expect(t, 503,
			"Ahora mismo no se puede enviar ningún mensaje de texto. Use otro método.")
		found := foundBy(t, w)
		if f := found["text messages"]; f.State != "ok" || !strings.Contains(f.Message, "takes our account") {
			t.Errorf("%+v", f)
		}
		if f := found["text prices"]; f.State != "warn" || !strings.Contains(f.Message, "0.1 of 0.1 are spent today") {
			t.Errorf("%+v", f)
		}
		if f := found["text countries"]; f.State != "ok" || !strings.Contains(f.Message, "DE ES US") {
			t.Errorf("%+v", f)
		}
		if f := foundBy(t, w, "COUNTERSIGN_SMS_HTTP_TOKEN=another")["text messages"]; f.State != "fail" ||
			!strings.Contains(f.Fix, "sms.http.token") {
			t.Errorf("%+v", f)
		}
		if n := w.Taken(); n != 1 {
			t.Errorf("%d texts, and one could be paid for", n)
		}
	})
}

// foundBy is what the doctor says of a world that sends texts, the last line of each part.
func foundBy(t *testing.T, w *rig.Texting, env ...string) map[string]finding {
	t.Helper()
	said, _ := w.Says(t, env, "doctor", "--output", "json")
	found := map[string]finding{}
	for _, f := range findingsIn(t, said) {
		found[f.Name] = f
	}
	return found
}

// guard: tenant set refuses what is not the installation's; Propose and Begin ask the company
func TestSEC83_ACompanyNarrowsTheCountries(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		c := w.Covered(t)
		bound := c.User(t)
		to := bound.Number(t)
		set := func(list string) (string, int) { return w.Says(t, nil, "tenant", "set", c.ID, "--sms-countries", list) }
		for list, words := range map[string]string{"FR": "FR is not in sms.countries of the configuration",
			"DE,FR": "FR is not in sms.countries", "ZZ": "not a country with telephones",
			"": "name countries such as DE,ES, or all"} {
			if said, code := set(list); code == 0 || !strings.Contains(said, words) {
				t.Errorf("%q: ends with %d: %s", list, code, said)
			}
		}
		if said, code := set("es"); code != 0 {
			t.Fatalf("ends with %d: %s", code, said)
		}
		if said, _ := w.Says(t, nil, "tenant", "show", c.ID); !strings.Contains(said, "sms countries ES") {
			t.Error(said)
		}
		if n := w.Number(t, `SELECT count(*) FROM audit_events
			WHERE action = 'tenant.sms_countries' AND reason = 'ES' AND tenant_id = $1`, c.ID); n != 1 {
			t.Errorf("%d rows on record", n)
		}

		p := toAdding(t, w.World, c.User(t))
		if pg := p.Get(addNumber); !pg.Says("Spain (+34)") || pg.Says("Germany (+49)") {
			t.Errorf("the picker shows %s", rig.Quietly(pg.Text()))
		}
		typed, _ := number(w.World)
		p.Post(addNumber, form("country", "DE", "number", typed)).Expect(t, 422,
			"Numbers from this country can’t be used here.")

		q := w.Person(t) // a number that was proved before
		q.Visit(w.Dashboard(t).Visit())
		q.Password(bound.Email, bound.Password).Expect(t, 429,
			"We no longer send text messages to numbers in that country. Please use another method.")
		w.Drained(t)
		if n := len(w.Received(to)); n != 0 {
			t.Errorf("%d texts to a country that is not served", n)
		}
		if said, code := set("all"); code != 0 {
			t.Fatalf("ends with %d: %s", code, said)
		}
		texted(t, w, bound)
		w.Text(t, to, 1)
	})
}

// guard: the words of the live view follow the kind of the message
func TestAIR4_ThePageSpeaksOfATextMessage(t *testing.T) {
	rig.EachGateway(t, rig.Release, 100, func(t *testing.T, w *rig.Texting) {
		u := w.Covered(t).User(t)
		to := u.Number(t)
		p := texted(t, w, u)
		text := w.Text(t, to, 1)
		told(t, p, "accepted")
		live := func() string { return p.Twin().Get(rig.PathDelivery).Body }
		if said := live(); !strings.Contains(said, "Accepted by the carrier at") || strings.Contains(said, "mail") {
			t.Error(said)
		}
		if _, err := w.Gateway.Report(text.ReportTo, url.Values{"MessageStatus": {"undelivered"}}, "x"); err != nil {
			t.Fatal(err)
		}
		report(t, w, text.ReportTo, "delivered")
		told(t, p, "delivered")
		if said := live(); !strings.Contains(said, "Delivered to your phone at") {
			t.Error(said)
		}
		v := w.Covered(t).User(t)
		toV := v.Number(t)
		q := texted(t, w, v)
		report(t, w, w.Text(t, toV, 1).ReportTo, "undelivered")
		told(t, q, "bounced")
		q.Get(rig.PathCode).Expect(t, 200,
			"The text message couldn’t be delivered: the carrier can’t reach that number. Use another method.")
		q.Language = "es"
		q.Get(rig.PathCode).Expect(t, 200, "El mensaje de texto no se ha podido entregar")
	})
}

// report tells of a text as the gateway would.
func report(t *testing.T, w *rig.Texting, at, status string) {
	t.Helper()
	if code, err := w.Gateway.Report(at, url.Values{"MessageStatus": {status}}, carrier.Token); err != nil ||
		code != 204 {
		t.Fatalf("%d %v", code, err)
	}
}
