package geojson

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/transform"

	"twind/importers"
	"twind/layers"
)

// input is a file's text, decoded.
type input struct {
	io.Reader
	text     *importers.Text
	encoding string
	method   string
}

func openInput(path, encoding string, free int64) (*input, error) {
	text, err := importers.OpenText(path, free)
	if err != nil {
		return nil, err
	}
	in := &input{Reader: text, text: text, encoding: importers.UTF8.Name, method: "standard"}
	if err := in.decode(path, encoding); err != nil {
		_ = text.Close()
		return nil, err
	}
	return in, nil
}

func (in *input) decode(path, encoding string) error {
	head, err := in.text.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return layers.Errorf(layers.ErrInvalid, "%s cannot be read: %w", path, err)
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) || len(head) == 4 && (head[0] == 0 || head[1] == 0) {
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
		in.Reader = transform.NewReader(in.text, e.Charset.NewDecoder())
	}
	return nil
}
