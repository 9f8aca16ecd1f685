package server

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/archive"
)

// wmtsLayer is a layer as WMTS shows it.
type wmtsLayer struct {
	id, title, abstract string
	extent              spatial.Envelope // degrees; empty is unknown
	formats             []string         // media types, the best first
	sets                []wmtsSet        // that it has tiles in
	// limits are the tiles of a zoom that may hold data; false where there are none.
	limits func(m *tile.MatrixSet, z uint8) (tile.Limits, bool)
	// answer writes a tile within the limits, in one of the formats.
	answer func(w http.ResponseWriter, r *http.Request, id tile.ID, mediaType string) error
}

// wmtsSet is the part of a tile matrix set that a layer has tiles in. Clients of
// WMTS draw a layer at every scale that its set names, GDAL and QGIS whatever its
// limits say, so each part is a set of its own.
type wmtsSet struct {
	*tile.MatrixSet
	first, last uint8 // zooms of the grid
}

// setBetween is a set's part between two zooms, which a file may have made up.
func setBetween(m *tile.MatrixSet, first, last uint8) wmtsSet {
	last = max(m.Grid.FirstZoom(), min(last, tile.MaxZoom))
	return wmtsSet{m, max(m.Grid.FirstZoom(), min(first, last)), last}
}

// name is the set's id, with the range of tile matrices if some are left out.
func (m wmtsSet) name() string {
	if m.first == m.Grid.FirstZoom() && m.last == tile.MaxZoom {
		return m.ID
	}
	return m.ID + "_" + m.Matrix(m.first).ID + "-" + m.Matrix(m.last).ID
}

// wmtsEndings are the file name endings of the media types that tiles have.
var wmtsEndings = map[string]string{typeMVT: "mvt", "image/png": "png", "image/webp": "webp", "image/jpeg": "jpg"}

// webMercatorQuadX2 is the set of raster layers with tiles of 512 pixels.
var webMercatorQuadX2 = tile.WebMercatorQuadX2()

// set finds a set of the layer by its name or by that of the whole set.
func (l *wmtsLayer) set(name string) (wmtsSet, error) {
	var names []string
	for _, m := range l.sets {
		if name == m.ID || name == m.name() {
			return m, nil
		}
		names = append(names, m.name())
	}
	return wmtsSet{}, owsAbsent("TileMatrixSet", fmt.Sprintf("Layer %s has no tile matrix set %q; it has %s.", l.id, cut(name, 60), strings.Join(names, ", ")))
}

// wmtsLayers are the layers that the reader may see: rasters, which most clients of
// WMTS ask for, then vectors.
func (s *Server) wmtsLayers(r *http.Request) ([]*wmtsLayer, error) {
	var list []*wmtsLayer
	for _, l := range s.rasters() {
		list = append(list, wmtsOfRaster(l, l.Info()))
	}
	for _, a := range s.o.Archives {
		if i, ok := a.Info(); ok && i.Vector() {
			list = append(list, s.wmtsOfArchive(a, i, language(r)))
		}
	}
	for _, l := range s.layers(r) {
		if l.Live != nil {
			continue
		}
		v, err := s.wmtsOfVector(r, string(l.ID))
		if isNotFound(err) {
			continue // dropped meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// wmtsLayer finds a layer by its id.
func (s *Server) wmtsLayer(r *http.Request, id string) (*wmtsLayer, error) {
	if l, info, err := s.raster(id); err == nil {
		return wmtsOfRaster(l, info), nil
	}
	if a, i, ok := s.vectorArchive(id); ok {
		return s.wmtsOfArchive(a, i, language(r)), nil
	}
	l, err := s.wmtsOfVector(r, id)
	if isNotFound(err) {
		return nil, owsAbsent("Layer", "There is no layer "+cut(id, 80)+" here; GetCapabilities lists what there is.")
	}
	return l, err
}

// wmtsOfVector is a layer of the store; it fails with layers.ErrNotFound when there
// is none, or a live one, which has no tiles.
func (s *Server) wmtsOfVector(r *http.Request, id string) (*wmtsLayer, error) {
	c, err := s.openLayer(r, id)
	if err != nil {
		return nil, err
	}
	defer c.release()
	if c.live() {
		return nil, layers.Errorf(layers.ErrNotFound, "layer %s is live and has no tiles; subscribe at /live", c.layer.ID)
	}
	t := &tileset{layers: []*layers.Layer{c.layer}, extents: []spatial.Envelope{c.extent()}}
	l := &wmtsLayer{
		id: string(c.layer.ID), title: title(c.layer, language(r)), abstract: c.layer.Description.In(language(r)),
		extent: t.extent(), formats: []string{typeMVT}, limits: t.limits, answer: s.wmtsVector(c.layer),
	}
	for _, m := range matrixSets {
		if first, last, ok := t.zooms(m.Grid); ok {
			l.sets = append(l.sets, setBetween(m, first, last))
		}
	}
	return l, nil
}

func wmtsOfRaster(l Raster, info RasterInfo) *wmtsLayer {
	set := matrixSets[0]
	if info.TileSize == 512 {
		set = webMercatorQuadX2
	}
	out := &wmtsLayer{
		id: info.ID, title: info.Title, abstract: info.Attribution, extent: info.Bounds,
		sets: []wmtsSet{setBetween(set, info.MinZoom, info.MaxZoom)}, limits: boundedBy(info.Bounds, info.MinZoom, info.MaxZoom), answer: wmtsRaster(l),
	}
	out.title = cmp.Or(out.title, info.ID)
	for _, f := range info.Formats {
		for mediaType, ending := range wmtsEndings {
			if ending == f {
				out.formats = append(out.formats, mediaType)
			}
		}
	}
	return out
}

// wmtsOfArchive is a file of finished vector tiles.
func (s *Server) wmtsOfArchive(a *archive.Archive, i *archive.Info, lang string) *wmtsLayer {
	return &wmtsLayer{
		id: string(i.ID), title: cmp.Or(i.Title.In(lang), string(i.ID)), abstract: i.Description, extent: i.Bounds, formats: []string{typeMVT},
		sets: []wmtsSet{setBetween(matrixSets[0], i.MinZoom, i.MaxZoom)}, limits: boundedBy(i.Bounds, i.MinZoom, i.MaxZoom), answer: s.wmtsArchive(a),
	}
}

// boundedBy are the limits of finished tiles.
func boundedBy(e spatial.Envelope, first, last uint8) func(*tile.MatrixSet, uint8) (tile.Limits, bool) {
	return func(m *tile.MatrixSet, z uint8) (tile.Limits, bool) {
		if z < first || z > last {
			return tile.Limits{}, false
		}
		return m.Limits(e, z, 0, 1), true
	}
}
