package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// solidParams are the parameters of 3D Tiles: filter and rights, the revision in the
// addresses of contents, and the version that CesiumJS appends, which says nothing.
var solidParams = append([]string{"r", "v", "vertical", "token", "properties"}, filterParams...)

// carried are the parameters that a tileset's addresses repeat, since clients do
// not inherit a query.
var carried = append([]string{"token", "properties", "vertical"}, filterParams...)

// solidRequest reads what a 3D Tiles request asks for.
func (s *Server) solidRequest(r *http.Request) (tiles3d.Request, params, error) {
	p, err := readParams(r, solidParams...)
	if err != nil {
		return tiles3d.Request{}, nil, err
	}
	c, err := s.openLayer(r, chi.URLParam(r, "layer"))
	if err != nil {
		return tiles3d.Request{}, nil, err
	}
	l := c.layer
	c.release()
	q, err := readTileQuery(p, []*layers.Layer{l})
	if err != nil {
		return tiles3d.Request{}, nil, err
	}
	vertical, given := p["vertical"]
	if given && vertical != "ground" && vertical != "ellipsoid" {
		return tiles3d.Request{}, nil, fail(400, fmt.Sprintf("vertical=%s is not offered; use ellipsoid (heights above it) or ground (heights above the ground).", cut(vertical, 40)))
	}
	query := url.Values{}
	for _, k := range carried {
		if v, ok := p[k]; ok {
			query.Set(k, v)
		}
	}
	return tiles3d.Request{
		Layer: l.ID, Filter: q.filter, Policy: s.policy(r, l.ID), Properties: q.properties, Query: query.Encode(), AboveGround: vertical == "ground",
		AcceptEncoding: r.Header.Get("Accept-Encoding"), IfNoneMatch: r.Header.Get("If-None-Match"),
	}, p, nil
}

// solidCell reads the cell of an address that ends in an extension.
func solidCell(r *http.Request, ext string) (tiles3d.Cell, error) {
	y, ok := strings.CutSuffix(chi.URLParam(r, "file"), ext)
	if !ok {
		return tiles3d.Cell{}, fail(404, fmt.Sprintf("Cells are named level/x/y%s here.", ext))
	}
	var n [3]int64
	for i, v := range []string{chi.URLParam(r, "level"), chi.URLParam(r, "x"), y} {
		if n[i], ok = tileNumber(v); !ok {
			return tiles3d.Cell{}, fail(400, fmt.Sprintf("Cell %s/%s/%s: level, column and row are whole numbers from 0.", cut(chi.URLParam(r, "level"), 20), cut(chi.URLParam(r, "x"), 20), cut(y, 20)))
		}
	}
	return tiles3d.ParseCell(n[0], n[1], n[2])
}

func (s *Server) solidTileset(w http.ResponseWriter, r *http.Request) error {
	q, p, err := s.solidRequest(r)
	if err != nil {
		return err
	}
	a, err := s.o.Solids.Tileset(r.Context(), q)
	return s.writeSolid(w, r, p, tiles3d.JSONType, a, err)
}

// solidReport lists the features of a layer that are not drawn as recorded.
func (s *Server) solidReport(w http.ResponseWriter, r *http.Request) error {
	q, p, err := s.solidRequest(r)
	if err != nil {
		return err
	}
	a, err := s.o.Solids.Report(r.Context(), q)
	return s.writeSolid(w, r, p, tiles3d.JSONType, a, err)
}

func (s *Server) solidSubtree(w http.ResponseWriter, r *http.Request) error {
	q, p, err := s.solidRequest(r)
	if err != nil {
		return err
	}
	c, err := solidCell(r, ".json")
	if err != nil {
		return err
	}
	a, err := s.o.Solids.Subtree(r.Context(), q, c)
	return s.writeSolid(w, r, p, tiles3d.JSONType, a, err)
}

func (s *Server) solidImplicit(w http.ResponseWriter, r *http.Request) error {
	q, p, err := s.solidRequest(r)
	if err != nil {
		return err
	}
	a, err := s.o.Solids.Implicit(r.Context(), q)
	return s.writeSolid(w, r, p, tiles3d.JSONType, a, err)
}

func (s *Server) solidImplicitSubtree(w http.ResponseWriter, r *http.Request) error {
	q, p, err := s.solidRequest(r)
	if err != nil {
		return err
	}
	c, err := solidCell(r, ".subtree")
	if err != nil {
		return err
	}
	a, err := s.o.Solids.ImplicitSubtree(r.Context(), q, c)
	return s.writeSolid(w, r, p, tiles3d.SubtreeType, a, err)
}

func (s *Server) solidContent(w http.ResponseWriter, r *http.Request) error {
	q, p, err := s.solidRequest(r)
	if err != nil {
		return err
	}
	content, ext := s.o.Solids.Content, ".glb"
	if strings.HasSuffix(chi.URLParam(r, "file"), tiles3d.DetailedExt) {
		content, ext = s.o.Solids.DetailedContent, tiles3d.DetailedExt
	}
	c, err := solidCell(r, ext)
	if err != nil {
		return err
	}
	a, err := content(r.Context(), q, c)
	return s.writeSolid(w, r, p, tiles3d.TileType, a, err)
}

// writeSolid answers with a tileset or a content. Under its revision it never
// changes; without, or under an older one, it is revalidated each time.
func (s *Server) writeSolid(w http.ResponseWriter, r *http.Request, p params, mediaType string, a tiles3d.Answer, err error) error {
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if a.Revision != "" && p["r"] == a.Revision {
		scope := "public"
		if _, private := p["token"]; private || r.Header.Get("Authorization") != "" {
			scope = "private"
		}
		h.Set("Cache-Control", scope+", max-age=31536000, immutable")
	}
	return writeAnswer(w, r, []string{mediaType}, &a.Answer)
}

// solidsOf is the address of a layer's tileset, or "" where it has none.
func (s *Server) solidsOf(base string, l *layers.Layer) string {
	if s.o.Solids == nil || !tiles3d.Has(l) {
		return ""
	}
	return base + "/3d/" + string(l.ID) + "/tileset.json"
}

// withSolids answers 404 where the server was made without 3D.
func (s *Server) withSolids(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if s.o.Solids == nil {
			return fail(404, "This server answers no 3D tiles.")
		}
		return h(w, r)
	}
}
