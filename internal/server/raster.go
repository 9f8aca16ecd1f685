package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

// Raster is a layer of image tiles in WebMercatorQuad: imagery, a base map, or
// terrain coded in colours. It is safe for concurrent use.
type Raster interface {
	// Info describes the layer as it is now.
	Info() RasterInfo
	// Tile answers with one tile in one of RasterInfo.Formats. It fails with
	// layers.ErrNotFound where the layer has no tile, and layers.ErrUnavailable
	// where its source cannot be read now.
	Tile(ctx context.Context, id tile.ID, format string) (RasterTile, error)
}

// Roles of raster layers.
const (
	RoleImagery   = "imagery"   // colours to look at: aerial images, base maps
	RoleTerrain   = "terrain"   // heights coded in colours; see RasterInfo.Encoding
	RoleHillshade = "hillshade" // shaded relief to look at
	RoleRelief    = "relief"    // its shadows and lights alone, to lie over a map
)

// RasterInfo describes a raster layer.
type RasterInfo struct {
	ID, Title, Attribution string
	Names                  layers.Text      // the title by language, where there are several
	Bounds                 spatial.Envelope // degrees; empty is unknown
	MinZoom, MaxZoom       uint8            // zooms with tiles
	TileSize               int              // pixels of one side; 256 or 512
	ContentType            string           // media type of Formats[0]
	Formats                []string         // file name endings offered: png, webp, jpg; the first is the best
	Role                   string           // RoleImagery ("" is the same), RoleTerrain, RoleHillshade or RoleRelief
	Encoding               string           // of RoleTerrain: mapbox (Terrain-RGB) or terrarium
}

// RasterTile is one tile. Bytes belong to the layer and must not be changed.
type RasterTile struct {
	Bytes           []byte
	ContentType     string
	ContentEncoding string // "" but for what is stored compressed
	ETag            string // strong, with its quotes
}

// rasterEndings are the file name endings of raster tiles; each names a format.
var rasterEndings = map[string]string{"png": "png", "webp": "webp", "jpg": "jpg", "jpeg": "jpg"}

// raster finds a raster layer by its id.
func (s *Server) raster(id string) (Raster, RasterInfo, error) {
	for _, l := range s.rasters() {
		if i := l.Info(); i.ID == id {
			return l, i, nil
		}
	}
	return nil, RasterInfo{}, layers.Errorf(layers.ErrNotFound, "there is no raster layer %q; /viewer/config.json lists what there is", cut(id, 80))
}

// tileNumbers reads zoom, column and row of an XYZ address.
func tileNumbers(z, x, y string) (tile.ID, error) {
	var n [3]int64
	for i, v := range []string{z, x, y} {
		var ok bool
		if n[i], ok = tileNumber(v); !ok {
			return tile.ID{}, fail(400, fmt.Sprintf("Tile %s/%s/%s: zoom, column and row are whole numbers from 0.", cut(z, 20), cut(x, 20), cut(y, 20)))
		}
	}
	return tile.New(n[0], n[1], n[2])
}

// rasterParams are the parameters of raster tiles and their TileJSON. blank=1 asks
// for a transparent image where the layer has none: browsers report a 404 of an
// image as a failure, whatever the page says.
var rasterParams = []string{"token", "blank"}

// blankTile is a transparent PNG of one pixel.
var blankTile = RasterTile{
	Bytes: []byte("\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
		"\x00\x00\x00\x0bIDATx\xdac`\x00\x02\x00\x00\x05\x00\x01\xe9\xfa\xdc\xd8\x00\x00\x00\x00IEND\xaeB`\x82"),
	ContentType: "image/png", ETag: `"blank"`,
}

// rasterTile answers /raster/{layer}/{z}/{x}/{y}.{png|webp|jpg}.
func (s *Server) rasterTile(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, rasterParams...)
	if err != nil {
		return err
	}
	if blank, ok := p["blank"]; ok && blank != "1" {
		return fail(400, fmt.Sprintf("blank=%s: expected blank=1, or none.", cut(blank, 40)))
	}
	l, info, err := s.raster(chi.URLParam(r, "layer"))
	if err != nil {
		return err
	}
	y, ext, _ := strings.Cut(chi.URLParam(r, "file"), ".")
	format, ok := rasterEndings[ext]
	if !ok || !slices.Contains(info.Formats, format) {
		return fail(404, fmt.Sprintf("Tiles of %s end in .%s.", info.ID, strings.Join(info.Formats, " or .")))
	}
	id, err := tileNumbers(chi.URLParam(r, "z"), chi.URLParam(r, "x"), y)
	if err != nil {
		return err
	}
	t, err := l.Tile(r.Context(), id, format)
	if isNotFound(err) && p["blank"] != "" && info.Role != RoleTerrain { // no colour is a height of nothing
		t, err = blankTile, nil
	}
	if err != nil {
		return err
	}
	return writeRasterTile(w, r, t)
}

// writeRasterTile answers with a tile, or 304 when the client has it.
func writeRasterTile(w http.ResponseWriter, r *http.Request, t RasterTile) error {
	w.Header()["Cache-Control"] = noCache
	return writeAnswer(w, r, []string{t.ContentType}, &tiles.Answer{Bytes: t.Bytes, Encoding: t.ContentEncoding, ETag: t.ETag})
}

// rasterTileJSON answers /raster/{layer}.json: TileJSON 3.0 with the members
// tileSize and encoding that MapLibre reads.
func (s *Server) rasterTileJSON(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, rasterParams...); err != nil {
		return err
	}
	id, ok := strings.CutSuffix(chi.URLParam(r, "file"), ".json")
	if !ok {
		return fail(404, "TileJSON ends in .json: /raster/{layer}.json.")
	}
	_, info, err := s.raster(id)
	if err != nil {
		return err
	}
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + r.URL.RawQuery
	}
	return s.json(w, r, typeJSON, info.tileJSON(s.base(r), query))
}

func (i *RasterInfo) tileJSON(base, query string) object {
	d := object{
		"tilejson": "3.0.0", "name": i.Title, "scheme": "xyz",
		"tiles":   []string{base + "/raster/" + i.ID + "/{z}/{x}/{y}." + i.Formats[0] + query},
		"minzoom": i.MinZoom, "maxzoom": i.MaxZoom, "tileSize": i.TileSize, "format": i.Formats[0],
		"vector_layers": []object{}, // TileJSON 3.0 asks for the member
	}
	if i.Attribution != "" {
		d["attribution"] = i.Attribution
	}
	if i.Encoding != "" {
		d["encoding"] = i.Encoding
	}
	if !i.Bounds.IsEmpty() {
		e := within(tile.Mercator, i.Bounds)
		d["bounds"] = [4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
	}
	return d
}
