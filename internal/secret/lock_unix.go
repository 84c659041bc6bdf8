//go:build unix

package secret

import (
	"os"
	"syscall"
)

// lock waits until no one else holds the lock on an open folder; closing it unlocks.
func lock(folder *os.File) error { return syscall.Flock(int(folder.Fd()), syscall.LOCK_EX) }

// giveTo makes a new file belong to whom an old one belongs to: an administrator may run a
// command for a server that runs as someone else.
func giveTo(made string, old os.FileInfo) error {
	if was, ok := old.Sys().(*syscall.Stat_t); ok {
		return os.Chown(made, int(was.Uid), int(was.Gid))
	}
	return nil
}
