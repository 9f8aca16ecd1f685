package geojson

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/transform"

	"twind/importers"
	"twind/layers"
)

// A gzipped file may not expand to more than maxExpansion times its size once it
// is past freeExpansion bytes.
const (
	maxExpansion  = 200
	freeExpansion = 256 << 20
)

var errBomb = errors.New("it expands without end")

// input is a file's text: expanded, decoded, without byte order mark.
type input struct {
	io.Reader
	file     *os.File
	read     *counter
	size     int64
	encoding string
	method   string
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
		return n, fmt.Errorf("%w: %d bytes out of %d so far", errBomb, e.out, e.from.n)
	}
	return n, err
}

func openInput(path, encoding string, free int64) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	in := &input{file: f, read: &counter{r: f}, encoding: "UTF-8", method: "standard"}
	if err := in.open(path, encoding, free); err != nil {
		_ = f.Close()
		return nil, err
	}
	return in, nil
}

func (in *input) open(path, encoding string, free int64) error {
	info, err := in.file.Stat()
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	in.size = info.Size()
	b := bufio.NewReaderSize(in.read, 128<<10)
	if head, _ := b.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return layers.Errorf(layers.ErrInvalid, "%s begins like gzip and is not: %w", path, err)
		}
		b = bufio.NewReaderSize(&expansion{r: z, from: in.read, free: free}, 128<<10)
	}
	in.Reader = b
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return layers.Errorf(layers.ErrInvalid, "%s cannot be read: %w", path, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, err = b.Discard(3)
		return err
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}), len(head) == 4 && (head[0] == 0 || head[1] == 0):
		return layers.Errorf(layers.ErrInvalid, "%s is in UTF-16 or UTF-32; GeoJSON is UTF-8: save it as such, for instance with iconv -f UTF-16 -t UTF-8", path)
	}
	if encoding == "" {
		return nil
	}
	e, err := importers.LookupEncoding(encoding)
	if err != nil {
		return err
	}
	in.encoding, in.method = e.Name, "given"
	if e.Name != importers.UTF8.Name {
		in.Reader = transform.NewReader(b, e.Charset.NewDecoder())
	}
	return nil
}

// Close closes the file.
func (in *input) Close() error { return in.file.Close() }
