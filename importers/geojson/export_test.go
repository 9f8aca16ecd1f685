package geojson

import (
	"io"

	"twind/importers"
)

// Read begins to read from memory.
func Read(name string, r io.Reader, reuse bool) (importers.Source, error) {
	return newSource(name, &input{Reader: r, read: &counter{r: r}}, importers.OpenOptions{Reuse: reuse})
}
