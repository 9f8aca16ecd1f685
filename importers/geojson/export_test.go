package geojson

import (
	"io"

	"twind/importers"
	"twind/layers"
)

// Read begins to read from memory.
func Read(name string, r io.Reader, reuse bool) (importers.Source, error) {
	text, err := importers.NewText(r, io.NopCloser(nil), 0, 0)
	if err != nil {
		return nil, err
	}
	return newSource(name, &input{Reader: text, text: text}, layers.MaxFeatureBytes, importers.OpenOptions{Reuse: reuse})
}

// Limited is a format with small limits.
func Limited(feature int, expansion int64) Format { return Format{limits{feature, expansion}} }
