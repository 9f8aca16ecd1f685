//go:build unix

package snapshot

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"syscall"
)

// mapBase maps a file and opens the base in it. The file may be closed, renamed
// and removed afterwards, but never truncated.
func mapBase(file *os.File) (b *base, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size < headerSize || size > math.MaxInt {
		return nil, baseError("%d bytes long", size)
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", file.Name(), err)
	}
	unmap := func() { _ = syscall.Munmap(data) }
	// A page that cannot be read, as of a file cut short meanwhile, is a reason
	// to discard the file, not to end the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, baseError("reading it failed: %v", r)
		}
		if err != nil {
			unmap()
		}
	}()
	if b, err = openBase(data); err == nil {
		b.close = unmap
	}
	return b, err
}
