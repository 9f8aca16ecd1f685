package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles/archive"
	"twind/tiles/pmtiles"
	"twind/tiles/style"
)

// Files of finished tiles: vector ones are served where the tiles of layers are,
// /tiles/{id}/{z}/{x}/{y}.mvt, images where rasters are. Both are drawn below the
// layers of the city.

// archiveRaster is an archive of images as a raster layer.
type archiveRaster struct {
	*archive.Archive
	info *archive.Info
}

var _ Raster = archiveRaster{}

// Info describes the layer as it was when the request came.
func (a archiveRaster) Info() RasterInfo {
	i := a.info
	info := RasterInfo{
		ID: string(i.ID), Title: i.Title.In("en"), Attribution: i.Attribution, Bounds: i.Bounds, MinZoom: i.MinZoom, MaxZoom: i.MaxZoom,
		TileSize: i.TileSize, ContentType: i.ContentType(), Formats: []string{i.Format()}, Role: RoleImagery, Encoding: i.Encoding,
	}
	if i.Encoding != "" {
		info.Role = RoleTerrain
	}
	return info
}

// Tile answers with a tile as it is stored.
func (a archiveRaster) Tile(ctx context.Context, id tile.ID, _ string) (RasterTile, error) {
	t, err := a.Archive.Tile(ctx, id, "", "")
	if err != nil {
		return RasterTile{}, err
	}
	return RasterTile{Bytes: t.Bytes, ContentType: a.info.ContentType(), ETag: t.ETag}, nil
}

// rasters are all raster layers: those of the options and archives of images.
func (s *Server) rasters() []Raster {
	list := slices.Clip(s.o.Rasters)
	for _, a := range s.o.Archives {
		if i, ok := a.Info(); ok && !i.Vector() {
			list = append(list, archiveRaster{a, i})
		}
	}
	return list
}

// vectorArchive finds an archive of vector tiles by its id.
func (s *Server) vectorArchive(id string) (*archive.Archive, *archive.Info, bool) {
	for _, a := range s.o.Archives {
		if string(a.ID()) != id {
			continue
		}
		i, ok := a.Info()
		return a, i, ok && i.Vector()
	}
	return nil, nil, false
}

// archiveTile answers with a tile of an archive, as it is stored where the client
// takes gzip.
func (s *Server) archiveTile(w http.ResponseWriter, r *http.Request, a *archive.Archive, id tile.ID) error {
	if err := archiveParams(r, a.ID()); err != nil {
		return err
	}
	t, err := a.Tile(r.Context(), id, r.Header.Get("Accept-Encoding"), r.Header.Get("If-None-Match"))
	if err != nil {
		return err
	}
	return s.writeTile(w, r, t)
}

// archiveParams refuses parameters that only rendered tiles have.
func archiveParams(r *http.Request, id layers.ID) error {
	p, err := readParams(r, tileParams...)
	if err != nil {
		return err
	}
	delete(p, "token")
	for name := range p {
		return fail(400, fmt.Sprintf("Layer %s is a file of finished tiles, so that %s is not possible; ask without.", id, name))
	}
	return nil
}

// archiveTileJSON describes an archive of vector tiles.
func (s *Server) archiveTileJSON(w http.ResponseWriter, r *http.Request, i *archive.Info) error {
	if err := archiveParams(r, i.ID); err != nil {
		return err
	}
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + r.URL.RawQuery
	}
	e := within(tile.Mercator, i.Bounds)
	list := i.VectorLayers
	if list == nil {
		list = []pmtiles.VectorLayer{}
	}
	d := object{
		"tilejson": "3.0.0", "scheme": "xyz", "name": i.Title.In("en"), "tiles": []string{s.base(r) + "/tiles/" + string(i.ID) + "/{z}/{x}/{y}.mvt" + query},
		"minzoom": i.MinZoom, "maxzoom": i.MaxZoom, "bounds": [4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}, "center": i.Center, "vector_layers": list,
	}
	if i.Description != "" {
		d["description"] = i.Description
	}
	if i.Attribution != "" {
		d["attribution"] = i.Attribution
	}
	return s.json(w, r, typeJSON, d)
}

// notArchive fails for an archive in a list of layers: its tiles are finished, and
// cannot be put together with others.
func (s *Server) notArchive(names []string) error {
	for _, n := range names {
		if _, i, ok := s.vectorArchive(n); ok {
			return fail(400, fmt.Sprintf("Layer %s is a file of finished tiles and cannot be combined with others; ask for it alone.", i.ID))
		}
	}
	return nil
}

// bases are the archives and images that styles draw below the layers.
func (s *Server) bases(base, query string) []style.Base {
	var archives, images, maps, reliefs []style.Base
	blank := "?blank=1" + strings.Replace(query, "?", "&", 1)
	for _, l := range s.rasters() {
		i := l.Info()
		b := style.Base{ID: i.ID, TileJSON: base + "/raster/" + i.ID + ".json" + blank, Raster: true, TileSize: i.TileSize}
		_, archived := l.(archiveRaster)
		switch i.Role {
		case "", RoleImagery:
			if archived { // mostly a map of all the country: an image of the city lies on it
				archives = append(archives, b)
			} else {
				images = append(images, b)
			}
		case RoleRelief:
			b.Relief = true
			reliefs = append(reliefs, b)
		}
	}
	for _, a := range s.o.Archives {
		i, ok := a.Info()
		if !ok || !i.Vector() {
			continue
		}
		b := style.Base{ID: string(i.ID), TileJSON: base + "/tiles/" + string(i.ID) + ".json" + query}
		for _, l := range i.VectorLayers {
			b.Layers = append(b.Layers, style.BaseLayer{Name: l.ID, MinZoom: l.MinZoom, MaxZoom: l.MaxZoom})
		}
		maps = append(maps, b)
	}
	return slices.Concat(archives, images, maps, reliefs)
}

// viewerBase is what the viewer is told of a map below the layers.
type viewerBase struct {
	ID          string      `json:"id"`
	Title       layers.Text `json:"title"`
	Type        string      `json:"type"` // vector or raster
	Attribution string      `json:"attribution,omitempty"`
	BBox        *[4]float64 `json:"bbox"`
	MinZoom     uint8       `json:"minZoom"`
	MaxZoom     uint8       `json:"maxZoom"`
	TileJSON    string      `json:"tilejson"`
	Role        string      `json:"role,omitempty"`     // of rasters: imagery, terrain or hillshade
	Encoding    string      `json:"encoding,omitempty"` // of terrain: mapbox or terrarium
}

// viewerBases lists rasters, and archives of vector tiles.
func (s *Server) viewerBases(base string) []viewerBase {
	list := []viewerBase{}
	box := func(e spatial.Envelope) *[4]float64 {
		if e.IsEmpty() {
			return nil
		}
		return &[4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
	}
	for _, l := range s.rasters() {
		i := l.Info()
		b := viewerBase{
			ID: i.ID, Title: layers.Text{EN: i.Title}, Type: "raster", Attribution: i.Attribution, BBox: box(i.Bounds),
			MinZoom: i.MinZoom, MaxZoom: i.MaxZoom, TileJSON: base + "/raster/" + i.ID + ".json", Role: i.Role, Encoding: i.Encoding,
		}
		if a, ok := l.(archiveRaster); ok {
			b.Title = a.info.Title
		}
		if i.Names != (layers.Text{}) {
			b.Title = i.Names
		}
		if b.Role == "" {
			b.Role = RoleImagery
		}
		list = append(list, b)
	}
	for _, a := range s.o.Archives {
		if i, ok := a.Info(); ok && i.Vector() {
			list = append(list, viewerBase{
				ID: string(i.ID), Title: i.Title, Type: "vector", Attribution: i.Attribution, BBox: box(i.Bounds),
				MinZoom: i.MinZoom, MaxZoom: i.MaxZoom, TileJSON: base + "/tiles/" + string(i.ID) + ".json",
			})
		}
	}
	return list
}

// splitNames reads a list of layers of a tile's address.
func splitNames(text string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "%2C", ","), "%2c", ","), ",")
}
