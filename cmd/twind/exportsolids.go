package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/tiles/tiles3d"
)

// formatSolids is the format that is a folder.
const formatSolids = "3dtiles"

// exportSolids writes a layer's tileset to a folder that any viewer opens.
func (c *exportCommand) exportSolids(p *program, id layers.ID, conf config.Config, store layers.Store) error {
	if err := newFolder(c.Output); err != nil {
		return err
	}
	bar := newProgress(p)
	defer bar.done()
	log := slog.New(slog.DiscardHandler)
	catalog, err := snapshot.Open(p.ctx, store, snapshot.Options{
		Dir: snapshotDir(conf, store), Log: log,
		Progress: func(l layers.ID, done, total int64) { bar.set("indexing "+string(l), done, total) },
	})
	if err != nil {
		return err
	}
	defer catalog.Close()
	ground, err := openModels(conf, log, nil)
	if err != nil {
		return err
	}
	defer ground.Close()
	if err := errors.Join(ground.missing...); err != nil {
		return err // what is written would stand at other heights than what is served
	}
	solids, err := tiles3d.New(tiles3d.Options{Views: tiles3d.From(catalog), Ground: ground, GroundRevision: ground.Revision, Layers: catalog.Layers})
	if err != nil {
		return err
	}
	defer solids.Close()
	n, err := solids.Export(p.ctx, tiles3d.Request{Layer: id}, func(name string, b []byte) error {
		return writeBelow(c.Output, name, b)
	}, func(done, total int) { bar.set("writing cells", int64(done), int64(total)) })
	bar.done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%d features of layer %s in %d contents and %d tilesets, %d bytes, in %s\n",
		n.Features, id, n.Contents, n.Tilesets, n.Bytes, filepath.Join(c.Output, "tileset.json"))
	return err
}

// newFolder makes a folder, or takes one that is empty.
func newFolder(path string) error {
	list, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.MkdirAll(path, 0o755)
	case err == nil && len(list) > 0:
		return usageError{layers.Errorf(layers.ErrExists, "folder %s is not empty; choose a new one with --output", path)}
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "folder %s cannot be made: %w; choose another with --output", path, err)
	}
	return nil
}

func writeBelow(dir, name string, b []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, b, 0o644) //nolint:gosec // for others to read, as all that is exported
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "%s cannot be written: %w", path, err)
	}
	return nil
}
