package exporters

import (
	"twind/layers"
	"twind/layers/geojson"
)

// collection writes a FeatureCollection, one feature a line, so that line tools
// and version control can work on it.
type collection struct{ l *layers.Layer }

func (c *collection) begin(dst []byte) []byte {
	dst = append(dst, `{"type":"FeatureCollection","name":`...)
	dst = geojson.AppendString(dst, string(c.l.ID))
	return append(dst, `,"features":[`...)
}

func (c *collection) feature(dst []byte, f *layers.Feature, first bool) []byte {
	if !first {
		dst = append(dst, ',')
	}
	dst = append(dst, '\n')
	return geojson.AppendFeature(dst, c.l, f, geojson.EncodeOptions{})
}

func (c *collection) end(dst []byte) []byte { return append(dst, "\n]}\n"...) }

// sequence writes one feature a line, after a record separator where RFC 8142 is
// wanted to the letter.
type sequence struct {
	l          *layers.Layer
	separators bool
}

func (s *sequence) begin(dst []byte) []byte { return dst }

func (s *sequence) feature(dst []byte, f *layers.Feature, _ bool) []byte {
	if s.separators {
		dst = append(dst, 0x1e)
	}
	return append(geojson.AppendFeature(dst, s.l, f, geojson.EncodeOptions{}), '\n')
}

func (s *sequence) end(dst []byte) []byte { return dst }
