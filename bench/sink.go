package main

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// sink is a mail server that takes everything and keeps the last mail only.
type sink struct {
	addr  string
	count atomic.Int64
	open  atomic.Int64 // connections that were ever opened

	l    net.Listener
	mu   sync.Mutex
	last string
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{addr: l.Addr().String(), l: l}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.open.Add(1)
			go s.talk(c)
		}
	}()
	return s, nil
}

func (s *sink) stop() { _ = s.l.Close() }

// newest is the text of the mail that came last.
func (s *sink) newest() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// talk is RFC 5321 as far as one honest client needs it.
func (s *sink) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReaderSize(c, 64<<10)
	say := func(line string) bool { _, err := c.Write([]byte(line + "\r\n")); return err == nil }
	for ok := say("220 sink ESMTP"); ok; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		switch verb {
		case "EHLO":
			ok = say("250-sink\r\n250-PIPELINING\r\n250 8BITMIME")
		case "DATA":
			ok = say("354 go on") && s.take(r) && say("250 2.0.0 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			ok = say("250 2.0.0 fine")
		}
	}
}

func (s *sink) take(r *bufio.Reader) bool {
	var text bytes.Buffer
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return false
		}
		if bytes.Equal(line, []byte(".\r\n")) {
			break
		}
		text.Write(line)
	}
	s.mu.Lock()
	s.last = text.String()
	s.mu.Unlock()
	s.count.Add(1)
	return true
}
