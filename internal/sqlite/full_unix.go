//go:build linux || darwin

package sqlite

import (
	"math"
	"syscall"
)

// fileSizeLimit is how large this process may make a file (ulimit -f), in bytes.
func fileSizeLimit() int64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil || l.Cur > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(l.Cur)
}
