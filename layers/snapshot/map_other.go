//go:build !unix

package snapshot

import (
	"io"
	"os"
	"unsafe"
)

// mapBase reads a file into memory, aligned, and opens the base in it.
func mapBase(file *os.File) (*base, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	words := make([]uint64, (info.Size()+7)/8+1)
	data := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:info.Size()]
	if _, err := file.ReadAt(data, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return openBase(data)
}
