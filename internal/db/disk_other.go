//go:build !linux

package db

import "errors"

// filesystem is the number of the filesystem that a folder lies on.
func filesystem(string) (uint32, error) { return 0, errors.ErrUnsupported }
