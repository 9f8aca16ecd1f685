package importers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"twind/layers"
)

// A gzipped file may not expand to more than maxExpansion times its size once it
// is past some bytes, of FreeExpansion unless it is told otherwise.
const (
	maxExpansion  = 200
	FreeExpansion = 256 << 20
)

// ErrExpands is returned by reading a Text that expands without end.
var ErrExpands = errors.New("it expands without end")

// Text is a file's bytes, expanded where it is gzipped, without the byte order mark
// of UTF-8. It is not safe for concurrent use.
type Text struct {
	*bufio.Reader
	file io.Closer
	read counter
	size int64
}

// OpenText opens a file. A gzipped one may expand to any degree up to free bytes; 0 is
// FreeExpansion. It fails with layers.ErrUnavailable or layers.ErrInvalid.
func OpenText(path string, free int64) (*Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	t, err := NewText(f, f, info.Size(), free)
	if err != nil {
		_ = f.Close()
		return nil, layers.Errorf(layers.ErrInvalid, "%s %w", path, err)
	}
	return t, nil
}

// NewText reads from r, which has size bytes, and closes c at the end.
func NewText(r io.Reader, c io.Closer, size, free int64) (*Text, error) {
	if free == 0 {
		free = FreeExpansion
	}
	t := &Text{file: c, read: counter{r: r}, size: size}
	t.Reader = bufio.NewReaderSize(&t.read, 128<<10)
	if head, _ := t.Peek(2); bytes.Equal(head, gzipMagic) {
		z, err := gzip.NewReader(t.Reader)
		if err != nil {
			return nil, fmt.Errorf("begins like gzip and is not: %w", err)
		}
		t.Reader = bufio.NewReaderSize(&expansion{r: z, from: &t.read, free: free}, 128<<10)
	}
	head, err := t.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if bytes.Equal(head, []byte{0xef, 0xbb, 0xbf}) {
		_, err = t.Discard(3)
		return t, err
	}
	return t, nil
}

// Offset is how many of the file's own bytes have been read, and how many there are.
func (t *Text) Offset() (done, total int64) { return t.read.n, t.size }

// Close closes the file.
func (t *Text) Close() error { return t.file.Close() }

var gzipMagic = []byte{0x1f, 0x8b}

// ExpandHead is the text that the first bytes of a file give, cut off somewhere.
func ExpandHead(head []byte) []byte {
	if !bytes.HasPrefix(head, gzipMagic) {
		return head
	}
	z, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	out := make([]byte, 4<<10)
	n, _ := io.ReadFull(z, out) // the head is cut off
	return out[:n]
}

// counter counts the bytes that were read of the file itself.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// expansion stops a gzip bomb.
type expansion struct {
	r    io.Reader
	from *counter
	free int64
	out  int64
}

func (e *expansion) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	e.out += int64(n)
	if e.out > e.free && e.out > maxExpansion*(e.from.n+1) {
		return n, fmt.Errorf("%w: %d bytes out of %d so far", ErrExpands, e.out, e.from.n)
	}
	return n, err
}
