package shapefile

import (
	"bytes"

	"twind/importers"
)

// OpenParts opens a shapefile whose parts are in memory, by extension.
func OpenParts(parts map[string][]byte, o importers.OpenOptions) (importers.Source, error) {
	s := &source{name: "data.shp", base: "data", cleanup: func() {}}
	in := map[string]part{}
	for ext, b := range parts {
		in["."+ext] = part{bytes.NewReader(b), int64(len(b))}
	}
	return s, s.start(in, o, nil)
}

// Limited is a format that takes a small archive for a bomb.
func Limited(expansion int64) Format { return Format{expansion} }
