package pmtiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"twind/layers"
)

// Source is the bytes of one state of an archive. It is safe for concurrent use.
type Source interface {
	// Read fills dst from an offset in bytes. It fails with ErrChanged when the
	// bytes are no longer those of this state, with layers.ErrCorrupt beyond the
	// end, and with layers.ErrUnavailable when they cannot be had now.
	Read(ctx context.Context, dst []byte, offset int64) error
	// Size is the number of bytes; −1 is unknown.
	Size() int64
	// Version is another one for each state of the archive.
	Version() string
	// Changed tells whether what the source was opened by holds another state
	// now. It must be cheap; a remote source may know only by reading.
	Changed() bool
	Close() error
}

// ErrChanged is the fault of an archive that was replaced: open it again.
var ErrChanged = errors.New("pmtiles: the archive was replaced")

// file is a Source on disk.
type file struct {
	path string
	f    *os.File
	info os.FileInfo
}

// OpenFile opens an archive on disk. It fails with layers.ErrUnavailable.
func OpenFile(path string) (Source, error) {
	// Looked at before it is opened: opening a pipe would wait for its other end.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, layers.Errorf(layers.ErrUnavailable, "file %s cannot be read: it is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "file %s cannot be opened: %w", path, reason(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, layers.Errorf(layers.ErrUnavailable, "file %s cannot be read: %w", path, reason(err))
	}
	return &file{path, f, info}, nil
}

// reason leaves the name of the file out of an error.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func (s *file) Read(_ context.Context, dst []byte, offset int64) error {
	_, err := s.f.ReadAt(dst, offset)
	// Looked at after reading: a file written over in place is another archive.
	if info, e := s.f.Stat(); e != nil || !sameState(info, s.info) {
		return ErrChanged
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		return layers.Errorf(layers.ErrCorrupt, "file %s ends before byte %d", s.path, offset+int64(len(dst)))
	}
	return layers.Errorf(layers.ErrUnavailable, "file %s cannot be read: %w", s.path, reason(err))
}

func (s *file) Size() int64 { return s.info.Size() }

func (s *file) Version() string {
	inode := uint64(0)
	if st, ok := s.info.Sys().(*syscall.Stat_t); ok {
		inode = st.Ino
	}
	return fmt.Sprintf("%d-%d-%d", s.info.Size(), s.info.ModTime().UnixNano(), inode)
}

// Changed tells whether the path names another file, or the file another state.
// A path that names nothing, as while a file is replaced, is no change yet.
func (s *file) Changed() bool {
	info, err := os.Stat(s.path)
	return err == nil && !(os.SameFile(info, s.info) && sameState(info, s.info))
}

func sameState(a, b os.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (s *file) Close() error { return s.f.Close() }
