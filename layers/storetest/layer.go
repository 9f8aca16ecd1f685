package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

// full is a layer with every field set.
func full() layers.Layer {
	return layers.Layer{
		ID: "demo_pipes", Title: layers.Text{ZH: "排水管线", EN: "Sewers"}, Description: layers.Text{ZH: "生成的“示范”数据 100%", EN: "generated 'demo' data"},
		Kind: layers.KindPipe, GeometryType: spatial.LineString, HasZ: true,
		Schema: []layers.Property{
			{Name: "管径", Type: layers.Integer, Title: layers.Text{ZH: "管径", EN: "Diameter"}, Unit: "mm"},
			{Name: "material", Type: layers.String, Title: layers.Text{ZH: "材质"}},
			{Name: "built", Type: layers.Date},
			{Name: "seen", Type: layers.DateTime},
			{Name: "invert", Type: layers.Number, Unit: "m"},
			{Name: "in_use", Type: layers.Boolean},
		},
		CRS: 4490, SourceCRS: 4547, VerticalDatum: "EPSG:5737", Owner: "水务局", Attribution: "© 示范城区", Licence: "CC0-1.0",
		Provenance: layers.Generated, MinZoom: 13, MaxZoom: 17, Label: "material", ClassBy: "material", Key: "管径",
		Generalization: &layers.Generalization{FullZoom: 15, RankBy: "管径", Ranks: []layers.Rank{{Values: []string{"600"}, From: 14}}, Properties: map[string]uint8{"material": 14}},
		Style:          []byte(`[{"id":"demo_pipes","type":"line"}]`),
		Live:           &layers.Live{Period: time.Second, Stale: 10 * time.Second, Offline: time.Minute, Removed: time.Hour, MaxSpeed: 60},
	}
}

func testLayerRoundTrip(t *testing.T, s layers.Store) {
	before := headOf(t, s)
	want := create(t, s, full())
	got, err := s.Layer(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got.Schema[0].Name = "changed by the caller"
	got.Style[0] = 'x'
	got, err = s.Layer(t.Context(), want.ID)
	require.NoError(t, err)
	require.Equal(t, want, got, "the store must not lend its own memory")

	log := records(t, s, before)
	require.Len(t, log, 1)
	require.Equal(t, layers.LayerCreated, log[0].Op)
	require.Equal(t, want.ID, log[0].Layer)
	require.Empty(t, log[0].Feature)
	require.WithinDuration(t, time.Now(), log[0].Time, time.Hour)
	require.Greater(t, log[0].Revision, before)
}

func testLayerNames(t *testing.T, s layers.Store) {
	// Sorted by bytes, as Layers lists them. Some are names of SQL or of a store's own tables.
	names := []layers.ID{"0", "007", "a", "a-b", "a_b", "gpkg_contents", "gpkg_geometry_columns", "group", "id", "order", "rtree_a_geom", "select", "spatial_ref_sys", "sqlite_master", "table", "twind_changes", "twind_layers", layers.ID(strings.Repeat("z", 63))}
	for _, id := range names {
		l := mixed(id)
		l.Title = layers.Text{ZH: "同名图层"} // titles need not be unique
		create(t, s, l)
		insert(t, s, id, feature("只", 1, 2, string(id), 7))
	}
	all, err := s.Layers(t.Context())
	require.NoError(t, err)
	var got []layers.ID
	for _, l := range all {
		got = append(got, l.ID)
	}
	require.Equal(t, names, got)
	for _, id := range names {
		f := scan(t, s, id, layers.Query{})
		require.Len(t, f, 1, "layer %s", id)
		equalFeatures(t, feature("只", 1, 2, string(id), 7), f["只"])
	}
}

func testLayerRefused(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	before := headOf(t, s)
	require.ErrorIs(t, s.CreateLayer(t.Context(), mixed("a")), layers.ErrExists)
	for _, id := range []layers.ID{"", "A", "ü", "a b", "-a", "a/b", "a.b", "a\x00", layers.ID(strings.Repeat("z", 64))} {
		err := s.CreateLayer(t.Context(), mixed(id))
		require.ErrorIs(t, err, layers.ErrInvalid, "id %q", id)
		require.NotContains(t, err.Error(), "\n")
	}
	for name, spoil := range map[string]func(*layers.Layer){
		"crs":       func(l *layers.Layer) { l.CRS = 4547 },
		"twice":     func(l *layers.Layer) { l.Schema = append(l.Schema, l.Schema[0]) },
		"untyped":   func(l *layers.Layer) { l.Schema[0].Type = layers.Null },
		"nameless":  func(l *layers.Layer) { l.Schema[0].Name = "" },
		"control":   func(l *layers.Layer) { l.Schema[0].Name = "a\x00b" },
		"zooms":     func(l *layers.Layer) { l.MinZoom = 20 },
		"long name": func(l *layers.Layer) { l.Schema[0].Name = strings.Repeat("名", 100) },
	} {
		l := mixed("b")
		spoil(&l)
		require.ErrorIs(t, s.CreateLayer(t.Context(), l), layers.ErrInvalid, name)
	}
	require.Equal(t, before, headOf(t, s))
	all, err := s.Layers(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func testUpdateLayer(t *testing.T, s layers.Store) {
	l := create(t, s, mixed("a"))
	rev := insert(t, s, "a", grid(3)...)
	l.Title = layers.Text{ZH: "新的标题", EN: "New title"}
	l.Owner, l.MaxZoom, l.Label = "交通局", 18, "名称"
	l.Schema = append(l.Schema, layers.Property{Name: "高度", Type: layers.Number, Unit: "m"}, layers.Property{Name: "N", Type: layers.Boolean})
	require.NoError(t, s.UpdateLayer(t.Context(), l))
	got, err := s.Layer(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, l, got)

	log := records(t, s, rev)
	require.NotEmpty(t, log)
	require.Contains(t, []layers.ChangeOp{layers.LayerUpdated, layers.Reloaded}, log[0].Op)

	for _, f := range scan(t, s, "a", layers.Query{}) {
		require.Len(t, f.Properties, 4)
		require.False(t, f.Properties[0].IsNull())
		require.True(t, f.Properties[2].IsNull())
		require.True(t, f.Properties[3].IsNull())
	}
	f := feature("new", 1, 1, "x", 1)
	f.Properties = append(f.Properties, layers.FloatValue(12.5), layers.BoolValue(true))
	insert(t, s, "a", f)
	equalFeatures(t, f, scan(t, s, "a", layers.Query{IDs: []string{"new"}})["new"])
	_, err = s.Update(t.Context(), func(tx layers.Tx) error { return tx.Insert(t.Context(), "a", feature("old", 1, 1, "x", 1)) })
	require.ErrorIs(t, err, layers.ErrInvalid, "a feature of the old schema")
}

func testUpdateLayerRefused(t *testing.T, s layers.Store) {
	want := create(t, s, mixed("a"))
	before := headOf(t, s)
	for name, spoil := range map[string]func(*layers.Layer){
		"property removed": func(l *layers.Layer) { l.Schema = l.Schema[:1] },
		"property renamed": func(l *layers.Layer) { l.Schema[1].Name = "m" },
		"type changed":     func(l *layers.Layer) { l.Schema[1].Type = layers.Number },
		"order changed":    func(l *layers.Layer) { l.Schema[0], l.Schema[1] = l.Schema[1], l.Schema[0] },
		"added in front": func(l *layers.Layer) {
			l.Schema = append([]layers.Property{{Name: "z", Type: layers.String}}, l.Schema...)
		},
		"geometry type": func(l *layers.Layer) { l.GeometryType = spatial.Point },
		"crs":           func(l *layers.Layer) { l.CRS = 4490 },
	} {
		l := mixed("a")
		spoil(&l)
		require.ErrorIs(t, s.UpdateLayer(t.Context(), l), layers.ErrInvalid, name)
	}
	got, err := s.Layer(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, before, headOf(t, s))
}

func testDropLayer(t *testing.T, s layers.Store) {
	create(t, s, mixed("a"))
	create(t, s, mixed("b"))
	insert(t, s, "b", grid(2)...)
	rev := insert(t, s, "a", grid(5)...)
	require.NoError(t, s.DropLayer(t.Context(), "a"))
	_, err := s.Layer(t.Context(), "a")
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.ErrorIs(t, s.DropLayer(t.Context(), "a"), layers.ErrNotFound)
	log := records(t, s, rev)
	require.NotEmpty(t, log)
	last := log[len(log)-1]
	require.Equal(t, layers.LayerDropped, last.Op)
	require.Equal(t, layers.ID("a"), last.Layer)
	require.Len(t, scan(t, s, "b", layers.Query{}), 2)

	// A layer of the same name is a new one.
	l := mixed("a")
	l.GeometryType = spatial.Polygon
	create(t, s, l)
	require.Empty(t, scan(t, s, "a", layers.Query{}))
	f := feature("f1", 0, 0, "new", 1)
	f.Geometry = spatial.NewPolygon([]float64{0, 0, 1, 0, 1, 1, 0, 0})
	insert(t, s, "a", f)
	got := scan(t, s, "a", layers.Query{})
	require.Len(t, got, 1)
	require.Greater(t, got["f1"].Revision, last.Revision)
}

func testPropertyNames(t *testing.T, s layers.Store) {
	names := []string{"fid", "geom", "id", "ID", "Id", "FID", "Geom", "name", "Name", "NAME", "rowid", "oid", "_rowid_", "ctid", "xmin", "revision",
		"ogc_fid", "gid", "order", "select", "名称", "名稱", `we"ird`, "it's", "a.b", "%", "?", "$1", "@x", ":y", "a b", " ", "😀", "\u00e9", "e\u0301", `\`, "[x]", "`",
		strings.Repeat("长", 85), strings.Repeat("长", 84) + "xyz", "description", "layer", "seq", "NULL", "1", "-"}
	l := mixed("a")
	l.Schema = nil
	f := &layers.Feature{ID: "one", Geometry: spatial.NewPoint(1, 2)}
	for i, n := range names {
		l.Schema = append(l.Schema, layers.Property{Name: n, Type: layers.Integer})
		f.Properties = append(f.Properties, layers.IntValue(int64(i)))
	}
	create(t, s, l)
	insert(t, s, "a", f)
	equalFeatures(t, f, scan(t, s, "a", layers.Query{})["one"])
	for i, n := range names {
		got := ids(t, s, "a", layers.Query{Filter: layers.Comparison{Property: n, Op: layers.Equal, Value: layers.IntValue(int64(i))}})
		require.Equal(t, []string{"one"}, got, "property %q", n)
	}
	// New properties get columns apart from all there are.
	l.Schema = append(l.Schema, layers.Property{Name: "id_2", Type: layers.String}, layers.Property{Name: "nAme", Type: layers.String})
	require.NoError(t, s.UpdateLayer(t.Context(), l))
	f.Properties = append(f.Properties, layers.StringValue("α"), layers.StringValue("β"))
	change(t, s, func(tx layers.Tx) error { return tx.Replace(t.Context(), "a", f) })
	equalFeatures(t, f, scan(t, s, "a", layers.Query{})["one"])
}
