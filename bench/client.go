package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// conn is one kept connection of a client that spends next to nothing itself: it writes
// bytes and reads of the answer what it must to find its end.
type conn struct {
	addr string
	c    net.Conn
	r    *bufio.Reader
	out  []byte

	keep    bool // remember cookies and body of answers
	status  int
	place   []byte // Location
	cookies []string
	body    []byte
	refused int // answers that said to wait
}

const answerWithin = 60 * time.Second

// send writes what is in out and reads the answer. A connection that the server closed is
// opened anew once, before anything was answered on it.
func (c *conn) send() error {
	if c.c == nil {
		if err := c.dial(); err != nil {
			return err
		}
	}
	_ = c.c.SetDeadline(time.Now().Add(answerWithin))
	if _, err := c.c.Write(c.out); err != nil {
		c.close()
		return err
	}
	if err := c.read(); err != nil {
		c.close()
		return err
	}
	return nil
}

func (c *conn) dial() error {
	raw, err := net.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	c.c, c.r = raw, bufio.NewReaderSize(raw, 16<<10)
	return nil
}

func (c *conn) close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c = nil
	}
}

func (c *conn) read() error {
	c.status, c.place, c.cookies, c.body = 0, c.place[:0], c.cookies[:0], c.body[:0]
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return fmt.Errorf("not an answer: %.40q", line)
	}
	c.status = int(line[9]-'0')*100 + int(line[10]-'0')*10 + int(line[11]-'0')
	length, last := 0, false
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if err := c.header(line, &length, &last); err != nil {
			return err
		}
	}
	if length < 0 {
		err = c.chunks()
	} else {
		err = c.take(length)
	}
	if last {
		c.close()
	}
	return err
}

// header reads the few that matter. A length of -1 is an answer in chunks.
func (c *conn) header(line []byte, length *int, last *bool) (err error) {
	name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": "))
	switch string(name) {
	case "Content-Length":
		*length, err = strconv.Atoi(string(value))
	case "Transfer-Encoding":
		*length = -1
	case "Location":
		c.place = append(c.place, value...)
	case "Connection":
		*last = string(value) == "close"
	case "Set-Cookie":
		if c.keep {
			pair, _, _ := bytes.Cut(value, []byte(";"))
			c.cookies = append(c.cookies, string(pair))
		}
	}
	return err
}

func (c *conn) take(n int) error {
	if !c.keep {
		_, err := c.r.Discard(n)
		return err
	}
	for range n {
		b, err := c.r.ReadByte()
		if err != nil {
			return err
		}
		c.body = append(c.body, b)
	}
	return nil
}

var errChunk = errors.New("an answer in bad chunks")

func (c *conn) chunks() error {
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return errChunk
		}
		if err := c.take(int(n)); err != nil {
			return err
		}
		if _, err := c.r.Discard(2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// What a browser sends, behind a proxy that ends TLS and says who it is.
const browserHeaders = "Host: " + publicHost +
	"\r\nUser-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"

// get asks for a page as a browser at ip would.
func (c *conn) get(path, ip, cookies string) error {
	c.out = append(c.out[:0], "GET "...)
	c.out = append(c.out, path...)
	c.out = append(c.out, " HTTP/1.1\r\n"+browserHeaders+"Sec-Fetch-Site: none\r\nX-Forwarded-For: "...)
	c.out = append(c.out, ip...)
	c.cookie(cookies)
	c.out = append(c.out, "\r\n\r\n"...)
	return c.send()
}

// post sends a form as our own page would.
func (c *conn) post(path, ip, cookies, form string) error {
	c.writePost(path, ip, cookies, form)
	return c.send()
}

func (c *conn) writePost(path, ip, cookies, form string) {
	c.out = append(c.out[:0], "POST "...)
	c.out = append(c.out, path...)
	c.out = append(
		c.out,
		" HTTP/1.1\r\n"+browserHeaders+"Sec-Fetch-Site: same-origin\r\nOrigin: https://"+publicHost+
			"\r\nX-Forwarded-For: "...)
	c.out = append(c.out, ip...)
	c.cookie(cookies)
	c.form(form)
}

// machine sends what an app's server does: a form where there is one, and credentials.
func (c *conn) machine(method, path, authorization, form string) error {
	c.out = append(c.out[:0], method...)
	c.out = append(c.out, ' ')
	c.out = append(c.out, path...)
	c.out = append(c.out, " HTTP/1.1\r\nHost: "+publicHost+"\r\nAuthorization: "...)
	c.out = append(c.out, authorization...)
	if method == "GET" {
		c.out = append(c.out, "\r\n\r\n"...)
		return c.send()
	}
	c.form(form)
	return c.send()
}

func (c *conn) cookie(cookies string) {
	if cookies != "" {
		c.out = append(c.out, "\r\nCookie: "...)
		c.out = append(c.out, cookies...)
	}
}

func (c *conn) form(form string) {
	c.out = append(c.out, "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(form)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, form...)
}
