package server

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

// OGC API – Tiles Part 1 (20-057): the tiles of one collection, and of the
// dataset, which is all layers of the store. Live layers have none.

// Parameters of tilesets and their tiles.
var (
	collectionTileParams = append([]string{"f"}, tileParams...)
	datasetTileParams    = append([]string{"collections"}, collectionTileParams...)
)

// collectionTileset finds the tileset of a request's collection.
func (s *Server) collectionTileset(r *http.Request, _ params) (*tileset, error) {
	c, err := s.open(r)
	if err != nil {
		return nil, err
	}
	defer c.release()
	if c.live() {
		return nil, layers.Errorf(layers.ErrNotFound, "layer %s is live and has no tiles; subscribe at /live", c.layer.ID)
	}
	return &tileset{
		path: "/ogc/collections/" + string(c.layer.ID) + "/tiles", title: title(c.layer, language(r)),
		layers: []*layers.Layer{c.layer}, extents: []spatial.Envelope{c.extent()},
	}, nil
}

// datasetTileset is the tileset of all layers with tiles, or of those that
// collections names, in its order: ids or the addresses of collections here.
func (s *Server) datasetTileset(r *http.Request, p params) (*tileset, error) {
	var list []*layers.Layer
	if text, ok := p["collections"]; ok {
		names := strings.Split(text, ",")
		for i := range names {
			names[i] = strings.TrimPrefix(names[i], s.base(r)+"/ogc/collections/")
		}
		var err error
		if list, err = s.layerList(r, strings.Join(names, ",")); err != nil {
			return nil, err
		}
	} else {
		for _, l := range s.layers(r) {
			if l.Live == nil {
				list = append(list, &l)
			}
		}
		if len(list) == 0 {
			return nil, layers.Errorf(layers.ErrNotFound, "there are no layers with tiles yet; import one with twind import")
		}
	}
	t := &tileset{"/ogc/tiles", s.o.Title.In(language(r)), list, make([]spatial.Envelope, len(list))}
	for i, l := range list {
		c, err := s.openLayer(r, string(l.ID))
		if err != nil {
			return nil, err // dropped meanwhile
		}
		t.extents[i] = c.extent()
		c.release()
	}
	return t, nil
}

// collectionTilesets lists a collection's tilesets, one for each tile matrix set.
func (s *Server) collectionTilesets(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "f")
	if err != nil {
		return err
	}
	t, err := s.collectionTileset(r, p)
	if err != nil {
		return err
	}
	return s.tilesetList(w, r, p, t.path, t)
}

// datasetTilesets lists the dataset's tilesets; without layers there is none.
func (s *Server) datasetTilesets(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "f")
	if err != nil {
		return err
	}
	t, err := s.datasetTileset(r, p)
	if err != nil && !isNotFound(err) {
		return err
	}
	return s.tilesetList(w, r, p, "/ogc/tiles", t)
}

func (s *Server) tilesetList(w http.ResponseWriter, r *http.Request, p params, path string, t *tileset) error {
	if err := p.format("json"); err != nil {
		return err
	}
	base := s.base(r)
	list := []object{}
	if t != nil {
		for _, m := range matrixSets {
			if _, _, ok := t.zooms(m.Grid); ok {
				list = append(list, t.item(base, m, nil))
			}
		}
	}
	w.Header().Set("Vary", "Accept-Language")
	return s.json(w, r, typeJSON, object{
		"links": []link{
			{Href: base + path, Rel: "self", Type: typeJSON, Title: "This document"},
			{Href: base + path + "?f=json", Rel: "alternate", Type: typeJSON, Title: "This document as JSON"},
		},
		"tilesets": list,
	})
}

// The handlers of one tileset and its tiles, of a collection and of the dataset.

func (s *Server) collectionTilesetInfo(w http.ResponseWriter, r *http.Request) error {
	return withTileset(w, r, collectionTileParams, s.collectionTileset, s.tilesetInfo)
}

func (s *Server) datasetTilesetInfo(w http.ResponseWriter, r *http.Request) error {
	return withTileset(w, r, datasetTileParams, s.datasetTileset, s.tilesetInfo)
}

func (s *Server) collectionTile(w http.ResponseWriter, r *http.Request) error {
	return withTileset(w, r, collectionTileParams, s.collectionTileset, s.tilesetTile)
}

func (s *Server) datasetTile(w http.ResponseWriter, r *http.Request) error {
	return withTileset(w, r, datasetTileParams, s.datasetTileset, s.tilesetTile)
}

// withTileset reads the parameters, finds the tileset, and has it answered.
func withTileset(w http.ResponseWriter, r *http.Request, known []string, find func(*http.Request, params) (*tileset, error),
	answer func(http.ResponseWriter, *http.Request, params, *tileset) error,
) error {
	p, err := readParams(r, known...)
	if err != nil {
		return err
	}
	t, err := find(r, p)
	if err != nil {
		return err
	}
	return answer(w, r, p, t)
}

// tilesetInfo describes a tileset in one tile matrix set.
func (s *Server) tilesetInfo(w http.ResponseWriter, r *http.Request, p params, t *tileset) error {
	if err := p.format("json"); err != nil {
		return err
	}
	m, err := matrixSet(r)
	if err != nil {
		return err
	}
	q, err := readTileQuery(p, t.layers)
	if err != nil {
		return err
	}
	center, err := s.o.Tiles.Center(s.tileRequest(r, t.layers[:min(len(t.layers), tiles.MaxLayers)], tile.ID{}, q))
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept-Language")
	return s.json(w, r, typeJSON, t.describe(s.base(r), language(r), m, p, q, center))
}

// tilesetTile answers with a tile: 404 outside the limits of the tileset, 204
// inside where there is nothing. What the client accepts besides is not asked:
// there is one format.
func (s *Server) tilesetTile(w http.ResponseWriter, r *http.Request, p params, t *tileset) error {
	if err := p.format("mvt"); err != nil {
		return err
	}
	m, err := matrixSet(r)
	if err != nil {
		return err
	}
	id, err := tileOfMatrix(r, m)
	if err != nil {
		return err
	}
	if err := t.contains(m, id); err != nil {
		return err
	}
	q, err := readTileQuery(p, t.layers)
	if err != nil {
		return err
	}
	var answer tiles.Tile
	if len(t.layers) <= s.perTile {
		answer, err = s.renderTile(r, t.layers, id, q)
	} else {
		answer, err = s.joinTiles(r, t.layers, id, q)
	}
	if err != nil {
		return err
	}
	return s.writeTile(w, r, answer)
}

// tileOfMatrix reads tileMatrix, tileRow and tileCol: what is no number is bad,
// what the set does not have is not there.
func tileOfMatrix(r *http.Request, m *tile.MatrixSet) (tile.ID, error) {
	matrix, row, col := chi.URLParam(r, "tileMatrix"), chi.URLParam(r, "tileRow"), chi.URLParam(r, "tileCol")
	z, ok := m.Zoom(matrix)
	if !ok {
		return tile.ID{}, layers.Errorf(layers.ErrNotFound, "%s has no tile matrix %q; it has %s to %s", m.ID, cut(matrix, 20), m.Matrices[0].ID, m.Matrices[len(m.Matrices)-1].ID)
	}
	y, yok := tileNumber(row)
	x, xok := tileNumber(col)
	if !yok || !xok {
		return tile.ID{}, fail(400, fmt.Sprintf("Row %q, column %q: both are whole numbers from 0.", cut(row, 20), cut(col, 20)))
	}
	id, err := m.Grid.Tile(int64(z), x, y)
	if err != nil {
		of := m.Matrix(z)
		return tile.ID{}, layers.Errorf(layers.ErrNotFound, "row %d, column %d is outside tile matrix %s, which has rows 0 to %d and columns 0 to %d", y, x, of.ID, of.MatrixHeight-1, of.MatrixWidth-1)
	}
	return id, nil
}

// renderTile makes a tile of up to tiles.MaxLayers layers.
func (s *Server) renderTile(r *http.Request, list []*layers.Layer, id tile.ID, q tileQuery) (tiles.Tile, error) {
	return s.o.Tiles.Tile(r.Context(), s.tileRequest(r, list, id, q))
}

func (s *Server) tileRequest(r *http.Request, list []*layers.Layer, id tile.ID, q tileQuery) tiles.Request {
	ids, policies := make([]layers.ID, len(list)), make([]layers.Policy, len(list))
	for i, l := range list {
		ids[i], policies[i] = l.ID, s.policy(r, l.ID)
	}
	return tiles.Request{
		Layers: ids, Tile: id, Policies: policies, Filter: q.filter, Properties: q.properties, Exact: q.exact,
		AcceptEncoding: r.Header.Get("Accept-Encoding"), IfNoneMatch: r.Header.Get("If-None-Match"),
	}
}

// joinTiles makes a tile of any number of layers, as their tiles one after the
// other: a vector tile is a Protocol Buffers message whose one field, layers, is
// repeated, so the messages' bytes in a row are the message of all layers. It is
// sent as it is, since only single tiles are kept compressed.
func (s *Server) joinTiles(r *http.Request, list []*layers.Layer, id tile.ID, q tileQuery) (tiles.Tile, error) {
	all, tags := tiles.Tile{Answer: tiles.Answer{Empty: true}}, fnv.New64a()
	for part := range slices.Chunk(list, s.perTile) {
		pq := q
		if q.properties != nil { // each must exist in a layer of the part
			pq.properties = slices.DeleteFunc(slices.Clone(q.properties), func(name string) bool {
				return !slices.ContainsFunc(part, func(l *layers.Layer) bool { return l.PropertyIndex(name) >= 0 })
			})
		}
		request := s.tileRequest(r, part, id, pq)
		request.AcceptEncoding, request.IfNoneMatch = "", ""
		t, err := s.o.Tiles.Tile(r.Context(), request)
		if errors.Is(err, tiles.ErrZoom) {
			continue // other layers have this zoom
		}
		if err != nil {
			return tiles.Tile{}, err
		}
		_, _ = tags.Write([]byte(t.ETag))
		all.Bytes = append(all.Bytes, t.Bytes...)
		all.Empty = all.Empty && t.Empty
		all.Generalized = all.Generalized || t.Generalized
		all.Dropped += t.Dropped
	}
	all.ETag = `"` + strconv.FormatUint(tags.Sum64(), 36) + `"`
	return all, nil
}
