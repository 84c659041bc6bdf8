//go:build unix

package db

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock that ends with the open file, or fails with ErrTaken.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrTaken
	}
	return err
}
