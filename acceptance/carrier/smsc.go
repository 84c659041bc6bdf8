package carrier

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// The account at the carrier.
const (
	SystemID = "countersign"
	Password = "canary7f"
)

// SMSC is the SMPP one.
type SMSC struct {
	*Phones
	Addr string

	listener net.Listener
	mu       sync.Mutex
	bound    map[*peer]bool
	binds    int
	enquired int
	unbound  int
	deaf     bool
	wg       sync.WaitGroup
}

// NewSMSC starts a carrier at an address ("127.0.0.1:0" for any), which the caller stops.
func NewSMSC(addr string) (*SMSC, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &SMSC{
		Phones:   newPhones(),
		Addr:     l.Addr().String(),
		listener: l,
		bound:    map[*peer]bool{},
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Stop ends it and every connection.
func (s *SMSC) Stop() {
	_ = s.listener.Close()
	s.HangUp()
	s.wg.Wait()
}

// HangUp closes every connection without a word.
func (s *SMSC) HangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.bound {
		_ = p.conn.Close()
	}
}

// Deafen makes it read on and answer nothing, or answer again.
func (s *SMSC) Deafen(on bool) { s.mu.Lock(); defer s.mu.Unlock(); s.deaf = on }

// Counts are successful binds, signs of life asked for, and goodbyes.
func (s *SMSC) Counts() (binds, enquired, unbound int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.binds, s.enquired, s.unbound
}

// Receipt sends a receipt to every bound client: a true one for a handle we gave, a forged
// one for any other.
func (s *SMSC) Receipt(handle, stat string) {
	s.mu.Lock()
	peers := make([]*peer, 0, len(s.bound))
	for p := range s.bound {
		peers = append(peers, p)
	}
	s.mu.Unlock()
	for _, p := range peers {
		p.receipt("+4900", handle, stat)
	}
}

func (s *SMSC) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		p := &peer{smsc: s, conn: c}
		s.wg.Go(p.serve)
	}
}

// peer is one client.
type peer struct {
	smsc     *SMSC
	conn     net.Conn
	write    sync.Mutex
	sequence uint32
}

func (p *peer) serve() {
	defer func() {
		_ = p.conn.Close()
		p.smsc.mu.Lock()
		defer p.smsc.mu.Unlock()
		delete(p.smsc.bound, p)
	}()
	for {
		var h [16]byte
		if _, err := io.ReadFull(p.conn, h[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(h[:])-16)
		if _, err := io.ReadFull(p.conn, body); err != nil {
			return
		}
		p.smsc.mu.Lock()
		deaf := p.smsc.deaf
		p.smsc.mu.Unlock()
		if !deaf && !p.handle(binary.BigEndian.Uint32(h[4:]), binary.BigEndian.Uint32(h[12:]), body) {
			return
		}
	}
}

func (p *peer) handle(command, sequence uint32, body []byte) bool {
	s := p.smsc
	s.mu.Lock()
	known := s.bound[p]
	s.mu.Unlock()
	switch {
	case command == 0x09, command == 0x02: // as a transceiver, as a transmitter
		words := strings.Split(string(body), "\x00")
		if words[0] != SystemID || words[1] != Password {
			p.send(0x80000000|command, 0x0e, sequence, []byte("\x00"))
			return false
		}
		s.mu.Lock()
		s.bound[p] = true
		s.binds++
		s.mu.Unlock()
		p.send(0x80000000|command, 0, sequence, []byte("smsc\x00"))
	case !known:
		p.send(0x80000000, 0x04, sequence, nil)
	case command == 0x15:
		s.mu.Lock()
		s.enquired++
		s.mu.Unlock()
		p.send(0x80000015, 0, sequence, nil)
	case command == 0x06:
		s.mu.Lock()
		s.unbound++
		s.mu.Unlock()
		p.send(0x80000006, 0, sequence, nil)
		return false
	case command == 0x04:
		return p.submit(sequence, body)
	}
	return true
}

func (p *peer) submit(sequence uint32, body []byte) bool {
	t := readSubmit(body)
	b := p.smsc.rule(t.To)
	switch {
	case b.Refuse != 0:
		p.send(0x80000004, uint32(b.Refuse), sequence, nil)
		return true
	case b.Throttle > 0:
		p.send(0x80000004, 0x58, sequence, nil)
		return true
	}
	t = p.smsc.keep(t)
	if b.Early {
		p.receipts(t, b)
	}
	switch {
	case b.Break > 0:
		return false
	case b.Silent > 0:
		return true
	}
	p.smsc.wg.Go(func() {
		time.Sleep(b.Delay)
		p.send(0x80000004, 0, sequence, append([]byte(t.Handle), 0))
		if b.Twice {
			p.send(0x80000004, 0, sequence, append([]byte(t.Handle), 0))
		}
		if !b.Early {
			p.receipts(t, b)
		}
	})
	return true
}

func (p *peer) receipts(t Text, b Behaviour) {
	stat := map[string]string{"delivered": "DELIVRD", "undelivered": "UNDELIV"}[b.Report]
	if stat == "" {
		return
	}
	p.receipt(t.To, t.Handle, stat)
	if b.Twice {
		p.receipt(t.To, t.Handle, stat)
	}
}

func (p *peer) receipt(from, handle, stat string) {
	text := fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2611220900 done date:2611220900 stat:%s err:000 text:",
		handle, stat)
	var b bytes.Buffer
	b.WriteString("\x00\x01\x01" + strings.TrimPrefix(from, "+") + "\x00\x00\x00\x00")
	b.Write([]byte{0x04, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(text))})
	b.WriteString(text)
	b.Write([]byte{0x00, 0x1e, 0, byte(len(handle) + 1)})
	b.WriteString(handle + "\x00")
	b.Write([]byte{0x04, 0x27, 0, 1, map[string]byte{"DELIVRD": 2, "UNDELIV": 5}[stat]})
	p.send(0x05, 0, 0, b.Bytes())
}

// send writes a PDU; a request gets a number of our own.
func (p *peer) send(command, status, sequence uint32, body []byte) {
	p.write.Lock()
	defer p.write.Unlock()
	if command < 0x80000000 {
		p.sequence++
		sequence = p.sequence
	}
	var b bytes.Buffer
	for _, n := range []uint32{uint32(16 + len(body)), command, status, sequence} {
		_ = binary.Write(&b, binary.BigEndian, n)
	}
	b.Write(body)
	_, _ = p.conn.Write(b.Bytes())
}

// readSubmit reads the body of a submit_sm (SMPP 3.4 section 4.4.1).
func readSubmit(body []byte) (t Text) {
	r := bytes.NewBuffer(body)
	text := func() string { s, _ := r.ReadString(0); return strings.TrimSuffix(s, "\x00") }
	text()
	r.Next(2)
	t.From = text()
	r.Next(2)
	t.To, t.Parts = "+"+text(), 1
	class := r.Next(3)[0]
	text()
	text()
	fixed := r.Next(5)
	message := bytes.Clone(r.Next(int(fixed[4])))
	if class&0x40 != 0 {
		t.Parts = int(message[4])
		message = message[int(message[0])+1:]
	}
	if t.UCS2 = fixed[2] == 8; t.UCS2 {
		t.Body = fromUTF16(message)
	} else {
		t.Body = fromGSM(message)
	}
	return t
}

func fromUTF16(b []byte) string {
	var u []uint16
	for i := 0; i+1 < len(b); i += 2 {
		u = append(u, binary.BigEndian.Uint16(b[i:]))
	}
	return string(utf16.Decode(u))
}

// gsm is the default alphabet as the tests need it: what differs from ASCII.
var gsm = map[byte]string{0x00: "@", 0x02: "$", 0x04: "è", 0x05: "é", 0x07: "ì", 0x09: "Ç", 0x11: "_", 0x40: "¡",
	0x5b: "Ä", 0x5c: "Ö", 0x5d: "Ñ", 0x5e: "Ü", 0x60: "¿", 0x7b: "ä", 0x7c: "ö", 0x7d: "ñ", 0x7e: "ü",
	0x7f: "à", 0x1e: "ß"}

func fromGSM(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] == 0x1b && i+1 < len(b) {
			i++
			out.WriteString(map[byte]string{0x65: "€", 0x28: "{", 0x29: "}", 0x3c: "[", 0x3e: "]", 0x3d: "~", 0x2f: `\`,
				0x40: "|", 0x14: "^"}[b[i]])
			continue
		}
		if s, ok := gsm[b[i]]; ok {
			out.WriteString(s)
			continue
		}
		out.WriteByte(b[i])
	}
	return out.String()
}
