package server

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles/archive"
)

// WMTS 1.0 (07-057r7): KVP at /wmts, and resources below /wmts/1.0.0. Vector
// layers are offered as vector tiles in every tile matrix set, raster layers as
// images in that of their tiles. There is one style, default.
//
// The standard lets a layer have tiles of any media type, and OpenLayers reads vector
// tiles by it; but GDAL and QGIS take whatever is listed for images, offer a layer of
// vector tiles as a raster and fail on its first tile. So the capabilities list all
// layers, those of images first, and only those of one format to who asks for it:
// FORMAT, as GetTile has it, is a parameter of GetCapabilities too.

const wmtsStyle = "default"

// wmtsTile names a tile as the two encodings do; all values are as they came.
type wmtsTile struct {
	layer, style, format, set, matrix, row, col string
}

// readKVP reads the parameters of a request, by their names in lower case: these
// ignore case, those that nobody knows are ignored, and of repeated ones the first
// counts (07-057r7 §8.1, OWS Common 06-121r3 §11.5).
func readKVP(r *http.Request) (params, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, owsInvalid("", "The query string does not decode: "+err.Error()+".")
	}
	kvp := make(params, len(q))
	for k, v := range q {
		kvp[strings.ToLower(k)] = v[0]
	}
	return kvp, nil
}

// wmts answers a KVP request.
func (s *Server) wmts(w http.ResponseWriter, r *http.Request) error {
	kvp, err := readKVP(r)
	if err != nil {
		return err
	}
	service, err := kvp.required("Service")
	if err != nil {
		return err
	}
	if !strings.EqualFold(service, "WMTS") {
		return owsInvalid("Service", fmt.Sprintf("Service %q is not offered here; WMTS is.", cut(service, 40)))
	}
	request, err := kvp.required("Request")
	if err != nil {
		return err
	}
	switch {
	case strings.EqualFold(request, "GetCapabilities"):
		if v, ok := kvp["acceptversions"]; ok && v != "" && !slices.Contains(strings.Split(v, ","), wmtsVersion) {
			return &owsError{status: http.StatusBadRequest, code: "VersionNegotiationFailed", locator: "AcceptVersions", text: "WMTS is offered in version 1.0.0 only."}
		}
		return s.wmtsCapabilities(w, r, kvp["format"])
	case strings.EqualFold(request, "GetTile"):
		return s.wmtsKVPTile(w, r, kvp)
	}
	return &owsError{status: http.StatusNotImplemented, code: "OperationNotSupported", locator: cut(request, 40), text: "GetCapabilities and GetTile are offered."}
}

// required is a parameter that must be there; it may be empty.
func (p params) required(name string) (string, error) {
	v, ok := p[strings.ToLower(name)]
	if !ok {
		return "", &owsError{status: http.StatusBadRequest, code: "MissingParameterValue", locator: name, text: "The parameter " + name + " is missing."}
	}
	return v, nil
}

func (s *Server) wmtsKVPTile(w http.ResponseWriter, r *http.Request, kvp params) error {
	var t wmtsTile
	var version string
	for _, p := range []struct {
		name string
		to   *string
	}{
		{"Version", &version}, {"Layer", &t.layer}, {"Style", &t.style}, {"Format", &t.format},
		{"TileMatrixSet", &t.set}, {"TileMatrix", &t.matrix}, {"TileRow", &t.row}, {"TileCol", &t.col},
	} {
		var err error
		if *p.to, err = kvp.required(p.name); err != nil {
			return err
		}
	}
	if version != wmtsVersion {
		return owsInvalid("Version", fmt.Sprintf("Version %q is not offered; 1.0.0 is.", cut(version, 20)))
	}
	return s.wmtsAnswer(w, r, &t)
}

// wmtsResource answers a tile at /wmts/1.0.0/{layer}/{style}/{tileMatrixSet}/{tileMatrix}/{tileRow}/{tileCol}.{ending}.
func (s *Server) wmtsResource(w http.ResponseWriter, r *http.Request) error {
	col, ending, _ := strings.Cut(chi.URLParam(r, "file"), ".")
	t := wmtsTile{
		layer: chi.URLParam(r, "layer"), style: chi.URLParam(r, "style"), set: chi.URLParam(r, "tileMatrixSet"),
		matrix: chi.URLParam(r, "tileMatrix"), row: chi.URLParam(r, "tileRow"), col: col,
	}
	t.format = ending
	for mediaType, e := range wmtsEndings {
		if e == ending {
			t.format = mediaType
		}
	}
	return s.wmtsAnswer(w, r, &t)
}

// wmtsAnswer finds the layer, checks everything else against it, and has it answer.
func (s *Server) wmtsAnswer(w http.ResponseWriter, r *http.Request, t *wmtsTile) error {
	l, err := s.wmtsLayer(r, t.layer)
	if err != nil {
		return err
	}
	if t.style != "" && t.style != wmtsStyle {
		return owsAbsent("Style", fmt.Sprintf("Layer %s has no style %q; it has %s.", l.id, cut(t.style, 40), wmtsStyle))
	}
	if !slices.Contains(l.formats, t.format) {
		return owsAbsent("Format", fmt.Sprintf("Layer %s is not offered as %q; it is as %s.", l.id, cut(t.format, 60), strings.Join(l.formats, ", ")))
	}
	m, err := l.set(t.set)
	if err != nil {
		return err
	}
	id, err := l.find(m.MatrixSet, t)
	if err != nil {
		return err
	}
	return l.answer(w, r, id, t.format)
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// find reads matrix, row and column: within the set and within the layer's limits.
func (l *wmtsLayer) find(m *tile.MatrixSet, t *wmtsTile) (tile.ID, error) {
	z, ok := m.Zoom(t.matrix)
	if !ok {
		return tile.ID{}, owsAbsent("TileMatrix", fmt.Sprintf("%s has no tile matrix %q; it has %s to %s.", m.ID, cut(t.matrix, 20), m.Matrices[0].ID, m.Matrices[len(m.Matrices)-1].ID))
	}
	limits, ok := l.limits(m, z)
	if !ok {
		return tile.ID{}, owsOutOfRange("TileMatrix", fmt.Sprintf("Layer %s has no tiles in tile matrix %s of %s.", l.id, t.matrix, m.ID))
	}
	number := func(locator, text string, least, most uint32) (int64, error) {
		n, ok := tileNumber(text)
		switch {
		case ok && n >= int64(least) && n <= int64(most):
			return n, nil
		case ok || len(text) < 100 && wholeNumber.MatchString(text):
			return 0, owsOutOfRange(locator, fmt.Sprintf("%s %s is not in %d to %d, where layer %s has its tiles in tile matrix %s.", locator, cut(text, 30), least, most, l.id, t.matrix))
		}
		return 0, owsInvalid(locator, fmt.Sprintf("%s %q: expected a whole number from 0.", locator, cut(text, 30)))
	}
	y, err := number("TileRow", t.row, limits.MinRow, limits.MaxRow)
	if err != nil {
		return tile.ID{}, err
	}
	x, err := number("TileCol", t.col, limits.MinCol, limits.MaxCol)
	if err != nil {
		return tile.ID{}, err
	}
	return m.Grid.Tile(int64(z), x, y)
}

// wmtsVector answers with a tile of a vector layer.
func (s *Server) wmtsVector(l *layers.Layer) func(http.ResponseWriter, *http.Request, tile.ID, string) error {
	return func(w http.ResponseWriter, r *http.Request, id tile.ID, _ string) error {
		t, err := s.renderTile(r, []*layers.Layer{l}, id, tileQuery{})
		if err != nil {
			return err
		}
		return s.writeTile(w, r, t)
	}
}

// wmtsArchive answers with a tile of a file of vector tiles, as it is stored where
// the client takes gzip.
func (s *Server) wmtsArchive(a *archive.Archive) func(http.ResponseWriter, *http.Request, tile.ID, string) error {
	return func(w http.ResponseWriter, r *http.Request, id tile.ID, _ string) error {
		t, err := a.Tile(r.Context(), id, r.Header.Get("Accept-Encoding"), r.Header.Get("If-None-Match"))
		if isNotFound(err) {
			return noTile(w)
		}
		if err != nil {
			return err
		}
		return s.writeTile(w, r, t)
	}
}

// noTile answers for a tile within the limits that is not there.
func noTile(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// wmtsRaster answers with a tile of a raster layer; where it has none, with
// nothing, which clients take as blank.
func wmtsRaster(l Raster) func(http.ResponseWriter, *http.Request, tile.ID, string) error {
	return func(w http.ResponseWriter, r *http.Request, id tile.ID, mediaType string) error {
		t, err := l.Tile(r.Context(), id, wmtsEndings[mediaType])
		if isNotFound(err) {
			return noTile(w)
		}
		if err != nil {
			return err
		}
		return writeRasterTile(w, r, t)
	}
}
