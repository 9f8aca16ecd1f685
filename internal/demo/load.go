package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"twind/internal/district"
	"twind/layers"
	"twind/layers/geojson"
	"twind/testdata/city"
)

// Progress is told how many features of a layer are made of how many; total is 0
// where that is unknown. Load calls it from one goroutine.
type Progress func(layer layers.ID, done, total int64)

// source yields the features of one layer; total is their number.
type source struct {
	total    int64
	features iter.Seq2[*layers.Feature, error]
}

// Load puts the demo city into a store. Layers that have features are left as
// they are, with what people changed in them; an empty or missing layer is made
// anew. So an empty store is filled, one where an earlier Load was interrupted is
// completed, and a full one costs one look at each layer.
func Load(ctx context.Context, store layers.Store, progress Progress) error {
	return loadLayers(ctx, store, Layers(), progress)
}

func loadLayers(ctx context.Context, store layers.Store, list []layers.Layer, progress Progress) error {
	if progress == nil {
		progress = func(layers.ID, int64, int64) {}
	}
	m := &maker{}
	defer m.close()
	for _, l := range list {
		if err := load(ctx, store, &l, m, progress); err != nil {
			return fmt.Errorf("demo: layer %s: %w", l.ID, err)
		}
	}
	return nil
}

func load(ctx context.Context, store layers.Store, l *layers.Layer, m *maker, progress Progress) error {
	there, err := store.Layer(ctx, l.ID)
	switch {
	case errors.Is(err, layers.ErrNotFound):
		if err := store.CreateLayer(ctx, *l); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		l = &there
	}
	if l.Live != nil {
		return nil
	}
	stats, err := store.Stats(ctx, l.ID)
	if err != nil {
		return err
	}
	if stats.Count > 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	src, err := m.source(ctx, l)
	if err != nil {
		return err
	}
	progress(l.ID, 0, src.total)
	done := int64(0)
	_, err = store.Load(ctx, l.ID, layers.Replace, func(yield func(*layers.Feature, error) bool) {
		for f, err := range src.features {
			if err == nil {
				err = ctx.Err()
			}
			if !yield(f, err) || err != nil {
				return
			}
			if done++; done%500 == 0 {
				progress(l.ID, done, src.total)
			}
		}
	})
	if err != nil {
		return err
	}
	progress(l.ID, done, max(done, src.total))
	return nil
}

// maker makes the sources of layers; the district is planned once, when the
// first of its layers is asked for.
type maker struct {
	district *district.District
	cleanups []func()
}

func (m *maker) close() {
	for _, f := range slices.Backward(m.cleanups) {
		f()
	}
}

// files are the GeoJSON files of testdata/city that make up a layer.
var files = map[layers.ID][]string{
	"buildings":   {"new-york/buildings.geojson", "kamloops/buildings.geojson"},
	"streets":     {"new-york/streets.geojson"},
	"subway":      {"new-york/subway.geojson"},
	"stations":    {"new-york/stations.geojson"},
	"precincts":   {"new-york/precincts.geojson"},
	"storm":       {"kamloops/storm.geojson"},
	"sanitary":    {"kamloops/sanitary.geojson"},
	"manholes":    {"kamloops/manholes.geojson"},
	"catchbasins": {"kamloops/catchbasins.geojson"},
}

func (m *maker) source(ctx context.Context, l *layers.Layer) (source, error) {
	if names, ok := files[l.ID]; ok {
		return geoJSON(l, names)
	}
	if l.ID == "water" {
		return m.water(ctx, l)
	}
	if m.district == nil {
		d, err := district.New(district.Options{})
		if err != nil {
			return source{}, err
		}
		m.district = d
	}
	return source{m.district.Count(l.ID), func(yield func(*layers.Feature, error) bool) {
		for f := range m.district.Features(l.ID) {
			if !yield(f, nil) {
				return
			}
		}
	}}, nil
}

// geoJSON reads files of testdata/city, which have one feature a line between a
// first line and a last. Whatever does not fit the layer is an error: the files
// are ours.
func geoJSON(l *layers.Layer, names []string) (source, error) {
	var lines [][]byte
	for _, name := range names {
		b, err := city.ReadFile(name)
		if err != nil {
			return source{}, err
		}
		for line := range bytes.Lines(b) {
			line = bytes.TrimRight(line, ",\n")
			if bytes.HasPrefix(line, []byte(`{"type":"Feature",`)) {
				lines = append(lines, line)
			}
		}
	}
	return source{int64(len(lines)), func(yield func(*layers.Feature, error) bool) {
		for i, line := range lines {
			f, err := geojson.ParseFeature(line, l)
			if err != nil {
				err = fmt.Errorf("%v: feature %d: %w", names, i+1, err)
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}}, nil
}

// LandmarkBuilding is a building whose change shows at once in the first bookmark.
type LandmarkBuilding struct{ ID, Name string }

// Landmark names a well-known building of Manhattan that has no parts, so that
// its own height is what 3D shows.
func Landmark() LandmarkBuilding { return LandmarkBuilding{"278039446", "One Liberty Plaza"} }
