package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"twind/internal/config"
	"twind/internal/outfile"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/postgis"
)

// openStore opens geopackage:PATH (or a plain path) or postgres://…; write makes a
// GeoPackage that is not there yet and adopts one of another program, which is
// left as it is otherwise.
func openStore(ctx context.Context, c config.Config, write bool, log *slog.Logger) (layers.Store, error) {
	if isPostgres(c.Store) {
		return postgis.Open(ctx, c.Store, postgis.Options{Log: log, Published: published(c)})
	}
	path, err := geopackagePath(c.Store)
	if err != nil {
		return nil, err
	}
	if err := checkName(path); err != nil {
		return nil, err
	}
	if write {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, layers.Errorf(layers.ErrUnavailable, "folder %s cannot be made: %v; choose a writable one", filepath.Dir(path), err)
		}
	}
	return geopackage.Open(ctx, path, geopackage.Options{Log: log, Create: write, Untouched: !write})
}

// checkName refuses to make a GeoPackage of a file that is called otherwise, such
// as a configuration. One that is there may have any name.
func checkName(path string) error {
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".gpkg" || ext == ".gpkx" {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > 0 && (info.IsDir() || isDatabase(path)) {
		return nil // geopackage.Open says what is wrong with it, if anything
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return layers.Errorf(layers.ErrUnavailable, "cannot open %s: %w", path, err)
	}
	const text = "%s is no GeoPackage and its name does not end in .gpkg; name a .gpkg file with --store"
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
		return usageError{layers.Errorf(layers.ErrInvalid, text+", and a configuration with --config", path)}
	}
	return usageError{layers.Errorf(layers.ErrInvalid, text, path)}
}

// isDatabase tells an SQLite file by its first bytes.
func isDatabase(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // Open says why it cannot be read
	}
	defer f.Close()
	magic := make([]byte, 16)
	_, err = io.ReadFull(f, magic)
	return err == nil && string(magic) == "SQLite format 3\x00"
}

func isPostgres(store string) bool {
	return strings.HasPrefix(store, "postgres://") || strings.HasPrefix(store, "postgresql://")
}

// geopackagePath is the file of a store that is a GeoPackage. A link is followed, so
// that both names are one store, with one history beside it.
func geopackagePath(store string) (string, error) {
	path, err := givenPath(store)
	if err != nil {
		return "", err
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path, nil //nolint:nilerr // it is to be made, or Open says what is wrong
	}
	target, _, err := outfile.Resolve(path)
	if err != nil {
		return "", layers.Errorf(layers.ErrInvalid, "%s cannot be opened: %w; name a .gpkg file", path, err)
	}
	return target, nil
}

// givenPath is the path as it was given.
func givenPath(store string) (string, error) {
	if p, ok := strings.CutPrefix(store, "geopackage:"); ok {
		return p, nil
	}
	if scheme, _, ok := strings.Cut(store, ":"); strings.Contains(store, "://") || ok && filepath.VolumeName(store) == "" && !strings.ContainsAny(scheme, `/\.`) {
		return "", usageError{layers.Errorf(layers.ErrInvalid, "store %q: expected geopackage:PATH or postgres://user@host/database", store)}
	}
	return store, nil
}

// dataDir is where snapshots are kept: configured, beside the GeoPackage, or ./data.
func dataDir(c config.Config) string {
	if c.Data != "" {
		return c.Data
	}
	if !isPostgres(c.Store) {
		if p, err := geopackagePath(c.Store); err == nil {
			return filepath.Join(filepath.Dir(p), "snapshots")
		}
	}
	return filepath.Join("data", "snapshots")
}

// snapshotDir is the folder whose snapshots of the store a command that only reads
// may use and replace; "" where nothing was served from yet, or what is read is
// another program's file.
func snapshotDir(c config.Config, store layers.Store) string {
	if g, ok := store.(*geopackage.Store); ok && g.Untouched() {
		return ""
	}
	dir := dataDir(c)
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	return dir
}

func published(c config.Config) []postgis.Published {
	var out []postgis.Published
	for _, p := range c.Published {
		out = append(out, postgis.Published(p))
	}
	return out
}
