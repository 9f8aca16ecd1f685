package server

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/spatial/tile"
)

const (
	relTilingScheme  = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
	relTilingSchemes = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"
)

// matrixSets are the tile matrix sets that tiles are served in; nobody changes them.
var matrixSets = []*tile.MatrixSet{tile.WebMercatorQuad(), tile.WorldCRS84Quad(), tile.CGCS2000Quad()}

// matrixSet finds the tile matrix set of a request.
func matrixSet(r *http.Request) (*tile.MatrixSet, error) {
	name := chi.URLParam(r, "tileMatrixSet")
	for _, m := range matrixSets {
		if m.ID == name {
			return m, nil
		}
	}
	return nil, layers.Errorf(layers.ErrNotFound, "there is no tile matrix set %q; /ogc/tileMatrixSets lists what there is", cut(name, 80))
}

// format checks f, which offers one encoding only.
func (p params) format(offered string) error {
	if v, ok := p["f"]; ok && v != offered {
		return fail(400, fmt.Sprintf("f %q is not offered here; use %s or leave it out.", cut(v, 40), offered))
	}
	return nil
}

// tileMatrixSets lists the sets, after OGC API – Tiles Part 1 (20-057) §12.
func (s *Server) tileMatrixSets(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "f")
	if err != nil {
		return err
	}
	if err := p.format("json"); err != nil {
		return err
	}
	u := s.base(r) + "/ogc/tileMatrixSets"
	list := []object{}
	for _, m := range matrixSets {
		list = append(list, object{
			"id": m.ID, "title": m.Title, "uri": m.URI, "crs": m.CRS,
			"links": []link{
				{Href: u + "/" + m.ID, Rel: "self", Type: typeJSON, Title: m.Title},
				{Href: u + "/" + m.ID, Rel: relTilingScheme, Type: typeJSON, Title: m.Title},
			},
		})
	}
	return s.json(w, r, typeJSON, object{
		"links": []link{
			{Href: u, Rel: "self", Type: typeJSON, Title: "This document"},
			{Href: u + "?f=json", Rel: "alternate", Type: typeJSON, Title: "This document as JSON"},
		},
		"tileMatrixSets": list,
	})
}

// tileMatrixSet describes one set in the JSON of TMS 2.0.
func (s *Server) tileMatrixSet(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "f")
	if err != nil {
		return err
	}
	if err := p.format("json"); err != nil {
		return err
	}
	m, err := matrixSet(r)
	if err != nil {
		return err
	}
	return s.json(w, r, typeJSON, m)
}
