package sms

import (
	"context"
	"testing"

	"countersign/internal/message"
)

// TestReceiptVariants reads what carriers write in place of appendix B of SMPP 3.4.
func TestReceiptVariants(t *testing.T) {
	for text, want := range map[string]receipt{
		"id:0012AB sub:001 dlvrd:001 submit date:2609010000 done date:2609010000 stat:DELIVRD err:000 text:hello": {
			"12ab", message.Delivered},
		"id: 12AB sub: 001 stat: DELIVRD err: 000": {
			"12ab", message.Delivered},
		"id:12ab,sub:001,stat:DELIVERED,err:000": {
			"12ab", message.Delivered},
		"id:12ab, sub:001, stat:FAILED, err:001": {
			"12ab", message.Bounced},
		"id:12ab\nsub:001\nstat:UNDELIVERED\nerr:9": {
			"12ab", message.Bounced},
		"id:12ab\r\nstat:UNDELIVERABLE": {
			"12ab", message.Bounced},
		"ID=12AB;STAT=REJECTED;ERR=1": {
			"12ab", message.Bounced},
		"id:\"12ab\" stat:\"DELIVRD\"": {
			"12ab", message.Delivered},
		"id:12ab status:delivered": {
			"12ab", message.Delivered},
		"message_id:12ab stat:EXPIRED": {
			"12ab", message.Bounced},
		"id:12ab stat:REJECTD text:id:99 stat:DELIVRD": {
			"12ab", message.Bounced},
		"id:12ab stat:ACCEPTD": {
			"12ab", ""},
		"id:12ab stat:ENROUTE": {
			"12ab", ""},
		"id:12ab stat:UNKNOWN": {
			"12ab", ""},
		"id:a1b2-c3d4_5 stat:DELIVRD": {
			"a1b2-c3d4_5", message.Delivered},
		"hello there, android: 5 restat:DELIVRD": {"",
			""},
		"sub:001\tid:7\tstat:DELETED": {"7",
			message.Bounced},
	} {
		if got := fromText(text); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

// TestReceiptsNameTheMessageInTheOtherBase: hexadecimal in the answer and decimal in the receipt, and the reverse.
func TestReceiptsNameTheMessageInTheOtherBase(t *testing.T) {
	for sent, receipts := range map[string][]string{
		"12ab":             {"4779", "000000004779", "12AB", "00012ab"},
		"4779":             {"12ab", "000012AB", "4779"},
		"ffffffffffffffff": {"18446744073709551615"},
		"a1b2-c3":          {"A1B2-C3"},
	} {
		for _, named := range receipts {
			var got string
			s := &SMPP{
				host: "h",
				o: SMPPOptions{Report: func(_ context.Context, handle string, _ message.State, _ string) error {
					if handle != "h/"+sent {
						return message.ErrNotOurs
					}
					got = handle
					return nil
				}},
			}
			if err := s.report(t.Context(), receipt{normalHandle(named), message.Delivered}); err != nil || got == "" {
				t.Errorf("%s for %s: %v", named, sent, err)
			}
		}
	}
	if all := otherBase("a1b2-c3"); len(all) != 0 {
		t.Errorf("%q", all)
	}
}
