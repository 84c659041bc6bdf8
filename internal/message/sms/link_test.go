package sms

import (
	"net"
	"testing"
)

// TestAnAnswerCountsAlthoughTheConnectionEndsWithIt: a carrier may answer and hang up at once. What it took is not
// sent again.
func TestAnAnswerCountsAlthoughTheConnectionEndsWithIt(t *testing.T) {
	for range 500 {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			if p, err := readPDU(theirs); err == nil {
				_, _ = theirs.Write(pdu{command: response | p.command, sequence: p.sequence}.bytes())
			}
		}()
		l := newLink(ours, func([]byte) uint32 { return statusOK })
		p, err := l.request(t.Context(), submitSM, nil)
		if err != nil || p.command != response|submitSM {
			t.Fatalf("the answer is lost: %v", err)
		}
		<-l.done
	}
}
