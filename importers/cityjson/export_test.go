package cityjson

import (
	"bytes"
	"io"

	"twind/importers"
	"twind/layers"
)

// Read begins to read from memory, with a limit of bytes for a document.
func Read(b []byte, limit int64, kind layers.Kind) (importers.Source, error) {
	in, err := importers.NewText(bytes.NewReader(b), io.NopCloser(nil), int64(len(b)), 0)
	if err != nil {
		return nil, layers.Errorf(layers.ErrInvalid, "%w", err)
	}
	return newSource("memory", in, limit, kind)
}
