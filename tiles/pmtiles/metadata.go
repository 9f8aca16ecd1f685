package pmtiles

import (
	"encoding/json"
	"fmt"

	"twind/layers"
)

// Caps on metadata.
const (
	maxMetadata     = 2 << 20  // bytes as stored
	maxRawMetadata  = 16 << 20 // bytes
	MaxVectorLayers = 256
	MaxFields       = 1000 // of one vector layer
)

// Metadata is what an archive says about itself.
type Metadata struct {
	Name         string        `json:"name,omitempty"`
	Description  string        `json:"description,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	Type         string        `json:"type,omitempty"` // overlay or baselayer
	Version      string        `json:"version,omitempty"`
	Encoding     string        `json:"encoding,omitempty"` // terrarium: heights
	VectorLayers []VectorLayer `json:"vector_layers,omitempty"`
}

// VectorLayer describes one layer of vector tiles after TileJSON 3.0.0.
type VectorLayer struct {
	ID          string            `json:"id"`
	Description string            `json:"description,omitempty"`
	MinZoom     uint8             `json:"minzoom"`
	MaxZoom     uint8             `json:"maxzoom"`
	Fields      map[string]string `json:"fields"`
}

// ParseMetadata reads a JSON object; members of a wrong type are left out, as
// writers differ. first and last are the zooms of layers that name none. It
// fails with layers.ErrCorrupt.
func ParseMetadata(b []byte, first, last uint8) (m Metadata, err error) {
	if len(b) == 0 {
		return m, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return m, layers.Errorf(layers.ErrCorrupt, "the metadata is not a JSON object: %w", err)
	}
	for name, to := range map[string]*string{"name": &m.Name, "description": &m.Description, "attribution": &m.Attribution, "type": &m.Type, "version": &m.Version, "encoding": &m.Encoding} {
		if v, ok := raw[name]; ok && json.Unmarshal(v, to) != nil {
			*to = ""
		}
	}
	m.VectorLayers = vectorLayers(raw["vector_layers"], first, last)
	return m, nil
}

// vectorLayers reads the list of layers as far as it is one.
func vectorLayers(b json.RawMessage, first, last uint8) (out []VectorLayer) {
	var list []struct {
		ID          any            `json:"id"`
		Description any            `json:"description"`
		Min         any            `json:"minzoom"`
		Max         any            `json:"maxzoom"`
		Fields      map[string]any `json:"fields"`
	}
	if len(b) == 0 || json.Unmarshal(b, &list) != nil {
		return nil
	}
	zoom := func(v any, or uint8) uint8 {
		if f, ok := v.(float64); ok && f >= 0 && f <= 30 {
			return uint8(f)
		}
		return or
	}
	for _, l := range list[:min(len(list), MaxVectorLayers)] {
		id, ok := l.ID.(string)
		if !ok || id == "" {
			continue
		}
		v := VectorLayer{ID: id, MinZoom: zoom(l.Min, first), MaxZoom: zoom(l.Max, last), Fields: map[string]string{}}
		v.Description, _ = l.Description.(string)
		for name, kind := range l.Fields {
			if len(v.Fields) < MaxFields {
				v.Fields[name] = fmt.Sprint(kind)
			}
		}
		out = append(out, v)
	}
	return out
}
