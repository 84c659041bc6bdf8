package methodtext

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"countersign/internal/authenticator"
	"countersign/internal/locale"
)

var allKinds = append([]authenticator.Kind{authenticator.Password}, authenticator.SecondSteps...)

// each calls fn for every text of a row, with the name of its field.
func each(row any, prefix string, fn func(field, text string)) {
	v := reflect.ValueOf(row)
	for i := range v.NumField() {
		name := prefix + v.Type().Field(i).Name
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			fn(name, f.String())
		case reflect.Struct:
			each(f.Interface(), name+".", fn)
		default: // facts about forms
		}
	}
}

func TestEveryKindHasACompleteRow(t *testing.T) {
	if len(rows) != len(allKinds) {
		t.Errorf("%d rows for %d kinds", len(rows), len(allKinds))
	}
	for _, k := range append(allKinds, "unknown") {
		each(Of(k), "", func(field, text string) {
			if text == "" && field != "Delivery.AcceptedBy" {
				t.Errorf("%s has no %s", k, field)
			}
		})
	}
}

func TestEverySentenceIsThereInEveryLanguage(t *testing.T) {
	catalog, err := locale.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range catalog.Languages() {
		for _, k := range append(allKinds, "unknown") {
			each(Of(k), "", func(field, text string) {
				if text != "" && !strings.HasSuffix(field, "Template") && !catalog.In(lang).Has(text) {
					t.Errorf("%s: %s of %s is %q, which there is not", lang, field, k, text)
				}
			})
		}
	}
}

func TestEveryTemplateIsThere(t *testing.T) {
	for _, k := range append(allKinds, "unknown") {
		each(Of(k), "", func(field, text string) {
			if !strings.HasSuffix(field, "Template") {
				return
			}
			owner, name, _ := strings.Cut(text, "/")
			if _, err := os.Stat(filepath.Join("..", owner, "templates", name+".html")); err != nil {
				t.Errorf("%s of %s: %v", field, k, err)
			}
		})
	}
}

// TestNoTwoKindsHaveOneName: a list of methods must tell them apart.
func TestNoTwoKindsHaveOneName(t *testing.T) {
	seen := map[string]authenticator.Kind{}
	for _, k := range allKinds {
		if other, twice := seen[Of(k).Name]; twice {
			t.Errorf("%s and %s are both called %s", k, other, Of(k).Name)
		}
		seen[Of(k).Name] = k
	}
}

func TestDeliveryNamesTheHostOnlyOfMails(t *testing.T) {
	for _, c := range []struct {
		kind              authenticator.Kind
		state, host, want string
	}{
		{authenticator.Email, "accepted", "", "delivery.accepted"},
		{authenticator.Email, "accepted", "mx.test", "delivery.accepted_by"},
		{authenticator.Email, "delivered", "mx.test", "delivery.accepted_by"},
		{authenticator.Email, "bounced", "mx.test", "delivery.bounced"},
		{authenticator.SMS, "delivered", "carrier", "delivery.sms.delivered"},
		{authenticator.Push, "queued", "", "delivery.push.queued"},
		{authenticator.Push, "unheard of", "", "delivery.push.none"},
		{"", "accepted", "", "delivery.accepted"},
	} {
		if got := Of(c.kind).Delivery.Key(c.state, c.host); got != c.want {
			t.Errorf("%s %s from %q: %s instead of %s", c.kind, c.state, c.host, got, c.want)
		}
	}
}
