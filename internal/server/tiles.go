package server

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
)

// layerList reads the layers of a tile URL, separated by commas.
func (s *Server) layerList(r *http.Request, text string) ([]layers.ID, error) {
	names := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "%2C", ","), "%2c", ","), ",")
	if len(names) > tiles.MaxLayers {
		return nil, fail(400, fmt.Sprintf("%d layers in one tile; at most %d are possible.", len(names), tiles.MaxLayers))
	}
	ids := make([]layers.ID, 0, len(names))
	for _, n := range names {
		c, err := s.openLayer(r, n)
		if err != nil {
			return nil, err
		}
		live := c.live()
		c.release()
		if live {
			return nil, layers.Errorf(layers.ErrNotFound, "layer %s is live and has no tiles; subscribe at /live", n)
		}
		if slices.Contains(ids, layers.ID(n)) {
			return nil, fail(400, fmt.Sprintf("Layer %s stands twice in the list.", n))
		}
		ids = append(ids, layers.ID(n))
	}
	return ids, nil
}

// tileNumber reads one plain decimal number of a tile URL.
func tileNumber(s string) (int64, bool) {
	if s == "" || len(s) > 10 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 40)
	return int64(n), err == nil && s[0] != '+'
}

func (s *Server) vectorTile(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	y, ext, ok := strings.Cut(chi.URLParam(r, "file"), ".")
	if !ok || ext != "mvt" && ext != "pbf" {
		return fail(404, "Tiles end in .mvt or .pbf.")
	}
	var n [3]int64
	for i, v := range []string{chi.URLParam(r, "z"), chi.URLParam(r, "x"), y} {
		var ok bool
		if n[i], ok = tileNumber(v); !ok {
			return fail(400, fmt.Sprintf("Tile %s/%s/%s: zoom, column and row are whole numbers from 0.", cut(chi.URLParam(r, "z"), 20), cut(chi.URLParam(r, "x"), 20), cut(y, 20)))
		}
	}
	id, err := tile.New(n[0], n[1], n[2])
	if err != nil {
		return err
	}
	ids, err := s.layerList(r, chi.URLParam(r, "layers"))
	if err != nil {
		return err
	}
	policies := make([]layers.Policy, len(ids))
	for i, l := range ids {
		policies[i] = s.policy(r, l)
	}
	t, err := s.o.Tiles.Tile(r.Context(), tiles.Request{
		Layers: ids, Tile: id, Policies: policies,
		AcceptEncoding: r.Header.Get("Accept-Encoding"), IfNoneMatch: r.Header.Get("If-None-Match"),
	})
	if errors.Is(err, tiles.ErrZoom) {
		t, err = tiles.Tile{Empty: true, ETag: `"none"`}, nil // outside the layer's zooms nothing is drawn
	}
	if err != nil {
		return err
	}
	return s.writeTile(w, r, t)
}

func (s *Server) writeTile(w http.ResponseWriter, r *http.Request, t tiles.Tile) error {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	if t.Generalized {
		h.Set("Twind-Generalized", "true")
		if t.Dropped > 0 {
			h.Set("Twind-Dropped", strconv.Itoa(t.Dropped))
		}
	}
	h.Set("ETag", t.ETag)
	if t.NotModified || etagMatches(r.Header.Get("If-None-Match"), t.ETag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if t.Empty {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	h.Set("Content-Type", typeMVT)
	if t.Encoding != "" {
		h.Set("Content-Encoding", t.Encoding)
	}
	h.Set("Content-Length", strconv.Itoa(len(t.Bytes)))
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write(t.Bytes)
	return err
}

func (s *Server) tileJSON(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	text, ok := strings.CutSuffix(chi.URLParam(r, "file"), ".json")
	if !ok {
		return fail(404, "TileJSON ends in .json: /tiles/{layers}.json.")
	}
	ids, err := s.layerList(r, text)
	if err != nil {
		return err
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	list := strings.Join(names, ",")
	u := s.base(r) + "/tiles/" + list + "/{z}/{x}/{y}.mvt"
	if r.URL.RawQuery != "" {
		u += "?" + r.URL.RawQuery
	}
	doc, err := s.o.Tiles.TileJSON(r.Context(), ids, u)
	if err != nil {
		return err
	}
	return s.json(w, r, typeJSON, doc)
}
