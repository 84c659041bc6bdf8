package sms_test

import (
	"errors"
	"testing"
	"time"

	"countersign/acceptance/carrier"
	"countersign/internal/message/sms"
)

// TestACarrierIsAskedWithoutASend: a probe binds, says goodbye and sends nothing.
func TestACarrierIsAskedWithoutASend(t *testing.T) {
	c, err := carrier.NewSMSC("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := sms.SMPPOptions{Address: c.Addr, SystemID: carrier.SystemID, Password: carrier.Password, From: "Harbor",
		Timeout: time.Second, Window: 4, Enquire: time.Hour}
	if err := sms.NewSMPP(o).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if binds, _, unbound := c.Counts(); binds != 1 || unbound != 1 || c.Taken() != 0 {
		t.Errorf("%d binds, %d goodbyes, %d texts", binds, unbound, c.Taken())
	}
	wrong := o
	wrong.Password = "other"
	if err := sms.NewSMPP(wrong).Probe(t.Context()); !errors.Is(err, sms.ErrCredentials) {
		t.Errorf("another password: %v", err)
	}
	c.Stop()
	if err := sms.NewSMPP(o).Probe(t.Context()); err == nil || errors.Is(err, sms.ErrCredentials) {
		t.Errorf("no one is there: %v", err)
	}
}
