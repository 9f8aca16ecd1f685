package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/tiles/raster/quantizedmesh"
)

// Ground is an elevation model, whose heights are answered one by one and as
// meshes. Its images are Rasters besides.
type Ground struct {
	ID      string
	Model   GroundModel
	Terrain *quantizedmesh.Terrain
}

// GroundModel knows heights. It is safe for concurrent use.
type GroundModel interface {
	// Height is in metres above the zero of the vertical datum at a position in
	// degrees; ok is false where it is not known.
	Height(lon, lat float64) (metres float64, ok bool)
	VerticalDatum() string // name of the datum, "" unknown
	Offset() float64       // metres from the ellipsoid up to that zero
}

func (s *Server) ground(r *http.Request, name string) (*Ground, error) {
	id := chi.URLParam(r, name)
	i := slices.IndexFunc(s.o.Grounds, func(g Ground) bool { return g.ID == id })
	if i < 0 {
		return nil, layers.Errorf(layers.ErrNotFound, "there is no elevation model %q; /viewer/config.json lists what there is", cut(id, 80))
	}
	return &s.o.Grounds[i], nil
}

// elevation answers /raster/{layer}/elevation?lon=&lat= with the height of the
// ground there: null where the model has none.
func (s *Server) elevation(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "lon", "lat", "token")
	if err != nil {
		return err
	}
	g, err := s.ground(r, "layer")
	if err != nil {
		return err
	}
	var at [2]float64
	for i, limit := range []float64{180, 90} {
		name := [2]string{"lon", "lat"}[i]
		v, err := strconv.ParseFloat(p[name], 64)
		if err != nil || !(v >= -limit && v <= limit) {
			return fail(400, fmt.Sprintf("%s=%s: expected degrees from %g to %g.", name, cut(p[name], 40), -limit, limit))
		}
		at[i] = v
	}
	d := object{
		"lon": at[0], "lat": at[1], "elevation": nil, "ellipsoidal": nil, "unit": "m",
		"verticalDatum": g.Model.VerticalDatum(), "ellipsoidOffset": g.Model.Offset(),
	}
	if h, ok := g.Model.Height(at[0], at[1]); ok {
		d["elevation"], d["ellipsoidal"] = millimetres(h), millimetres(h+g.Model.Offset())
	}
	return s.json(w, r, typeJSON, d)
}

// millimetres rounds metres.
func millimetres(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'f', 3, 64), 64)
	return v
}

// terrainLayer answers /terrain/{id}/layer.json.
func (s *Server) terrainLayer(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "token", "extensions", "v")
	if err != nil {
		return err
	}
	g, err := s.ground(r, "id")
	if err != nil {
		return err
	}
	u := s.base(r) + "/terrain/" + g.ID + "/{z}/{x}/{y}.terrain?v={version}"
	if t, ok := p["token"]; ok {
		u += "&token=" + url.QueryEscape(t)
	}
	return s.json(w, r, typeJSON, g.Terrain.Layer(u))
}

// terrainTile answers /terrain/{id}/{z}/{x}/{y}.terrain, whose rows count from
// the south.
func (s *Server) terrainTile(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "token", "extensions", "v")
	if err != nil {
		return err
	}
	g, err := s.ground(r, "id")
	if err != nil {
		return err
	}
	y, ok := strings.CutSuffix(chi.URLParam(r, "file"), ".terrain")
	if !ok {
		return fail(404, "Terrain tiles end in .terrain.")
	}
	q := quantizedmesh.Request{
		Normals:        wantsNormals(p["extensions"], r.Header.Get("Accept")),
		AcceptEncoding: r.Header.Get("Accept-Encoding"), IfNoneMatch: r.Header.Get("If-None-Match"),
	}
	for i, to := range []*int64{&q.Level, &q.X, &q.Y} {
		v := []string{chi.URLParam(r, "z"), chi.URLParam(r, "x"), y}[i]
		if *to, ok = tileNumber(v); !ok {
			return fail(400, fmt.Sprintf("Terrain tile: %q is no whole number from 0.", cut(v, 20)))
		}
	}
	a, err := g.Terrain.Tile(r.Context(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Vary", "Accept, Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if v := p["v"]; v != "" && v == g.Terrain.Heights.Revision() {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	mediaType := quantizedmesh.ContentType
	if q.Normals {
		mediaType = quantizedmesh.NormalsType
	}
	return writeAnswer(w, r, []string{mediaType}, &a)
}

// wantsNormals reads what CesiumJS writes: a list of extensions separated by - in
// the query or in the Accept header.
func wantsNormals(query, accept string) bool {
	_, list, _ := strings.Cut(accept, "extensions=")
	list, _, _ = strings.Cut(list, ",")
	return slices.Contains(strings.Split(query, "-"), "octvertexnormals") || slices.Contains(strings.Split(strings.TrimSpace(list), "-"), "octvertexnormals")
}
