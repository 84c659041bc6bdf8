package db

import "syscall"

// filesystem is the number of the filesystem that a folder lies on.
func filesystem(dir string) (uint32, error) {
	var s syscall.Statfs_t
	err := syscall.Statfs(dir, &s)
	return uint32(s.Type), err
}
