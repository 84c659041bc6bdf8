package sms

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"countersign/internal/message"
)

// Commands of SMPP 3.4 (section 5.1.2.1); an answer has the highest bit set.
const (
	genericNack     uint32 = 0x80000000
	response        uint32 = 0x80000000
	bindTransmitter uint32 = 0x00000002
	bindTransceiver uint32 = 0x00000009
	submitSM        uint32 = 0x00000004
	deliverSM       uint32 = 0x00000005
	unbind          uint32 = 0x00000006
	enquireLink     uint32 = 0x00000015
)

// Statuses (section 5.1.3) that say more than "refused".
const (
	statusOK        uint32 = 0x00
	statusCommand   uint32 = 0x03 // unknown command
	statusSystem    uint32 = 0x08
	statusSource    uint32 = 0x0a
	statusQueueFull uint32 = 0x14
	statusThrottled uint32 = 0x58
	statusLater     uint32 = 0x64 // receiver temporary application error
)

// Optional parameters (section 5.3.2).
const (
	tagReceipted uint16 = 0x001e
	tagPayload   uint16 = 0x0424
	tagState     uint16 = 0x0427
)

const (
	headerSize = 16
	maxPDU     = 64 << 10
)

// pdu is one message of the protocol.
type pdu struct {
	command, status, sequence uint32
	body                      []byte
}

func (p pdu) bytes() []byte {
	out := make([]byte, headerSize, headerSize+len(p.body))
	binary.BigEndian.PutUint32(out, uint32(headerSize+len(p.body)))
	binary.BigEndian.PutUint32(out[4:], p.command)
	binary.BigEndian.PutUint32(out[8:], p.status)
	binary.BigEndian.PutUint32(out[12:], p.sequence)
	return append(out, p.body...)
}

func readPDU(r io.Reader) (p pdu, err error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return p, err
	}
	size := binary.BigEndian.Uint32(h[:])
	if size < headerSize || size > maxPDU {
		return p, fmt.Errorf("a PDU of %d bytes", size)
	}
	p = pdu{
		command:  binary.BigEndian.Uint32(h[4:]),
		status:   binary.BigEndian.Uint32(h[8:]),
		sequence: binary.BigEndian.Uint32(h[12:]),
		body:     make([]byte, size-headerSize),
	}
	_, err = io.ReadFull(r, p.body)
	return p, err
}

// cstring is a C-Octet String: it ends with a zero byte, and contains no other.
func cstring(s string) []byte {
	return append([]byte(strings.ReplaceAll(s, "\x00", "")), 0)
}

func bindBody(o SMPPOptions) []byte {
	return bytes.Join([][]byte{cstring(o.SystemID), cstring(o.Password.Reveal()), cstring(o.SystemType), {0x34, 0, 0},
		cstring("")}, nil)
}

// senderAddress says what kind of address the sender is: a number, or a name of up to 11 letters.
func senderAddress(from string) (ton, npi byte, address string) {
	digits := strings.TrimPrefix(from, "+")
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return 5, 0, from // alphanumeric
	case from != digits:
		return 1, 1, digits // international, ISDN
	}
	return 3, 0, digits // network specific: a short code
}

// submitBodies is a text as one PDU or several, which the telephone puts together again (user data
// header, 3GPP TS 23.040 section 9.2.3.24.1).
func submitBodies(from, to, text string, reference byte) (out [][]byte) {
	c := splitText(text)
	coding := byte(0)
	if c.ucs2 {
		coding = 8
	}
	ton, npi, source := senderAddress(from)
	for i, part := range c.parts {
		class := byte(0)
		if len(c.parts) > 1 {
			class = 0x40
			part = append([]byte{5, 0, 3, reference, byte(len(c.parts)), byte(i + 1)}, part...)
		}
		out = append(out, bytes.Join([][]byte{
			{0, ton, npi}, cstring(source), {1, 1}, cstring(strings.TrimPrefix(to, "+")),
			// 1: a receipt for either outcome
			{class, 0, 0}, cstring(""), cstring(""), {1, 0, coding, 0, byte(len(part))}, part,
		}, nil))
	}
	return out
}

// receipt is what a deliver_sm tells of a message that was sent.
type receipt struct {
	handle string
	state  message.State // empty: on its way
}

var errShort = errors.New("a PDU ends too early")

// field reads what a PDU is made of, and remembers where it was cut short.
type fields struct {
	rest []byte
	err  error
}

func (f *fields) text() string {
	i := bytes.IndexByte(f.rest, 0)
	if i < 0 {
		f.err, f.rest = errShort, nil
		return ""
	}
	s := string(f.rest[:i])
	f.rest = f.rest[i+1:]
	return s
}

func (f *fields) take(n int) []byte {
	if len(f.rest) < n {
		f.err, f.rest = errShort, nil
		return make([]byte, n)
	}
	out := f.rest[:n]
	f.rest = f.rest[n:]
	return out
}

// readReceipt reads the body of a deliver_sm; ok is false for a message from a person,
// which no one here reads.
func readReceipt(body []byte) (r receipt, ok bool, err error) {
	f := &fields{rest: body}
	_ = f.text()
	f.take(2)
	_ = f.text()
	f.take(2)
	_ = f.text()
	class := f.take(3)[0]
	_, _ = f.text(), f.text()
	short := string(f.take(int(f.take(5)[4])))
	if f.err != nil || class&0x3c != 0x04 {
		return r, false, f.err
	}
	r = fromText(short)
	for len(f.rest) > 0 && f.err == nil {
		h := f.take(4)
		value := f.take(int(binary.BigEndian.Uint16(h[2:])))
		switch tag := binary.BigEndian.Uint16(h); {
		case tag == tagPayload && short == "":
			r = mergeReceipts(fromText(string(value)), r)
		case tag == tagReceipted:
			r.handle = normalHandle(strings.TrimRight(string(value), "\x00"))
		case tag == tagState && len(value) == 1:
			r.state = stateOf(value[0])
		}
	}
	return r, f.err == nil && r.handle != "", f.err
}

// mergeReceipts fills what a text lacks; what a field of its own said wins.
func mergeReceipts(text, own receipt) receipt {
	if own.handle != "" {
		text.handle = own.handle
	}
	if own.state != "" {
		text.state = own.state
	}
	return text
}

var (
	idInText    = regexp.MustCompile(`(?i)(?:^|[\s,;])(?:message[_ ]?)?id\s*[:=]\s*"?([^\s,;"]{1,65})`)
	stateInText = regexp.MustCompile(`(?i)(?:^|[\s,;])(?:stat|status|state)\s*[:=]\s*"?([A-Z]{1,20})`)
)

// fromText reads the customary form (appendix B): "id:… sub:… stat:DELIVRD err:…".
func fromText(s string) (r receipt) {
	if m := idInText.FindStringSubmatch(s); m != nil {
		r.handle = normalHandle(m[1])
	}
	if m := stateInText.FindStringSubmatch(s); m != nil {
		switch strings.ToUpper(m[1]) {
		case "DELIVRD", "DELIVERED", "DELIVERD":
			r.state = message.Delivered
		case "EXPIRED", "DELETED", "UNDELIV", "UNDELIVERABLE", "UNDELIVERED", "REJECTD", "REJECTED", "FAILED":
			r.state = message.Bounced
		}
	}
	return r
}

// stateOf reads message_state (section 5.2.28).
func stateOf(b byte) message.State {
	switch b {
	case 2:
		return message.Delivered
	case 3, 4, 5, 8: // expired, deleted, undeliverable, rejected
		return message.Bounced
	}
	return ""
}

// normalHandle brings the names that a carrier uses for one message into one form: some pad them
// with zeros in receipts, or change the case.
func normalHandle(id string) string {
	return handleOf(strings.ToLower(strings.TrimLeft(id, "0")))
}
