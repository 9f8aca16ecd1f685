package geojson

import (
	"io"

	"twind/importers"
	"twind/layers"
)

// Read begins to read from memory.
func Read(name string, r io.Reader, reuse bool) (importers.Source, error) {
	return newSource(name, &input{Reader: r, read: &counter{r: r}}, layers.MaxFeatureBytes, importers.OpenOptions{Reuse: reuse})
}

// Limited is a format with small limits.
func Limited(feature int, expansion int64) Format { return Format{limits{feature, expansion}} }
