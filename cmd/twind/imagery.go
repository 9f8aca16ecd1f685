package main

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"twind/internal/config"
	"twind/internal/server"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/raster/imagery"
)

// images are the images of the configuration.
type images struct {
	list    []*imagery.Layer
	answers *tiles.Answers
	rasters []server.Raster
}

// openImages opens them; one that cannot be shown is named in the log, with the
// command that mends it, and left out.
func openImages(conf config.Config, log *slog.Logger, metrics prometheus.Registerer) (*images, error) {
	m := &images{}
	for _, r := range conf.Rasters {
		if r.Role != config.RoleImagery {
			continue
		}
		if m.answers == nil {
			var err error
			if m.answers, err = tiles.NewAnswers(tiles.AnswersOptions{Name: "image", CacheBytes: int64(conf.TileCacheBytes / 4), Log: log, Registerer: metrics}); err != nil {
				return nil, err
			}
		}
		l, err := imagery.Open(imagery.Options{ID: string(r.ID), Title: r.Title.In("en"), Attribution: r.Attribution, Source: r.Source, Answers: m.answers, Log: log})
		if err != nil {
			log.Error("an image is left out", "layer", r.ID, "error", err)
			continue
		}
		m.list = append(m.list, l)
		m.rasters = append(m.rasters, photo{l})
	}
	return m, nil
}

// Close closes the images.
func (m *images) Close() {
	if m.answers != nil {
		_ = m.answers.Close() // waits
	}
	for _, l := range m.list {
		_ = l.Close() // was only read
	}
}

// photo is an image as a raster layer.
type photo struct{ layer *imagery.Layer }

// Info describes it.
func (p photo) Info() server.RasterInfo {
	l := p.layer
	first, last := l.Zooms()
	formats := l.Formats()
	contentType := "image/png"
	if formats[0] == "jpg" {
		contentType = "image/jpeg"
	}
	return server.RasterInfo{
		ID: l.ID(), Title: l.Title(), Attribution: l.Attribution(), Bounds: l.Bounds(), MinZoom: first, MaxZoom: last,
		TileSize: l.TileSize(), ContentType: contentType, Formats: formats, Role: server.RoleImagery,
	}
}

// Tile answers with one of its tiles.
func (p photo) Tile(ctx context.Context, id tile.ID, format string) (server.RasterTile, error) {
	a, err := p.layer.Tile(ctx, id, format)
	contentType := "image/png"
	if format == "jpg" {
		contentType = "image/jpeg"
	}
	return server.RasterTile{Bytes: a.Bytes, ContentType: contentType, ETag: a.ETag}, err
}
