package tiles

import (
	"context"
	"math"
	"slices"
	"strings"

	"twind/layers"
	"twind/layers/pyramid"
	"twind/spatial"
	"twind/spatial/tile"
)

// TileJSON describes a set of tiles after TileJSON 3.0.0.
type TileJSON struct {
	TileJSON     string        `json:"tilejson"` // "3.0.0"
	Name         string        `json:"name,omitempty"`
	Description  string        `json:"description,omitempty"`
	Attribution  string        `json:"attribution,omitempty"`
	Scheme       string        `json:"scheme"` // "xyz"
	Tiles        []string      `json:"tiles"`
	MinZoom      uint8         `json:"minzoom"`
	MaxZoom      uint8         `json:"maxzoom"`
	Bounds       [4]float64    `json:"bounds"` // west, south, east, north, degrees
	Center       [3]float64    `json:"center"` // longitude, latitude, zoom
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

// TileJSON describes the tiles of the layers, whose addresses are url with {z},
// {x} and {y} for the numbers: absolute, and with the query that each tile request
// must repeat. It fails as Tile does.
func (s *Service) TileJSON(_ context.Context, ids []layers.ID, url string) (*TileJSON, error) {
	r := Request{Layers: ids}
	if err := r.check(); err != nil {
		return nil, err
	}
	views, err := s.o.Views.open(ids)
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
	t.Bounds, t.Center = place(extent, t.MinZoom, t.MaxZoom)
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

// place bounds an extent to the square world and finds where to look first: its
// middle, at the zoom that shows it in about two tiles.
func place(e spatial.Envelope, minZoom, maxZoom uint8) (bounds [4]float64, center [3]float64) {
	if e.IsEmpty() {
		e = spatial.Envelope{MinX: -180, MinY: -tile.MaxLatitude, MaxX: 180, MaxY: tile.MaxLatitude}
	}
	e.MinY, e.MaxY = max(e.MinY, -tile.MaxLatitude), min(e.MaxY, tile.MaxLatitude)
	e.MinX, e.MaxX = max(e.MinX, -180), min(e.MaxX, 180)
	x0, y0 := tile.WorldFloat(e.MinX, e.MaxY)
	x1, y1 := tile.WorldFloat(e.MaxX, e.MinY)
	z := minZoom
	for z < maxZoom && max(x1-x0, y1-y0) < gridUnit(z+1)*GridSize*2 {
		z++
	}
	lon, lat := tile.LonLat((x0+x1)/2, (y0+y1)/2)
	round := func(v float64) float64 { return math.Round(v*1e7) / 1e7 }
	return [4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}, [3]float64{round(lon), round(lat), float64(z)}
}
