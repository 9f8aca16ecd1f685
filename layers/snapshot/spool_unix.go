//go:build unix

package snapshot

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// spool keeps the finished runs of a base in the making in a temporary file that
// is mapped, so that the heap does not hold a whole layer. It is used by one
// goroutine at a time.
type spool struct {
	dir  string
	file *os.File // nil until it is needed; it has no name
	at   int64
	maps [][]byte
	buf  []byte
}

// move writes the columns of a segment to the file and has the segment use them
// from there. Values stay where they are.
func (s *spool) move(seg *Segment) error {
	if s.file == nil {
		file, err := os.CreateTemp(s.dir, tempPrefix+"*")
		if err != nil {
			return err
		}
		_ = os.Remove(file.Name())
		s.file = file
	}
	s.buf = s.buf[:0]
	columns := columnsOf(seg)
	for _, c := range columns {
		s.buf = append(s.buf, c.bytes()...)
		s.buf = append(s.buf, make([]byte, -len(s.buf)&7)...)
	}
	page := int64(os.Getpagesize())
	s.at = (s.at + page - 1) &^ (page - 1)
	if _, err := s.file.WriteAt(s.buf, s.at); err != nil {
		return fmt.Errorf("write %s: %w", s.file.Name(), err)
	}
	data, err := syscall.Mmap(int(s.file.Fd()), s.at, len(s.buf), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map %s: %w", s.file.Name(), err)
	}
	s.maps = append(s.maps, data)
	s.at += int64(len(s.buf))
	for _, c := range columns {
		n := len(c.bytes())
		c.set(data[:n:n])
		data = data[(n+7)&^7:]
	}
	return nil
}

// close gives the file and its mappings back.
func (s *spool) close() {
	for _, m := range s.maps {
		_ = syscall.Munmap(m)
	}
	s.maps = nil
	if s.file != nil {
		_ = s.file.Close()
		s.file = nil
	}
}

// spoolColumn is a column as bytes.
type spoolColumn struct {
	bytes func() []byte
	set   func([]byte)
}

func columnsOf(seg *Segment) []spoolColumn {
	columns := []spoolColumn{
		spooled(&seg.Box), spooled(&seg.Type), spooled(&seg.Flags), spooled(&seg.SimpleFrom),
		spooled(&seg.FeaturePath), spooled(&seg.PathKinds), spooled(&seg.PathVertex), spooled(&seg.World),
		spooled(&seg.IDOffset), spooled(&seg.IDBytes), spooled(&seg.Number), spooled(&seg.Revision), spooled(&seg.exact),
		spooled(&seg.surfaces.bytes),
	}
	if seg.heights != nil {
		columns = append(columns, spooled(&seg.heights))
	}
	for c := range seg.Columns {
		columns = append(columns, spooled(&seg.Columns[c]))
	}
	return columns
}

func spooled[T any](column *[]T) spoolColumn {
	return spoolColumn{
		bytes: func() []byte { return bytesOf(*column) },
		set: func(b []byte) {
			if len(b) == 0 {
				*column = nil
				return
			}
			*column = unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(*column))
		},
	}
}
