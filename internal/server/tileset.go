package server

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

const relGeodata = "http://www.opengis.net/def/rel/ogc/1.0/geodata"

// tileset is the tiles of one or more layers, as they are at the moment of a
// request.
type tileset struct {
	path    string // of its list on the server
	title   string
	layers  []*layers.Layer
	extents []spatial.Envelope // of each
}

// zooms are the first and last zoom with tiles in a grid; it reports false when
// there is none.
func (t *tileset) zooms(g tile.Grid) (first, last uint8, ok bool) {
	first = tile.MaxZoom
	for _, l := range t.layers {
		first, last = min(first, l.MinZoom), max(last, l.MaxZoom)
	}
	first = max(first, g.FirstZoom())
	return first, last, first <= last
}

// extent is where the data is; empty if there is none.
func (t *tileset) extent() spatial.Envelope {
	e := spatial.EmptyEnvelope()
	for _, o := range t.extents {
		e = e.Union(o)
	}
	return e
}

// limits are the tiles of a zoom that may hold data: those whose buffered box
// meets the extent of a layer shown at it. Layers that end at a lower zoom than
// others go on with them. Without any data they are all tiles of the zoom, as
// data may come anywhere. It reports false where there are no tiles at all.
func (t *tileset) limits(m *tile.MatrixSet, z uint8) (tile.Limits, bool) {
	if first, last, ok := t.zooms(m.Grid); !ok || z < first || z > last {
		return tile.Limits{}, false
	}
	e := spatial.EmptyEnvelope()
	for i, l := range t.layers {
		if l.MinZoom <= z {
			e = e.Union(t.extents[i])
		}
	}
	return m.Limits(e, z, tiles.Buffer, tiles.GridSize), true
}

// contains refuses a tile outside the tileset's limits.
func (t *tileset) contains(m *tile.MatrixSet, id tile.ID) error {
	matrix := m.Matrix(id.Z).ID
	l, ok := t.limits(m, id.Z)
	if !ok {
		first, last, some := t.zooms(m.Grid)
		if !some {
			return layers.Errorf(layers.ErrNotFound, "there are no tiles in %s here", m.ID)
		}
		return layers.Errorf(layers.ErrNotFound, "tile matrix %s has no tiles here; %s to %s have", matrix, m.Matrix(first).ID, m.Matrix(last).ID)
	}
	if !l.Contains(id) {
		return layers.Errorf(layers.ErrNotFound, "row %d, column %d is outside the limits of tile matrix %s: rows %d to %d, columns %d to %d",
			id.Y, id.X, matrix, l.MinRow, l.MaxRow, l.MinCol, l.MaxCol)
	}
	return nil
}

func (t *tileset) allLimits(m *tile.MatrixSet) []tile.Limits {
	list := []tile.Limits{}
	first, last, _ := t.zooms(m.Grid)
	for z := first; z <= last; z++ {
		if l, ok := t.limits(m, z); ok {
			list = append(list, l)
		}
	}
	return list
}

// item is the tileset as lists show it; p are parameters that its tiles' addresses
// must repeat.
func (t *tileset) item(base string, m *tile.MatrixSet, p params) object {
	query := ""
	if p = maps.Clone(p); p != nil {
		delete(p, "f")
	}
	if len(p) > 0 { // encoded: { and } in a filter would be taken for the tile's numbers
		v := url.Values{}
		for k, text := range p {
			v.Set(k, text)
		}
		query = "?" + v.Encode()
	}
	u := base + t.path + "/" + m.ID
	return object{
		"title":               t.title,
		"dataType":            "vector",
		"crs":                 m.CRS,
		"tileMatrixSetId":     m.ID,
		"tileMatrixSetURI":    m.URI,
		"tileMatrixSetLimits": t.allLimits(m),
		"links": []link{
			{Href: u + query, Rel: "self", Type: typeJSON, Title: t.title},
			{Href: base + "/ogc/tileMatrixSets/" + m.ID, Rel: relTilingScheme, Type: typeJSON, Title: m.Title},
			{Href: u + "/{tileMatrix}/{tileRow}/{tileCol}" + query, Rel: "item", Type: typeMVT, Title: "Vector tiles", Templated: true},
		},
	}
}

// describe is the tileset's metadata after TMS 2.0 (17-083r4) §7; center is where to
// look first: longitude, latitude, zoom.
func (t *tileset) describe(base, lang string, m *tile.MatrixSet, p params, q tileQuery, center [3]float64) object {
	d := t.item(base, m, p)
	links := d["links"].([]link)
	contents := make([]object, len(t.layers))
	var credits []string
	for i, l := range t.layers {
		here := link{Href: base + "/ogc/collections/" + string(l.ID), Rel: relGeodata, Type: typeJSON, Title: title(l, lang)}
		links = append(links, here)
		contents[i] = layerOfTileset(m, l, t.extents[i], lang, q)
		contents[i]["links"] = []link{here}
		if l.Attribution != "" && !slices.Contains(credits, l.Attribution) {
			credits = append(credits, l.Attribution)
		}
	}
	d["links"], d["layers"] = links, contents
	d["mediaTypes"] = []string{typeMVT}
	if len(credits) > 0 {
		d["attribution"] = strings.Join(credits, " · ")
	}
	if e := t.extent(); !e.IsEmpty() {
		e = within(m.Grid, e)
		d["boundingBox"] = boundingBox(e)
		// A zoom has one scale in all grids.
		first, last, _ := t.zooms(m.Grid)
		z := max(first, min(last, uint8(center[2])))
		d["centerPoint"] = object{"coordinates": center[:2], "crs": crs84, "tileMatrix": m.Matrix(z).ID}
	}
	return d
}

// layerOfTileset describes one layer of the tiles: GeospatialData of TMS 2.0.
func layerOfTileset(m *tile.MatrixSet, l *layers.Layer, extent spatial.Envelope, lang string, q tileQuery) object {
	properties := schemaOf(l, "", lang, true)["properties"].(map[string]any)
	for name := range properties {
		if l.PropertyIndex(name) < 0 || q.properties != nil && !slices.Contains(q.properties, name) {
			delete(properties, name) // the geometry, and what the tiles do not carry
		}
	}
	d := object{
		"id": l.ID, "title": title(l, lang), "dataType": "vector", "crs": crs84,
		"minTileMatrix": m.Matrix(max(l.MinZoom, m.Grid.FirstZoom())).ID, "maxTileMatrix": m.Matrix(max(l.MaxZoom, m.Grid.FirstZoom())).ID,
		"propertiesSchema": object{"type": "object", "properties": properties},
	}
	if n := l.GeometryType.Dimension(); n >= 0 {
		d["geometryDimension"] = n
	}
	if text := l.Description.In(lang); text != "" {
		d["description"] = text
	}
	if !extent.IsEmpty() {
		d["boundingBox"] = boundingBox(within(m.Grid, extent))
	}
	return d
}

// within cuts an envelope to what a grid shows.
func within(g tile.Grid, e spatial.Envelope) spatial.Envelope {
	clamp := func(v, most float64) float64 { return max(-most, min(most, v)) }
	pole := 90.0
	if g == tile.Mercator {
		pole = tile.MaxLatitude
	}
	return spatial.Envelope{MinX: clamp(e.MinX, 180), MinY: clamp(e.MinY, pole), MaxX: clamp(e.MaxX, 180), MaxY: clamp(e.MaxY, pole)}
}

func boundingBox(e spatial.Envelope) object {
	return object{"lowerLeft": [2]float64{e.MinX, e.MinY}, "upperRight": [2]float64{e.MaxX, e.MaxY}, "crs": crs84, "orderedAxes": []string{"Lon", "Lat"}}
}
