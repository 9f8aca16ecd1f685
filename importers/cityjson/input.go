package cityjson

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
// is past freeExpansion bytes.
const (
	maxExpansion  = 200
	freeExpansion = 256 << 20
)

var (
	errBomb    = errors.New("it expands without end")
	errTooLong = errors.New("too long")
)

// input is a file's text, expanded.
type input struct {
	io.Reader
	file io.Closer
	read int64 // bytes of the file itself
	size int64
}

type countingReader struct {
	r io.Reader
	n *int64
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	return n, err
}

// expansion stops a gzip bomb.
type expansion struct {
	r    io.Reader
	read *int64
	out  int64
}

func (e *expansion) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	e.out += int64(n)
	if e.out > freeExpansion && e.out > maxExpansion*(*e.read+1) {
		return n, fmt.Errorf("%w: %d bytes out of %d so far", errBomb, e.out, *e.read)
	}
	return n, err
}

// limiter stops a document that is too long.
type limiter struct {
	r           io.Reader
	limit, left int64
}

func (l *limiter) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	if int64(len(b)) > l.left {
		b = b[:l.left]
	}
	n, err := l.r.Read(b)
	l.left -= int64(n)
	return n, err
}

func openInput(path string) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	in, err := newInput(f, f, info.Size())
	if err != nil {
		_ = f.Close()
		return nil, layers.Errorf(layers.ErrInvalid, "%s begins like gzip and is not: %w", path, err)
	}
	return in, nil
}

func newInput(r io.Reader, c io.Closer, size int64) (*input, error) {
	in := &input{file: c, size: size}
	b := bufio.NewReaderSize(countingReader{r, &in.read}, 128<<10)
	if head, _ := b.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, err
		}
		b = bufio.NewReaderSize(&expansion{r: z, read: &in.read}, 128<<10)
	}
	if head, _ := b.Peek(3); bytes.Equal(head, []byte{0xef, 0xbb, 0xbf}) {
		_, _ = b.Discard(3)
	}
	in.Reader = b
	return in, nil
}

// Close closes the file.
func (in *input) Close() error { return in.file.Close() }

// expandHead is the text that the first bytes of a file give.
func expandHead(head []byte) []byte {
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
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
