package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"twind/internal/config"
	"twind/internal/server"
	"twind/layers"
	"twind/tiles/archive"
	"twind/tiles/pmtiles"
)

// startPatience is how long the start waits for archives behind URLs.
const startPatience = 5 * time.Second

// openArchives opens the archives of the configuration, all at a time. One that
// cannot be opened is named in the log, and tried again while the server runs; one
// whose id a layer or a raster has is left out.
func openArchives(ctx context.Context, conf config.Config, taken []layers.Layer, rasters []server.Raster, log *slog.Logger) []*archive.Archive {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	var list []*archive.Archive
	var opening sync.WaitGroup
	for _, c := range conf.Archives {
		if slices.ContainsFunc(taken, func(l layers.Layer) bool { return l.ID == c.ID }) ||
			slices.ContainsFunc(rasters, func(r server.Raster) bool { return r.Info().ID == string(c.ID) }) {
			log.Error("an archive is left out: there is a layer of its id; give it another in the configuration", "layer", c.ID, "source", c.Source)
			continue
		}
		a := archive.New(archive.Options{
			ID: c.ID, Source: c.Source, Title: c.Title, Attribution: c.Attribution, Log: log, Remote: pmtiles.RemoteOptions{Version: version},
		})
		list = append(list, a)
		opening.Go(func() {
			if err := a.Open(ctx); err != nil {
				log.Warn("an archive is left out until it can be opened", "error", err)
			}
		})
	}
	opening.Wait()
	return list
}

// runArchives follows replacements of the archives' files until ctx ends.
func runArchives(ctx context.Context, g *errgroup.Group, list []*archive.Archive) {
	for _, a := range list {
		g.Go(func() error {
			a.Run(ctx)
			return nil
		})
	}
}

func closeArchives(list []*archive.Archive) {
	for _, a := range list {
		_ = a.Close() // was only read
	}
}
