// Package city holds the real data of the demo city, so that one binary carries
// it. README.md names origin, licence and count of each file; the program
// internal/demo/prepare makes the files.
package city

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
)

// files are the data, by their paths below this folder.
//
//go:embed new-york kamloops nanaimo
var files embed.FS

// FS gives the files as they are stored: gzipped where their names end in .gz.
func FS() fs.FS { return files }

// maxBytes bounds one file once it is unpacked; the largest has 24 MB.
const maxBytes = 64 << 20

// Open unpacks the file that is stored as name + ".gz". The caller closes it.
func Open(name string) (io.ReadCloser, error) {
	f, err := files.Open(name + ".gz")
	if err != nil {
		return nil, fmt.Errorf("city: %w", err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("city: %s.gz: %w", name, err)
	}
	return &reader{z, f}, nil
}

// ReadFile unpacks the whole of the file that is stored as name + ".gz".
func ReadFile(name string) ([]byte, error) {
	r, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("city: %s.gz: %w", name, err)
	}
	if len(b) > maxBytes {
		return nil, fmt.Errorf("city: %s.gz unpacks to more than %d bytes", name, maxBytes)
	}
	return b, nil
}

// reader closes the file with the unpacker.
type reader struct {
	*gzip.Reader
	file fs.File
}

func (r *reader) Close() error {
	err := r.Reader.Close()
	if e := r.file.Close(); err == nil {
		err = e
	}
	return err
}
