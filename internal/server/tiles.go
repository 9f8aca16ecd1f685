package server

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
)

// layerList reads the layers of a tile URL, separated by commas.
func (s *Server) layerList(r *http.Request, text string) ([]*layers.Layer, error) {
	names := splitNames(text)
	if len(names) > tiles.MaxLayers {
		return nil, fail(400, fmt.Sprintf("%d layers in one tile; at most %d are possible.", len(names), tiles.MaxLayers))
	}
	list := make([]*layers.Layer, 0, len(names))
	for _, n := range names {
		c, err := s.openLayer(r, n)
		if err != nil {
			return nil, cmp.Or(s.notArchive(names), err)
		}
		l, live := c.layer, c.live()
		c.release()
		if live {
			return nil, layers.Errorf(layers.ErrNotFound, "layer %s is live and has no tiles; subscribe at /live", n)
		}
		if slices.ContainsFunc(list, func(o *layers.Layer) bool { return o.ID == l.ID }) {
			return nil, fail(400, fmt.Sprintf("Layer %s stands twice in the list.", n))
		}
		list = append(list, l)
	}
	return list, nil
}

// tileParams are the parameters of a tile and of TileJSON.
var tileParams = append([]string{"token", "properties"}, filterParams...)

// vectorTileParams are those of an XYZ tile and of TileJSON.
var vectorTileParams = append([]string{"generalize"}, tileParams...)

// tileQuery is what the query of a tile asks for.
type tileQuery struct {
	filter     layers.Filter
	properties []string // nil is all
	exact      bool     // nothing is coarsened or left out for the zoom
}

func readTileQuery(p params, list []*layers.Layer) (q tileQuery, err error) {
	switch v, ok := p["generalize"]; {
	case !ok || v == "on":
	case v == "off":
		q.exact = true
	default:
		return q, fail(400, fmt.Sprintf("generalize=%s: expected on or off.", cut(v, 40)))
	}
	if v, ok := p["properties"]; ok {
		q.properties = []string{}
		if v != "" {
			q.properties = strings.Split(v, ",")
		}
		if len(q.properties) > layers.MaxProperties {
			return q, fail(400, fmt.Sprintf("properties: %d names; at most %d are possible.", len(q.properties), layers.MaxProperties))
		}
		for _, name := range q.properties {
			if !slices.ContainsFunc(list, func(l *layers.Layer) bool { return l.PropertyIndex(name) >= 0 }) {
				return q, fail(400, fmt.Sprintf("properties: there is no property %q; /ogc/collections/%s/queryables lists what there is.", cut(name, 80), list[0].ID))
			}
		}
	}
	q.filter, err = p.filterOfAll(list)
	return q, err
}

// tileNumber reads one plain decimal number of a tile URL.
func tileNumber(s string) (int64, bool) {
	if s == "" || len(s) > 10 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 40)
	return int64(n), err == nil && s[0] != '+'
}

// tilePath is the segments of a tile's path after /tiles.
type tilePath struct{ layers, z, x, file string }

// readTilePath reads a path that is written without escapes; others have none.
func readTilePath(r *http.Request) (p tilePath, ok bool) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/tiles/")
	if !ok || r.URL.RawPath != "" {
		return p, false
	}
	p.layers, rest, _ = strings.Cut(rest, "/")
	p.z, rest, _ = strings.Cut(rest, "/")
	p.x, p.file, _ = strings.Cut(rest, "/")
	return p, p.layers != "" && p.z != "" && p.x != "" && p.file != "" && !strings.Contains(p.file, "/")
}

func (s *Server) vectorTile(w http.ResponseWriter, r *http.Request) error {
	return s.tileAt(w, r, tilePath{chi.URLParam(r, "layers"), chi.URLParam(r, "z"), chi.URLParam(r, "x"), chi.URLParam(r, "file")})
}

func (s *Server) tileAt(w http.ResponseWriter, r *http.Request, path tilePath) error {
	p, err := readParams(r, vectorTileParams...)
	if err != nil {
		return err
	}
	y, ext, ok := strings.Cut(path.file, ".")
	if !ok || ext != "mvt" && ext != "pbf" {
		return fail(404, "Tiles end in .mvt or .pbf.")
	}
	id, err := tileNumbers(path.z, path.x, y)
	if err != nil {
		return err
	}
	if a, _, ok := s.vectorArchive(path.layers); ok {
		return s.archiveTile(w, r, a, id)
	}
	list, err := s.layerList(r, path.layers)
	if err != nil {
		return err
	}
	q, err := readTileQuery(p, list)
	if err != nil {
		return err
	}
	t, err := s.renderTile(r, list, id, q)
	if errors.Is(err, tiles.ErrZoom) {
		t, err = tiles.Tile{Answer: tiles.Answer{Empty: true, ETag: `"none"`}}, nil // outside the layer's zooms nothing is drawn
	}
	if err != nil {
		return err
	}
	return s.writeTile(w, r, t)
}

func (s *Server) writeTile(w http.ResponseWriter, r *http.Request, t tiles.Tile) error {
	h := w.Header()
	h["Cache-Control"] = noCache
	h["Vary"] = acceptEncoding
	if t.Generalized {
		h.Set("Twind-Generalized", "true")
		if t.Dropped > 0 {
			h.Set("Twind-Dropped", strconv.Itoa(t.Dropped))
		}
	}
	return writeAnswer(w, r, tileType, &t.Answer)
}

func (s *Server) tileJSON(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, vectorTileParams...)
	if err != nil {
		return err
	}
	text, ok := strings.CutSuffix(chi.URLParam(r, "file"), ".json")
	if !ok {
		return fail(404, "TileJSON ends in .json: /tiles/{layers}.json.")
	}
	if _, i, ok := s.vectorArchive(text); ok {
		return s.archiveTileJSON(w, r, i)
	}
	list, err := s.layerList(r, text)
	if err != nil {
		return err
	}
	q, err := readTileQuery(p, list)
	if err != nil {
		return err
	}
	names := make([]string, len(list))
	for i, l := range list {
		names[i] = string(l.ID)
	}
	u := s.base(r) + "/tiles/" + strings.Join(names, ",") + "/{z}/{x}/{y}.mvt"
	if len(p) > 0 { // encoded again: { and } in a filter would be taken for the tile's numbers
		query := url.Values{}
		for k, v := range p {
			query.Set(k, v)
		}
		u += "?" + query.Encode()
	}
	doc, err := s.o.Tiles.TileJSON(r.Context(), s.tileRequest(r, list, tile.ID{}, q), u)
	if err != nil {
		return err
	}
	if q.properties != nil {
		for _, l := range doc.VectorLayers {
			maps.DeleteFunc(l.Fields, func(name, _ string) bool { return !slices.Contains(q.properties, name) })
		}
	}
	return s.json(w, r, typeJSON, doc)
}
