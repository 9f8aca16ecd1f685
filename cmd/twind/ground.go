package main

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"twind/internal/config"
	"twind/internal/server"
	"twind/layers"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/raster/dem"
	"twind/tiles/raster/quantizedmesh"
)

// groundTile is the side of the tiles of elevation models, in pixels.
const groundTile = 256

// models are the elevation models of the configuration.
type models struct {
	list    []*dem.DEM
	answers *tiles.Answers
	rasters []server.Raster
	grounds []server.Ground
	missing []error // of those that are left out
}

// openModels opens them in the order of the configuration; one that cannot be
// read is named in the log, with the command that mends it, and left out.
func openModels(conf config.Config, log *slog.Logger, metrics prometheus.Registerer) (*models, error) {
	m := &models{}
	for _, r := range conf.Rasters {
		if r.Role != config.RoleDEM {
			continue
		}
		if m.answers == nil {
			var err error
			if m.answers, err = tiles.NewAnswers(tiles.AnswersOptions{Name: "ground", CacheBytes: int64(conf.TileCacheBytes / 4), Log: log, Registerer: metrics}); err != nil {
				return nil, err
			}
		}
		if err := m.open(r, log); err != nil {
			log.Error("an elevation model is left out", "layer", r.ID, "error", err)
			m.missing = append(m.missing, err)
		}
	}
	return m, nil
}

func (m *models) open(r config.Raster, log *slog.Logger) error {
	title := r.Title.In("en")
	if title == "" {
		title = string(r.ID)
	}
	d, err := dem.Open(r.Source, dem.Options{
		ID: string(r.ID), Title: title, Attribution: r.Attribution, VerticalDatum: r.VerticalDatum, Offset: r.Offset, Log: log,
	})
	if err != nil {
		return err
	}
	m.list = append(m.list, d)
	for _, p := range []dem.Product{dem.TerrainRGB, dem.Hillshade, dem.Relief} {
		m.rasters = append(m.rasters, groundImages{&dem.Layer{DEM: d, Product: p, Size: groundTile, Answers: m.answers}, namesOf(r.Title, p)})
	}
	m.grounds = append(m.grounds, server.Ground{ID: string(r.ID), Model: d, Terrain: &quantizedmesh.Terrain{
		ID: string(r.ID), Title: title, Attribution: r.Attribution, VerticalDatum: d.VerticalDatum(), Heights: d, Answers: m.answers,
	}})
	return nil
}

// Close closes the models.
func (m *models) Close() {
	if m.answers != nil {
		_ = m.answers.Close() // waits
	}
	for _, d := range m.list {
		_ = d.Close() // was only read
	}
}

// Height is that of the first model that knows it.
func (m *models) Height(lon, lat float64) (metres float64, ok bool) {
	for _, d := range m.list {
		if metres, ok = d.Height(lon, lat); ok {
			return metres, true
		}
	}
	return 0, false
}

// Revision names the state of all models.
func (m *models) Revision() string {
	text := ""
	for _, d := range m.list {
		text += d.Revision() + " "
	}
	return text
}

// groundImages are the tiles of one product of a model.
type groundImages struct {
	layer *dem.Layer
	names layers.Text
}

// namesOf are the titles of a product.
func namesOf(title layers.Text, p dem.Product) layers.Text {
	if title.ZH != "" {
		title.ZH += [...]string{"", "·山体阴影", "·晕渲"}[p]
	}
	if title.EN != "" {
		title.EN += [...]string{"", ", hillshade", ", relief"}[p]
	}
	return title
}

// Info describes them.
func (g groundImages) Info() server.RasterInfo {
	l := g.layer
	first, last := l.Zooms()
	i := server.RasterInfo{
		ID: l.ID(), Title: l.Title(), Names: g.names, Attribution: l.Attribution(), Bounds: l.DEM.Bounds(), MinZoom: first, MaxZoom: last,
		TileSize: l.Size, ContentType: "image/png", Formats: []string{"png"}, Role: server.RoleHillshade,
	}
	switch l.Product {
	case dem.TerrainRGB:
		i.Role, i.Encoding = server.RoleTerrain, "mapbox"
	case dem.Relief:
		i.Role = server.RoleRelief
	}
	return i
}

// Tile answers with one of them.
func (g groundImages) Tile(ctx context.Context, id tile.ID, _ string) (server.RasterTile, error) {
	a, err := g.layer.Tile(ctx, id, "")
	return server.RasterTile{Bytes: a.Bytes, ContentType: "image/png", ETag: a.ETag}, err
}
