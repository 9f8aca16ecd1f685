package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"twind/importers"
	"twind/importers/shapefile"
	"twind/layers"
	"twind/spatial/crs"
	"twind/testdata/city"
)

// water reads Nanaimo's pipes as `twind import` would: a Shapefile on disk,
// reprojected from its .prj. A feature's id is the number of its record, since
// the city's own numbers are missing or double on some pipes.
func (m *maker) water(ctx context.Context, l *layers.Layer) (source, error) {
	dir, err := os.MkdirTemp("", "twind-demo-")
	if err != nil {
		return source{}, layers.Errorf(layers.ErrUnavailable, "no temporary folder could be made for Nanaimo's pipes: %w", err)
	}
	m.cleanups = append(m.cleanups, func() { _ = os.RemoveAll(dir) })
	if err := unpack("nanaimo", dir); err != nil {
		return source{}, err
	}
	src, err := shapefile.Format{}.Open(ctx, filepath.Join(dir, "pipes.shp"), importers.OpenOptions{})
	if err != nil {
		return source{}, err
	}
	m.cleanups = append(m.cleanups, func() { _ = src.Close() })
	degrees, err := crs.ByCode(4326)
	if err != nil {
		return source{}, err
	}
	if src.Info().CRS == nil {
		return source{}, layers.Errorf(layers.ErrInvalid, "nanaimo/pipes.prj names no coordinate system")
	}
	reproject := crs.Transform{From: src.Info().CRS, To: degrees}
	return source{src.Info().Declared, func(yield func(*layers.Feature, error) bool) {
		for {
			f, err := nextPipe(src, l, reproject)
			if errors.Is(err, io.EOF) || !yield(f, err) || err != nil {
				return
			}
		}
	}}, nil
}

// nextPipe reads a record as a feature of the layer; it fails with io.EOF behind
// the last.
func nextPipe(src importers.Source, l *layers.Layer, reproject crs.Transform) (*layers.Feature, error) {
	var rec importers.Record
	if err := src.Next(&rec); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("nanaimo/pipes.shp: %w", err)
	}
	f := &layers.Feature{ID: strconv.FormatInt(rec.Row, 10), Geometry: rec.Geometry, Properties: make([]layers.Value, len(l.Schema))}
	if err := reproject.Apply(f.Geometry.XY); err != nil {
		return nil, fmt.Errorf("nanaimo/pipes.shp: %s: %w", src.Place(rec.Row), err)
	}
	for i, field := range src.Fields() {
		if k := l.PropertyIndex(field.Name); k >= 0 && i < len(rec.Values) {
			f.Properties[k] = rec.Values[i]
		}
	}
	return f, nil
}

// unpack writes a folder of testdata/city to dir, unzipped.
func unpack(folder, dir string) error {
	entries, err := fs.ReadDir(city.FS(), folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, zipped := strings.CutSuffix(e.Name(), ".gz")
		var b []byte
		if zipped {
			b, err = city.ReadFile(path.Join(folder, name))
		} else {
			b, err = fs.ReadFile(city.FS(), path.Join(folder, name))
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return layers.Errorf(layers.ErrUnavailable, "Nanaimo's pipes could not be unpacked to %s: %w", dir, err)
		}
	}
	return nil
}
