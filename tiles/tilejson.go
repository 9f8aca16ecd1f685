package tiles

import (
	"context"
	"slices"
	"strings"

	"twind/layers"
	"twind/layers/pyramid"
	"twind/spatial"
	"twind/spatial/tile"
)

// TileJSON describes a set of tiles after TileJSON 3.0.0.
type TileJSON struct {
	TileJSON    string     `json:"tilejson"` // "3.0.0"
	Name        string     `json:"name,omitempty"`
	Description string     `json:"description,omitempty"`
	Attribution string     `json:"attribution,omitempty"`
	Scheme      string     `json:"scheme"` // "xyz"
	Tiles       []string   `json:"tiles"`
	MinZoom     uint8      `json:"minzoom"`
	MaxZoom     uint8      `json:"maxzoom"`
	Bounds      [4]float64 `json:"bounds"` // west, south, east, north, degrees
	// Center is where to look first: longitude, latitude, zoom. There is a feature.
	Center       [3]float64    `json:"center"`
	VectorLayers []VectorLayer `json:"vector_layers"`
	// UngeneralizedFrom is the first zoom of each layer whose tiles carry all
	// features as they are; see FullZoom.
	UngeneralizedFrom map[layers.ID]uint8 `json:"twind:ungeneralized_from"`
	// Generalization says what the tiles of each layer show below that zoom.
	Generalization map[layers.ID]layers.Generalization `json:"twind:generalization,omitempty"`
}

// VectorLayer describes one layer of the tiles.
type VectorLayer struct {
	ID          layers.ID         `json:"id"`
	Description string            `json:"description,omitempty"`
	MinZoom     uint8             `json:"minzoom"`
	MaxZoom     uint8             `json:"maxzoom"`
	Fields      map[string]string `json:"fields"` // name to "Number", "Boolean" or "String"
}

// TileJSON describes the tiles of r.Layers for a reader of r.Policies; nothing else
// of r counts. Their addresses are url with {z}, {x} and {y} for the numbers:
// absolute, and with the query that each tile request must repeat. It fails as Tile
// does.
func (s *Service) TileJSON(_ context.Context, r Request, url string) (*TileJSON, error) {
	r.Tile = tile.ID{}
	if err := r.check(); err != nil {
		return nil, err
	}
	views, err := s.o.Views.open(r.Layers)
	if err != nil {
		return nil, err
	}
	defer views.release()
	t := &TileJSON{TileJSON: "3.0.0", Scheme: "xyz", Tiles: []string{url}, MinZoom: 255, UngeneralizedFrom: map[layers.ID]uint8{}}
	extent := spatial.EmptyEnvelope()
	var names, credits []string
	for _, v := range views {
		l := v.Layer()
		t.MinZoom, t.MaxZoom = min(t.MinZoom, l.MinZoom), max(t.MaxZoom, l.MaxZoom)
		t.UngeneralizedFrom[l.ID] = FullZoom(l)
		extent = extent.Union(v.Extent())
		fields := make(map[string]string, len(l.Schema))
		for _, p := range l.Schema {
			fields[p.Name] = fieldType(p.Type)
		}
		if s.o.Pyramids != nil && FullZoom(l) > l.MinZoom {
			t.describe(l, fields)
		}
		t.VectorLayers = append(t.VectorLayers, VectorLayer{l.ID, l.Description.In("en"), l.MinZoom, l.MaxZoom, fields})
		names = append(names, l.Title.In("en"))
		if l.Attribution != "" && !slices.Contains(credits, l.Attribution) {
			credits = append(credits, l.Attribution)
		}
	}
	if len(views) == 1 {
		t.Description = views[0].Layer().Description.In("en")
	}
	t.Name, t.Attribution = strings.Join(names, ", "), strings.Join(credits, " · ")
	t.Bounds = bounded(extent)
	t.Center = r.center(views, t.Bounds, t.MinZoom, t.MaxZoom)
	return t, nil
}

// describe adds what tiles below the ungeneralised zoom show.
func (t *TileJSON) describe(l *layers.Layer, fields map[string]string) {
	if t.Generalization == nil {
		t.Generalization = map[layers.ID]layers.Generalization{}
	}
	t.Generalization[l.ID] = l.Generalized()
	for _, name := range pyramid.Derived(l.GeometryType) {
		fields[name] = "Number"
	}
}

func fieldType(t layers.ValueType) string {
	switch t {
	case layers.Boolean:
		return "Boolean"
	case layers.Integer, layers.Number:
		return "Number"
	}
	return "String"
}

// bounded is an extent in the square world; all of that without one.
func bounded(e spatial.Envelope) [4]float64 {
	if e.IsEmpty() {
		return [4]float64{-180, -tile.MaxLatitude, 180, tile.MaxLatitude}
	}
	return [4]float64{max(e.MinX, -180), max(e.MinY, -tile.MaxLatitude), min(e.MaxX, 180), min(e.MaxY, tile.MaxLatitude)}
}

// Center is where to look first at the tiles of r.Layers, for a reader of
// r.Policies: longitude and latitude in degrees, and zoom. There is a feature,
// unless there is none at all. It fails as Tile does.
func (s *Service) Center(r Request) (center [3]float64, err error) {
	r.Tile = tile.ID{}
	if err := r.check(); err != nil {
		return center, err
	}
	views, err := s.o.Views.open(r.Layers)
	if err != nil {
		return center, err
	}
	defer views.release()
	extent, minZoom, maxZoom := spatial.EmptyEnvelope(), uint8(255), uint8(0)
	for _, v := range views {
		extent = extent.Union(v.Extent())
		minZoom, maxZoom = min(minZoom, v.Layer().MinZoom), max(maxZoom, v.Layer().MaxZoom)
	}
	return r.center(views, bounded(extent), minZoom, maxZoom), nil
}

// center is where to look first: see opening.
func (r *Request) center(views viewList, b [4]float64, minZoom, maxZoom uint8) [3]float64 {
	var e worldRect
	e.x0, e.y0 = tile.WorldFloat(b[0], b[3])
	e.x1, e.y1 = tile.WorldFloat(b[2], b[1])
	x, y, z := opening(e, minZoom, maxZoom, r.sampled(views))
	lon, lat := degrees(x, y, b)
	return [3]float64{lon, lat, float64(z)}
}
