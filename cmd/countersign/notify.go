package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// notifySystemd tells the service manager that started us how far we are (sd_notify(3)), and
// no one else: without NOTIFY_SOCKET it does nothing. A message that is lost is not worth
// stopping for, so there is no error.
func notifySystemd(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	if address[0] == '@' { // an abstract socket
		address = "\x00" + address[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte(state))
}

// attended keeps the service manager informed: ready says that people may come, and done
// returns when it knows that we stop.
func attended(ctx context.Context) (ready, done func()) {
	ctx, stop := context.WithCancel(ctx)
	var beats sync.WaitGroup
	ready = func() {
		notifySystemd("READY=1")
		beats.Go(func() { notifyUntil(ctx) })
	}
	return ready, func() { stop(); beats.Wait() }
}

// notifyUntil says that we stop as soon as ctx ends, and until then, at half of the pace
// that the service manager asks for, that this process still gets to run. It says nothing
// of the database: a restart would not bring that back.
func notifyUntil(ctx context.Context) {
	defer notifySystemd("STOPPING=1")
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros <= 0 {
		<-ctx.Done()
		return
	}
	beat := time.NewTicker(time.Duration(micros) * time.Microsecond / 2)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			notifySystemd("WATCHDOG=1")
		}
	}
}
