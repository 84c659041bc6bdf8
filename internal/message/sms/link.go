package sms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// link is one connection: questions go out and are matched with their answers, and what the
// other side asks is answered.
type link struct {
	conn     net.Conn
	received func(body []byte) (status uint32)

	write   sync.Mutex
	mu      sync.Mutex
	next    uint32
	waiting map[uint32]chan pdu
	done    chan struct{}
	why     error // set before done is closed

	receipts chan pdu
}

// receiptsAhead bounds how many receipts wait to be written down; more make the carrier wait.
const receiptsAhead = 64

func newLink(conn net.Conn, received func(body []byte) uint32) *link {
	l := &link{
		conn:     conn,
		received: received,
		waiting:  map[uint32]chan pdu{},
		done:     make(chan struct{}),
		receipts: make(chan pdu, receiptsAhead),
	}
	go l.read()
	go l.recordReceipts()
	return l
}

// close ends the connection once, and every question with it.
func (l *link) close(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.done:
	default:
		l.why = why
		close(l.done)
		_ = l.conn.Close()
	}
}

// request sends a question and waits for its answer. After an error no one knows whether it
// arrived, unless it is a *NotTaken.
func (l *link) request(ctx context.Context, command uint32, body []byte) (pdu, error) {
	answer := make(chan pdu, 1)
	l.mu.Lock()
	l.next = l.next%0x7fffffff + 1
	sequence := l.next
	l.waiting[sequence] = answer
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, sequence)
	}()
	if err := l.send(ctx, pdu{command: command, sequence: sequence, body: body}); err != nil {
		return pdu{}, err
	}
	err := errors.New("the connection to the carrier broke")
	select {
	case p := <-answer:
		return understood(p)
	case <-l.done:
	case <-ctx.Done():
		err = errors.New("the carrier did not answer in time")
	}
	select {
	case p := <-answer: // it came before that: a text that was taken must not be sent again
		return understood(p)
	default:
		return pdu{}, err
	}
}

// understood is an answer, unless it says that the question was none.
func understood(p pdu) (pdu, error) {
	if p.command == genericNack {
		return p, &NotTaken{fmt.Errorf("the carrier does not understand: status %#x", p.status)}
	}
	return p, nil
}

// send writes a whole PDU. A connection on which that was not possible is of no more use.
func (l *link) send(ctx context.Context, p pdu) error {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Close() }) // also for those who wait behind one that is stuck
	defer stop()
	l.write.Lock()
	defer l.write.Unlock()
	select {
	case <-l.done:
		return &NotTaken{errNotBound}
	default:
	}
	if _, err := l.conn.Write(p.bytes()); err != nil {
		l.close(errors.New("the connection to the carrier broke"))
		return errors.New("the connection to the carrier broke")
	}
	return nil
}

func (l *link) read() {
	for {
		p, err := readPDU(l.conn)
		if err != nil {
			l.close(errors.New("the connection to the carrier broke"))
			return
		}
		if p.command&response != 0 {
			l.handleAnswer(p)
			continue
		}
		if !l.handleRequest(p) {
			return
		}
	}
}

func (l *link) handleAnswer(p pdu) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ch := l.waiting[p.sequence]; ch != nil {
		delete(l.waiting, p.sequence) // a second answer finds no one
		ch <- p
	}
}

// handleRequest answers the other side; false ends the connection.
func (l *link) handleRequest(p pdu) bool {
	switch p.command {
	case deliverSM:
		select {
		case l.receipts <- p:
		case <-l.done:
		}
	case enquireLink:
		_ = l.send(context.Background(), pdu{command: response | enquireLink, sequence: p.sequence})
	case unbind:
		_ = l.send(context.Background(), pdu{command: response | unbind, sequence: p.sequence})
		l.close(errors.New("the carrier said goodbye"))
		return false
	default:
		_ = l.send(context.Background(), pdu{command: genericNack, status: statusCommand, sequence: p.sequence})
	}
	return true
}

// recordReceipts writes receipts down, apart from the reader, which must go on matching answers.
func (l *link) recordReceipts() {
	for {
		select {
		case p := <-l.receipts:
			status := l.received(p.body)
			_ = l.send(context.Background(), pdu{
				command:  response | deliverSM,
				status:   status,
				sequence: p.sequence,
				body:     []byte{0},
			})
		case <-l.done:
			return
		}
	}
}
