package demo

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

func TestLayersAreDescribed(t *testing.T) {
	var ids []layers.ID
	groups := make(map[layers.ID]string)
	for _, g := range Groups {
		require.NotEmpty(t, g.Title.ZH)
		require.NotEmpty(t, g.Title.EN)
		for _, id := range g.Layers {
			require.Empty(t, groups[id], "%s stands in one group", id)
			groups[id] = g.ID
		}
	}
	provenance := make(map[layers.Provenance]int)
	for _, l := range Layers() {
		require.NoError(t, l.Validate())
		ids = append(ids, l.ID)
		require.NotEmpty(t, groups[l.ID], "%s stands in a group", l.ID)
		require.NotEmpty(t, l.Title.ZH, l.ID)
		require.NotEmpty(t, l.Title.EN, l.ID)
		require.Contains(t, layers.Kinds, l.Kind)
		for _, p := range l.Schema {
			require.NotEmpty(t, p.Title.ZH, "%s.%s", l.ID, p.Name)
			require.NotEmpty(t, p.Title.EN, "%s.%s", l.ID, p.Name)
		}
		for _, name := range []string{l.Label, l.ClassBy} {
			require.True(t, name == "" || l.PropertyIndex(name) >= 0, "%s has %s", l.ID, name)
		}
		if l.Live == nil {
			require.NotEmpty(t, l.Attribution, l.ID)
			require.NotEmpty(t, l.Licence, l.ID)
		}
		provenance[l.Provenance]++
	}
	require.ElementsMatch(t, []layers.ID{
		"buildings", "streets", "subway", "stations", "precincts", "trains", "vehicles",
		"storm", "sanitary", "manholes", "catchbasins", "water",
		"demo_streets", "demo_blocks", "demo_buildings", "demo_pipes", "demo_nodes", "demo_parts", "demo_cells",
		"demo_vehicles",
	}, ids)
	require.Len(t, groups, len(ids))
	require.Equal(t, map[layers.Provenance]int{layers.Surveyed: 10, layers.Estimated: 1, layers.Generated: 9}, provenance)
	require.Equal(t, []string{"manhattan", "kamloops", "nanaimo", "district"}, []string{Bookmarks[0].ID, Bookmarks[1].ID, Bookmarks[2].ID, Bookmarks[3].ID})
}

// only are the descriptions of some layers.
func only(ids ...layers.ID) []layers.Layer {
	var out []layers.Layer
	for _, id := range ids {
		out = append(out, *layer(id))
	}
	return out
}

func TestLoadFillsCompletesAndLeavesAlone(t *testing.T) {
	ctx := context.Background()
	store, err := geopackage.Open(ctx, filepath.Join(t.TempDir(), "demo.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	count := func(id layers.ID) int64 {
		stats, err := store.Stats(ctx, id)
		require.NoError(t, err)
		return stats.Count
	}
	// A load that is interrupted leaves the layer empty.
	broken, cancel := context.WithCancel(ctx)
	err = loadLayers(broken, store, only("precincts", "stations"), func(l layers.ID, done, _ int64) {
		if l == "stations" && done == 0 {
			cancel()
		}
	})
	require.Error(t, err)
	require.True(t, errors.Is(err, context.Canceled), "%v", err)
	require.Equal(t, []int64{77, 0}, []int64{count("precincts"), count("stations")})
	// The next one completes it and does not touch the rest.
	before, err := store.Head(ctx)
	require.NoError(t, err)
	told := make(map[layers.ID][2]int64)
	require.NoError(t, loadLayers(ctx, store, only("precincts", "stations", "trains"), func(l layers.ID, done, total int64) { told[l] = [2]int64{done, total} }))
	require.Equal(t, map[layers.ID][2]int64{"stations": {473, 473}}, told)
	require.Equal(t, []int64{77, 473}, []int64{count("precincts"), count("stations")})
	live, err := store.Layer(ctx, "trains")
	require.NoError(t, err)
	require.NotNil(t, live.Live)
	// What people change stays.
	after, err := store.Update(ctx, func(tx layers.Tx) error { return tx.Delete(ctx, "stations", "1") })
	require.NoError(t, err)
	require.Greater(t, after, before)
	require.NoError(t, loadLayers(ctx, store, only("precincts", "stations", "trains"), nil))
	require.Equal(t, int64(472), count("stations"))
	head, err := store.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, after, head)
}

// TestCanadaFits reads the real sources that are small: every feature fits its
// layer, lies in its city, and nothing keeps a literal for what is missing.
func TestCanadaFits(t *testing.T) {
	m := &maker{}
	defer m.close()
	for id, want := range map[layers.ID]struct {
		count    int
		box      spatial.Envelope
		complete map[string]int // features with the property
	}{
		"storm":       {1064, spatial.Envelope{MinX: -120.36, MinY: 50.66, MaxX: -120.31, MaxY: 50.69}, map[string]int{"upstream_invert": 1028, "downstream_invert": 1029}},
		"sanitary":    {623, spatial.Envelope{MinX: -120.36, MinY: 50.66, MaxX: -120.31, MaxY: 50.69}, map[string]int{"upstream_invert": 619, "downstream_invert": 620}},
		"manholes":    {738, spatial.Envelope{MinX: -120.36, MinY: 50.66, MaxX: -120.31, MaxY: 50.69}, map[string]int{"rim": 721, "network": 738}},
		"catchbasins": {583, spatial.Envelope{MinX: -120.36, MinY: 50.66, MaxX: -120.31, MaxY: 50.69}, map[string]int{"rim": 573}},
		"water":       {17755, spatial.Envelope{MinX: -124.2, MinY: 49.0, MaxX: -123.8, MaxY: 49.3}, map[string]int{"PIPEID": 17755, "GID": 17350}},
	} {
		l := layer(id)
		src, err := m.source(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, int64(want.count), src.total, id)
		n, ids := 0, make(map[string]bool)
		complete := make(map[string]int)
		for f, err := range src.features {
			require.NoError(t, err)
			n++
			if err := layers.CheckFeature(l, f); err != nil || ids[f.ID] || !want.box.Contains(f.Geometry.Envelope()) {
				require.Failf(t, "not so", "%s %s: %v, envelope %v", id, f.ID, err, f.Geometry.Envelope())
			}
			ids[f.ID] = true
			for name := range want.complete {
				v := f.Properties[l.PropertyIndex(name)]
				if !v.IsNull() {
					complete[name]++
				}
				if v.Type() == layers.Number && (v.Float() == 9999 || v.Float() == 0) {
					require.Failf(t, "not so", "%s %s has %s %v", id, f.ID, name, v)
				}
			}
		}
		require.Equal(t, want.count, n, id)
		require.Equal(t, want.complete, complete, id)
	}
}

func TestDistrictIsTheGenerators(t *testing.T) {
	m := &maker{}
	defer m.close()
	l := layer(district.Cells)
	src, err := m.source(t.Context(), l)
	require.NoError(t, err)
	n := int64(0)
	for f, err := range src.features {
		require.NoError(t, err)
		require.NoError(t, layers.CheckFeature(l, f))
		n++
	}
	require.Equal(t, src.total, n)
	require.Greater(t, n, int64(500))
}
