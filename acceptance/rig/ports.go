package rig

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// ports are those that this process may give away: hundreds, each of which it keeps from every
// other process by listening on the first of them.
var ports struct {
	sync.Mutex
	kept      []net.Listener
	next, end int
}

// freeAddr finds a port that no one listens on, below those that systems lend to outgoing
// connections: a program that is started again and again finds it free each time, and so does
// anyone who is given it and listens later. It is given once.
func freeAddr(t testing.TB) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for range 1000 {
		if ports.next == ports.end {
			first := 20000 + 100*rand.IntN(120)
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first))
			if err != nil {
				continue
			}
			ports.kept = append(ports.kept, l)
			ports.next, ports.end = first+1, first+100
		}
		addr := fmt.Sprintf("127.0.0.1:%d", ports.next)
		ports.next++
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		_ = l.Close()
		return addr
	}
	t.Fatal("no port is free")
	return ""
}
