package postgis_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/spatial"
)

// others is what a city has in its database before twind comes.
const others = `
CREATE SCHEMA gis;
COMMENT ON SCHEMA gis IS 'the city''s';
CREATE TYPE gis.use AS ENUM ('dwelling', 'shop');
CREATE DOMAIN gis.metres AS numeric(8,2);
CREATE TABLE public.parcels (gid serial PRIMARY KEY, geom geometry(MultiPolygon, 4326), name text, "Area" float4, exact double precision, amount numeric(12,0),
	price numeric, use gis.use, tags text[], data jsonb, token uuid, taxed boolean, sold date, seen timestamptz, noted timestamp, span interval, raw bytea, height gis.metres, small smallint);
INSERT INTO public.parcels (geom, name, "Area", exact, amount, price, use, tags, data, token, taxed, sold, seen, noted, span, raw, height, small)
	SELECT ST_Multi(ST_MakeEnvelope(-74 + i * 0.001, 40.7, -73.9995 + i * 0.001, 40.7005, 4326)), '地块 ' || i, 0.1, 0.1 + i, i, i + 0.25, 'shop', ARRAY['a', 'b"c'], '{"k": [1, null]}',
		('00000000-0000-0000-0000-00000000000' || i)::uuid, i % 2 = 0, '2026-11-21', '2026-11-21 08:00:00.25+08', '2026-11-21 08:00:00', '1 day', 'x', i + 0.5, i FROM generate_series(1, 5) i;
INSERT INTO public.parcels (geom, exact, price, sold, seen) VALUES (NULL, 'NaN', 'Infinity', 'infinity', '-infinity');
COMMENT ON COLUMN public.parcels.name IS '地块名称';
COMMENT ON TABLE public.parcels IS 'The parcels of the cadastre';

CREATE TABLE gis.roads (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry(LineString, 3857), name text);
INSERT INTO gis.roads (geom, name) SELECT ST_Transform(ST_SetSRID(ST_MakeLine(ST_MakePoint(113 + i * 0.01, 28.2), ST_MakePoint(113.005 + i * 0.01, 28.21)), 4326), 3857), 'road ' || i FROM generate_series(0, 9) i;
CREATE TABLE gis.wells (code varchar(20) PRIMARY KEY, geom geometry(PointZ, 26910), depth real);
INSERT INTO gis.wells SELECT 'W/' || i || '%', ST_SetSRID(ST_MakePoint(490000 + i, 5450000, 10.5 + i), 26910), 2.7 FROM generate_series(1, 3) i;
CREATE TABLE gis."地块 ""一" ("编号" uuid PRIMARY KEY DEFAULT gen_random_uuid(), "图形" geometry(Polygon, 4547), "用途 ""A""" text);
INSERT INTO gis."地块 ""一" ("图形", "用途 ""A""") VALUES (ST_MakeEnvelope(400000, 3120000, 400100, 3120100, 4547), '住宅');
CREATE TABLE gis."Upper.Dot" ("ID" int PRIMARY KEY, "Geom" geometry(Point, 4490));
INSERT INTO gis."Upper.Dot" VALUES (7, ST_SetSRID(ST_MakePoint(112.98, 28.2), 4490));
CREATE VIEW gis.large AS SELECT gid, geom, name FROM public.parcels WHERE gid > 3;
CREATE MATERIALIZED VIEW gis.centres AS SELECT gid, ST_Centroid(geom)::geometry(Point, 4326) AS geom FROM public.parcels WHERE geom IS NOT NULL;
CREATE UNIQUE INDEX ON gis.centres (gid);
CREATE TABLE gis.visits (day date NOT NULL, n int NOT NULL, geom geometry(Point, 4326), PRIMARY KEY (day, n)) PARTITION BY RANGE (day);
CREATE TABLE gis.visits_26 PARTITION OF gis.visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO gis.visits SELECT '2026-05-05', i, ST_SetSRID(ST_MakePoint(i, i), 4326) FROM generate_series(1, 4) i;
CREATE TABLE gis.globe (id int PRIMARY KEY, place geography(Point, 4326));
INSERT INTO gis.globe VALUES (1, 'POINT(10 50)');
CREATE TABLE gis.loose (id int PRIMARY KEY, geom geometry);
INSERT INTO gis.loose VALUES (1, 'SRID=3857;POINT(1000000 2000000)'), (2, 'SRID=4326;POINT(1 2)'), (3, 'SRID=4326;CIRCULARSTRING(0 0, 1 1, 2 0)'), (4, 'SRID=4326;TIN(((0 0,1 0,0 1,0 0)))'), (5, 'SRID=26910;POINT(1e9 1e9)');

CREATE TABLE gis.plain (id int PRIMARY KEY, name text);
CREATE TABLE gis.nowhere (id int PRIMARY KEY, geom geometry(Point));
INSERT INTO gis.nowhere VALUES (1, 'POINT(500000 3120000)');
CREATE TABLE gis.keyless (id int, geom geometry(Point, 4326));
INSERT INTO gis.keyless VALUES (1, NULL), (1, NULL), (2, NULL);
CREATE TABLE gis.twins (id int PRIMARY KEY, a geometry(Point, 4326), b geometry(Point, 4326));
`

func published(t testing.TB, entries ...postgis.Published) (dsn string, s *postgis.Store) {
	t.Helper()
	dsn = pgtest.DSN(t)
	execute(t, dsn, others)
	return dsn, open(t, dsn, postgis.Options{Published: entries, PollEvery: 100 * time.Millisecond})
}

func all(t testing.TB, s layers.Store, id layers.ID, q layers.Query) map[string]*layers.Feature {
	t.Helper()
	out := map[string]*layers.Feature{}
	require.NoError(t, s.Scan(ctx, id, q, func(f *layers.Feature) error {
		require.NotContains(t, out, f.ID)
		out[f.ID] = f.Clone()
		return nil
	}))
	return out
}

func TestPublishedColumns(t *testing.T) {
	_, s := published(t, postgis.Published{Table: "public.parcels", Layer: "parcels", Label: "name", Kind: layers.KindBlock, TimeZone: "Asia/Shanghai", MinZoom: 10})
	l, err := s.Layer(ctx, "parcels")
	require.NoError(t, err)
	prop := func(n string, typ layers.ValueType) layers.Property { return layers.Property{Name: n, Type: typ} }
	name := prop("name", layers.String)
	name.Title = layers.Text{ZH: "地块名称"}
	require.Equal(t, layers.Layer{ID: "parcels", Title: layers.Text{EN: "parcels"}, Description: layers.Text{EN: "The parcels of the cadastre"}, Kind: layers.KindBlock,
		GeometryType: spatial.MultiPolygon, CRS: 4326, SourceCRS: 4326, MinZoom: 10, MaxZoom: 16, Label: "name", Key: "gid", ReadOnly: true,
		Schema: []layers.Property{prop("gid", layers.Integer), name, prop("Area", layers.Number), prop("exact", layers.Number), prop("amount", layers.Integer), prop("price", layers.Number),
			prop("use", layers.String), prop("tags", layers.String), prop("data", layers.String), prop("token", layers.String), prop("taxed", layers.Boolean), prop("sold", layers.Date),
			prop("seen", layers.DateTime), prop("noted", layers.DateTime), prop("span", layers.String), prop("height", layers.Number), prop("small", layers.Integer)}}, l)
	got := all(t, s, "parcels", layers.Query{})
	require.Len(t, got, 6)
	f := got["2"]
	require.Equal(t, []layers.Value{layers.IntValue(2), layers.StringValue("地块 2"), layers.FloatValue(0.1), layers.FloatValue(2.1), layers.IntValue(2), layers.FloatValue(2.25), layers.StringValue("shop"),
		layers.StringValue(`["a","b\"c"]`), layers.StringValue(`{"k": [1, null]}`), layers.StringValue("00000000-0000-0000-0000-000000000002"), layers.BoolValue(true),
		layers.TextValue(layers.Date, "2026-11-21"), layers.TextValue(layers.DateTime, "2026-11-21T00:00:00.25Z"), layers.TextValue(layers.DateTime, "2026-11-21T00:00:00Z"),
		layers.StringValue("1 day"), layers.FloatValue(2.5), layers.IntValue(2)}, f.Properties)
	require.Equal(t, spatial.MultiPolygon, f.Geometry.Type)
	require.Positive(t, f.Revision)
	nothing := got["6"]
	require.True(t, nothing.Geometry.IsNull())
	for i, v := range nothing.Properties[1:] {
		require.True(t, v.IsNull(), "property %d: NaN, infinities and null have no value", i+1)
	}
	// What is null to the reader is null to a filter.
	require.Equal(t, []string{"6"}, ids(t, s, "parcels", layers.Query{Filter: layers.And{layers.IsNull{Property: "sold"}, layers.IsNull{Property: "exact"}, layers.IsNull{Property: "seen"}}}))
	require.Equal(t, []string{"2", "4"}, ids(t, s, "parcels", layers.Query{Filter: layers.Comparison{Property: "taxed", Value: layers.BoolValue(true)}}))
	require.Equal(t, []string{"1", "2"}, ids(t, s, "parcels", layers.Query{Filter: layers.Comparison{Property: "exact", Op: layers.Less, Value: layers.FloatValue(3)}}))
	require.Equal(t, []string{"3"}, ids(t, s, "parcels", layers.Query{Filter: layers.Comparison{Property: "name", Value: layers.StringValue("地块 3")}}))
	require.Equal(t, []string{"2", "6"}, ids(t, s, "parcels", layers.Query{Envelope: &spatial.Envelope{MinX: -73.9979, MinY: 40, MaxX: -73.9976, MaxY: 41}}))
	require.Equal(t, []string{"1"}, ids(t, s, "parcels", layers.Query{IDs: []string{"1", "01", "x", "99999999999999999999"}}))
	st, err := s.Stats(ctx, "parcels")
	require.NoError(t, err)
	require.Equal(t, int64(6), st.Count)
	require.InDelta(t, -73.999, st.Extent.MinX, 1e-9)
	require.Empty(t, faults(t, s))
}

func TestPublishedSystemsAndNames(t *testing.T) {
	dsn, s := published(t,
		postgis.Published{Table: "gis.roads"},
		postgis.Published{Table: "GIS.Wells", Layer: "wells"}, // as SQL reads it
		postgis.Published{Table: `gis."地块 ""一"`, Layer: "land", Properties: []string{`用途 "A"`}},
		postgis.Published{Table: `gis."Upper.Dot"`, MaxZoom: 20},
		postgis.Published{Table: "gis.large", Key: "gid"},
		postgis.Published{Table: "gis.centres"},
		postgis.Published{Table: "gis.visits", Key: "n"},
		postgis.Published{Table: "gis.globe"},
		postgis.Published{Table: "gis.nowhere", SRID: 4547},
		postgis.Published{Table: "gis.twins", Geometry: "b"})
	list, err := s.Layers(ctx)
	require.NoError(t, err)
	var names []layers.ID
	for _, l := range list {
		require.True(t, l.ReadOnly)
		names = append(names, l.ID)
	}
	require.Equal(t, []layers.ID{"centres", "globe", "land", "large", "nowhere", "roads", "twins", "upper_dot", "visits", "wells"}, names)

	// Coordinates are those that PostGIS computes.
	roads := all(t, s, "roads", layers.Query{})
	require.Len(t, roads, 10)
	for id, f := range roads {
		want := ask[[]float64](t, dsn, "SELECT array_agg(v ORDER BY p.path, n) FROM gis.roads r, ST_DumpPoints(ST_Transform(r.geom, 4326)) p, unnest(ARRAY[ST_X(p.geom), ST_Y(p.geom)]) WITH ORDINALITY u(v, n) WHERE r.id = $1::text::bigint", id)
		require.Equal(t, want, f.Geometry.XY)
		require.InDelta(t, 28.2, f.Geometry.XY[1], 1e-9)
	}
	require.Equal(t, []string{"3"}, ids(t, s, "roads", layers.Query{Envelope: &spatial.Envelope{MinX: 113.021, MinY: 28, MaxX: 113.0249, MaxY: 29}}))

	// A slash in a key is escaped in the id, and found.
	wells := all(t, s, "wells", layers.Query{})
	require.Contains(t, wells, "W%2F1%25")
	w := all(t, s, "wells", layers.Query{IDs: []string{"W%2F1%25", "W/1%"}})["W%2F1%25"]
	require.NotNil(t, w)
	require.Equal(t, []float64{11.5}, w.Geometry.Z)
	require.Equal(t, layers.StringValue("W/1%"), w.Properties[0])
	require.Equal(t, layers.FloatValue(2.7), w.Properties[1])
	l, err := s.Layer(ctx, "wells")
	require.NoError(t, err)
	require.True(t, l.HasZ)
	require.Equal(t, 26910, l.SourceCRS)
	require.Equal(t, []string{"W%2F2%25"}, ids(t, s, "wells", layers.Query{Envelope: around(all(t, s, "wells", layers.Query{})["W%2F2%25"], 5e-6)}))

	land := all(t, s, "land", layers.Query{})
	require.Len(t, land, 1)
	for id, f := range land {
		require.Len(t, id, 36)
		require.Equal(t, []layers.Value{layers.StringValue("住宅")}, f.Properties)
		require.InDelta(t, 112.98, f.Geometry.XY[0], 0.01)
		require.Equal(t, []string{id}, ids(t, s, "land", layers.Query{IDs: []string{id, "nobody"}, Filter: layers.Like{Property: `用途 "A"`, Pattern: "住%"}}))
	}
	l, err = s.Layer(ctx, "upper_dot")
	require.NoError(t, err)
	require.Equal(t, 4490, l.CRS)
	require.Equal(t, []float64{112.98, 28.2}, all(t, s, "upper_dot", layers.Query{})["7"].Geometry.XY)
	require.Equal(t, []string{"4", "5", "6"}, ids(t, s, "large", layers.Query{}))
	require.Equal(t, []string{"1", "2", "3", "4", "5"}, ids(t, s, "centres", layers.Query{}))
	require.Equal(t, []string{"1", "2", "3", "4"}, ids(t, s, "visits", layers.Query{}))
	require.Equal(t, []float64{10, 50}, all(t, s, "globe", layers.Query{})["1"].Geometry.XY)
	require.InDelta(t, 114, all(t, s, "nowhere", layers.Query{})["1"].Geometry.XY[0], 1e-9)
	require.Empty(t, faults(t, s))
}

func around(f *layers.Feature, d float64) *spatial.Envelope {
	e := f.Geometry.Envelope().Buffer(d)
	return &e
}

func TestPublishedRowsThatCannotBe(t *testing.T) {
	var out bytes.Buffer
	dsn := pgtest.DSN(t)
	execute(t, dsn, others+`INSERT INTO gis.wells VALUES (E'a\nb', NULL, 1), ('', NULL, 1), ('far', ST_SetSRID(ST_MakePoint(1e9, 1e9, 0), 26910), 1);`)
	s := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.wells"}, {Table: "gis.loose"}}, Log: slog.New(slog.NewTextHandler(&out, nil))})
	require.Equal(t, []string{"W%2F1%25", "W%2F2%25", "W%2F3%25"}, ids(t, s, "wells", layers.Query{}))
	require.Contains(t, out.String(), "left out")
	require.Contains(t, out.String(), "rows=3")
	loose := all(t, s, "loose", layers.Query{})
	require.Len(t, loose, 3, "a TIN and a point outside of its system are left out")
	require.InDelta(t, 8.98, loose["1"].Geometry.XY[0], 0.01)
	require.Equal(t, []float64{1, 2}, loose["2"].Geometry.XY)
	require.Equal(t, spatial.LineString, loose["3"].Geometry.Type)
	require.Greater(t, len(loose["3"].Geometry.XY), 20, "an arc becomes a line")
	got := strings.Join(faults(t, s), "\n")
	for _, want := range []string{`published table gis.wells, row "far" is left out`, "EPSG:26910", `row "" is left out`, `published table gis.loose, row "4" is left out`, `row "5"`} {
		require.Contains(t, got, want)
	}
	require.Len(t, faults(t, s), 5)
}

func TestPublishedRefused(t *testing.T) {
	dsn := pgtest.DSN(t)
	execute(t, dsn, others)
	for want, c := range map[string]struct {
		kind  error
		entry postgis.Published
	}{
		"no such table or view":            {layers.ErrNotFound, postgis.Published{Table: "gis.nothing"}},
		"has no geometry column":           {layers.ErrInvalid, postgis.Published{Table: "gis.plain"}},
		"give the EPSG code with srid:":    {layers.ErrInvalid, postgis.Published{Table: "gis.nowhere"}},
		"does not know the coordinate":     {layers.ErrInvalid, postgis.Published{Table: "gis.nowhere", SRID: 999}},
		"geometries are in EPSG:3857":      {layers.ErrInvalid, postgis.Published{Table: "gis.roads", SRID: 4326}},
		"has no primary key":               {layers.ErrInvalid, postgis.Published{Table: "gis.keyless"}},
		"some are equal":                   {layers.ErrInvalid, postgis.Published{Table: "gis.keyless", Key: "id"}},
		"has no column":                    {layers.ErrInvalid, postgis.Published{Table: "gis.keyless", Key: "nobody"}},
		"key is of 2 columns (day, n)":     {layers.ErrInvalid, postgis.Published{Table: "gis.visits"}},
		"has 2 geometry columns (a, b)":    {layers.ErrInvalid, postgis.Published{Table: "gis.twins"}},
		"is not a geometry column of it":   {layers.ErrInvalid, postgis.Published{Table: "gis.twins", Geometry: "id"}},
		"properties: it has no column":     {layers.ErrInvalid, postgis.Published{Table: "gis.roads", Properties: []string{"nobody"}}},
		"label: there is no property":      {layers.ErrInvalid, postgis.Published{Table: "gis.roads", Label: "nobody"}},
		"expected schema.table":            {layers.ErrInvalid, postgis.Published{Table: "roads"}},
		"a quotation mark is missing":      {layers.ErrInvalid, postgis.Published{Table: `gis."roads`}},
		"not a pattern":                    {layers.ErrInvalid, postgis.Published{Table: "gis.*", Layer: "x"}},
		"time zone \"Mars\" is unknown":    {layers.ErrInvalid, postgis.Published{Table: "gis.roads", TimeZone: "Mars"}},
		"only tables can have them":        {layers.ErrInvalid, postgis.Published{Table: "gis.large", Key: "gid", Triggers: true}},
		"layer id \"A b\"":                 {layers.ErrInvalid, postgis.Published{Table: "gis.roads", Layer: "A b"}},
		"expected 0 ≤ min ≤ max ≤ 24":      {layers.ErrInvalid, postgis.Published{Table: "gis.roads", MinZoom: 20, MaxZoom: 3}},
		"published table pg_catalog.pg_cl": {layers.ErrNotFound, postgis.Published{Table: "pg_catalog.pg_class"}},
	} {
		_, err := postgis.Open(ctx, dsn, postgis.Options{Published: []postgis.Published{c.entry}})
		require.ErrorIs(t, err, c.kind, want)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := postgis.Open(ctx, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.roads", Layer: "x"}, {Table: "gis.globe", Layer: "x"}}})
	require.ErrorIs(t, err, layers.ErrInvalid)
}

func TestPublishedPattern(t *testing.T) {
	var out bytes.Buffer
	dsn := pgtest.DSN(t)
	execute(t, dsn, others)
	s := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.*"}, {Table: "gis.wells", Layer: "brunnen"}}, Log: slog.New(slog.NewTextHandler(&out, nil))})
	list, err := s.Layers(ctx)
	require.NoError(t, err)
	var names []string
	for _, l := range list {
		names = append(names, string(l.ID))
	}
	require.Equal(t, "brunnen centres globe loose roads table-"+names[5][6:]+" upper_dot", strings.Join(names, " "))
	for _, table := range []string{"gis.plain", "gis.nowhere", "gis.keyless", "gis.twins", "gis.large", "gis.visits"} {
		require.Contains(t, out.String(), `msg="not published" table=`+table)
	}
}

func TestPublishedIsReadOnly(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.roads"})
	require.NoError(t, s.CreateLayer(ctx, houses))
	l, err := s.Layer(ctx, "roads")
	require.NoError(t, err)
	f := all(t, s, "roads", layers.Query{})["1"]
	for name, write := range map[string]func() error{
		"update": func() error { return s.UpdateLayer(ctx, l) },
		"drop":   func() error { return s.DropLayer(ctx, "roads") },
		"load": func() error {
			_, err := s.Load(ctx, "roads", layers.Append, each(f))
			return err
		},
		"insert": func() error {
			_, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "roads", f) })
			return err
		},
		"replace": func() error {
			_, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Replace(ctx, "roads", f) })
			return err
		},
		"delete": func() error {
			_, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Delete(ctx, "roads", "1") })
			return err
		},
	} {
		err := write()
		require.ErrorIs(t, err, layers.ErrReadOnly, name)
		require.ErrorContains(t, err, "gis.roads", name)
	}
	_, err = s.Update(ctx, func(tx layers.Tx) error {
		got, err := tx.Get(ctx, "roads", "1")
		require.NoError(t, err)
		require.Equal(t, f, got)
		_, err = tx.Get(ctx, "roads", "99")
		require.ErrorIs(t, err, layers.ErrNotFound)
		return tx.Insert(ctx, "houses", house("a", 1))
	})
	require.NoError(t, err)
	other := houses
	other.ID = "roads"
	require.ErrorIs(t, s.CreateLayer(ctx, other), layers.ErrExists)
	_, err = postgis.Open(ctx, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.roads", Layer: "houses"}}})
	require.ErrorIs(t, err, layers.ErrExists)
	require.Equal(t, 10, ask[int](t, dsn, "SELECT count(*) FROM gis.roads"))
}

// waitFor reads the log until what is looked for is in it, and returns how long that took.
func waitFor(t testing.TB, s layers.Store, after layers.Revision, what func(layers.Record) bool) (layers.Revision, time.Duration) {
	t.Helper()
	start := time.Now()
	watch, err := s.Watch(t.Context())
	require.NoError(t, err)
	deadline := time.After(30 * time.Second)
	for {
		for _, r := range records(t, s, after) {
			if what(r) {
				return r.Revision, time.Since(start)
			}
		}
		select {
		case <-watch:
		case <-deadline:
			require.Fail(t, "the change was not noticed")
		}
	}
}

func reloaded(id layers.ID) func(layers.Record) bool {
	return func(r layers.Record) bool { return r.Layer == id && r.Op == layers.Reloaded }
}

func TestPublishedChangesAreNoticed(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "public.parcels"}, postgis.Published{Table: "gis.large", Key: "gid"}, postgis.Published{Table: "gis.centres"}, postgis.Published{Table: "gis.visits", Key: "n"},
		postgis.Published{Table: "gis.roads", Reload: 300 * time.Millisecond})
	head, err := s.Head(ctx)
	require.NoError(t, err)
	// Edits of a table show in the layers of its views too; each client's first
	// edit is in the counters at once.
	execute(t, dsn, "UPDATE public.parcels SET name = 'sold' WHERE gid = 5")
	rev, took := waitFor(t, s, head, reloaded("parcels"))
	t.Log("an edit was noticed after", took)
	require.Greater(t, rev, head)
	require.Equal(t, rev, all(t, s, "parcels", layers.Query{})["5"].Revision)
	require.Equal(t, layers.StringValue("sold"), all(t, s, "parcels", layers.Query{})["5"].Properties[1])
	waitFor(t, s, head, reloaded("large"))
	for _, r := range records(t, s, head) {
		require.NotEqual(t, layers.ID("centres"), r.Layer, "it changes when it is refreshed")
	}
	execute(t, dsn, "REFRESH MATERIALIZED VIEW gis.centres")
	waitFor(t, s, head, reloaded("centres"))
	execute(t, dsn, "DELETE FROM gis.visits WHERE n = 1")
	waitFor(t, s, head, reloaded("visits"))
	require.Equal(t, []string{"2", "3", "4"}, ids(t, s, "visits", layers.Query{}))
	head, err = s.Head(ctx)
	require.NoError(t, err)
	execute(t, dsn, "TRUNCATE public.parcels RESTART IDENTITY")
	waitFor(t, s, head, reloaded("parcels"))
	require.Empty(t, ids(t, s, "parcels", layers.Query{}))
	waitFor(t, s, head, reloaded("roads")) // by the clock
	for _, r := range records(t, s, 0) {
		require.Empty(t, r.Feature)
	}
}

// TestPublishedChangesOfARestlessClient commits many times a second, so that the
// server holds back the counters of the last commits: twelve seconds is what the
// documentation allows.
func TestPublishedChangesOfARestlessClient(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.globe"})
	head, err := s.Head(ctx)
	require.NoError(t, err)
	conn := connect(t, dsn)
	for i := range 20 {
		_, err := conn.Exec(ctx, "INSERT INTO gis.globe VALUES ($1, 'POINT(1 1)')", 100+i)
		require.NoError(t, err)
	}
	start := time.Now()
	for { // until the log holds a Reloaded after the last commit
		rev, _ := waitFor(t, s, head, reloaded("globe"))
		if len(ids(t, s, "globe", layers.Query{})) == 21 && time.Since(start) > 2*time.Second {
			break
		}
		head = rev
	}
	require.Less(t, time.Since(start), 20*time.Second)
	t.Log("the last of many edits was noticed after", time.Since(start))
}

func TestPublishedTriggers(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.wells", Triggers: true}, postgis.Published{Table: `gis."地块 ""一"`, Layer: "land", Triggers: true}, postgis.Published{Table: "gis.visits", Key: "n", Triggers: true})
	head, err := s.Head(ctx)
	require.NoError(t, err)
	old := all(t, s, "wells", layers.Query{})
	execute(t, dsn, `BEGIN; UPDATE gis.wells SET depth = 9 WHERE code = 'W/1%'; DELETE FROM gis.wells WHERE code = 'W/2%'; INSERT INTO gis.wells VALUES ('new/', NULL, 3);
		INSERT INTO gis.wells VALUES ('brief', NULL, 3); DELETE FROM gis.wells WHERE code = 'brief'; COMMIT`)
	_, took := waitFor(t, s, head, func(r layers.Record) bool { return r.Feature == "new%2F" })
	t.Log("an edit was noticed after", took)
	got := records(t, s, head)
	require.Len(t, got, 3)
	ops := map[string]layers.ChangeOp{}
	for i, r := range got {
		require.Equal(t, layers.ID("wells"), r.Layer)
		require.Equal(t, got[0].Revision+layers.Revision(i), r.Revision, "of one transaction")
		ops[r.Feature] = r.Op
	}
	require.Equal(t, map[string]layers.ChangeOp{"W%2F1%25": layers.Updated, "W%2F2%25": layers.Deleted, "new%2F": layers.Inserted}, ops)
	now := all(t, s, "wells", layers.Query{})
	require.Equal(t, old["W%2F3%25"].Revision, now["W%2F3%25"].Revision, "what was not edited keeps its revision")
	for _, r := range got {
		if r.Op != layers.Deleted {
			require.Equal(t, r.Revision, now[r.Feature].Revision)
		}
	}
	head, err = s.Head(ctx)
	require.NoError(t, err)
	execute(t, dsn, `INSERT INTO gis."地块 ""一" ("编号") VALUES ('00000000-0000-0000-0000-000000000001'); INSERT INTO gis.visits VALUES ('2026-06-06', 77, NULL); TRUNCATE gis.wells`)
	require.Equal(t, []layers.Record{{Revision: head + 1, Layer: "land", Feature: "00000000-0000-0000-0000-000000000001", Op: layers.Inserted}, {Revision: head + 2, Layer: "visits", Feature: "77", Op: layers.Inserted},
		{Revision: head + 3, Layer: "wells", Op: layers.Reloaded}}, ranked(t, records(t, s, head), head))

	// Opened again, nothing is anew; without triggers in the configuration they go.
	head, err = s.Head(ctx)
	require.NoError(t, err)
	count := func() int {
		return ask[int](t, dsn, "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'gis.wells'::regclass AND NOT tgisinternal")
	}
	require.Equal(t, 4, count())
	second := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.wells", Triggers: true}}})
	require.Empty(t, records(t, second, head))
	third := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.wells"}}})
	require.Equal(t, []layers.Record{{Revision: head + 1, Layer: "wells", Op: layers.LayerUpdated}, {Revision: head + 2, Layer: "wells", Op: layers.Reloaded}}, ranked(t, records(t, third, head), head))
	require.Zero(t, count())
}

// TestPublishedRevisionsArePersistent closes the store, edits, and opens it again.
func TestPublishedRevisionsArePersistent(t *testing.T) {
	dsn := pgtest.DSN(t)
	execute(t, dsn, others)
	entries := []postgis.Published{{Table: "gis.roads"}, {Table: "gis.globe"}}
	again := func() *postgis.Store {
		s, err := postgis.Open(ctx, dsn, postgis.Options{Published: entries})
		require.NoError(t, err)
		return s
	}
	s := again()
	identity := s.Identity()
	head, err := s.Head(ctx)
	require.NoError(t, err)
	require.Len(t, records(t, s, 0), 4, "each layer was created and is to be read")
	require.NoError(t, s.Close())
	time.Sleep(1100 * time.Millisecond) // the sessions' last counters
	s = again()
	require.Equal(t, identity, s.Identity())
	now, err := s.Head(ctx)
	require.NoError(t, err)
	require.Equal(t, head, now, "nothing has changed meanwhile")
	require.NoError(t, s.Close())
	execute(t, dsn, "INSERT INTO gis.globe VALUES (2, 'POINT(2 2)')")
	s = again()
	waitFor(t, s, head, reloaded("globe"))
	for _, r := range records(t, s, head) {
		require.Equal(t, layers.ID("globe"), r.Layer)
	}
	require.NoError(t, s.Close())
}

// TestPublishedSharedByTwo runs two stores on one database: one of them logs a change.
func TestPublishedSharedByTwo(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.globe"})
	second := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.globe"}}, PollEvery: 100 * time.Millisecond})
	head, err := s.Head(ctx)
	require.NoError(t, err)
	execute(t, dsn, "INSERT INTO gis.globe VALUES (2, 'POINT(2 2)')")
	rev, _ := waitFor(t, second, head, reloaded("globe"))
	time.Sleep(500 * time.Millisecond)
	require.Equal(t, []layers.Record{{Revision: rev, Layer: "globe", Op: layers.Reloaded}}, timeless(records(t, s, head)))
}

// TestPublishedByAnother has one process publish a table that the other does not:
// the other's log is silent about it.
func TestPublishedByAnother(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.globe"}, postgis.Published{Table: "gis.wells", Triggers: true})
	other := open(t, dsn, postgis.Options{})
	require.NoError(t, other.CreateLayer(ctx, houses))
	head, err := other.Head(ctx)
	require.NoError(t, err)
	execute(t, dsn, "INSERT INTO gis.globe VALUES (2, 'POINT(2 2)'); DELETE FROM gis.wells")
	waitFor(t, s, head, reloaded("globe"))
	_, err = other.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "houses", house("a", 1)) })
	require.NoError(t, err)
	for _, r := range records(t, other, 0) {
		require.Equal(t, layers.ID("houses"), r.Layer)
	}
	require.Len(t, records(t, other, 0), 2)
	require.Len(t, records(t, s, 0), 4+2+1+3)
}

func TestPublishedReadOnlyUser(t *testing.T) {
	dsn := pgtest.DSN(t)
	execute(t, dsn, others)
	name := ask[string](t, dsn, "SELECT current_database()")
	role := "reader_" + name
	execute(t, dsn, fmt.Sprintf(`REVOKE CREATE ON DATABASE %[1]s FROM PUBLIC; CREATE ROLE %[2]s LOGIN PASSWORD 'geheim'; GRANT USAGE ON SCHEMA gis TO %[2]s; GRANT SELECT ON gis.roads, gis.wells, gis.visits, gis.visits_26 TO %[2]s;`, name, role))
	t.Cleanup(func() { execute(t, dsn, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.UserPassword(role, "geheim")
	reader := u.String()
	_, err = postgis.Open(ctx, reader, postgis.Options{})
	require.ErrorIs(t, err, layers.ErrReadOnly)
	require.ErrorContains(t, err, "GRANT CREATE ON DATABASE")
	require.NotContains(t, err.Error(), "geheim")
	_, err = postgis.Open(ctx, reader, postgis.Options{Published: []postgis.Published{{Table: "gis.globe"}}})
	require.ErrorIs(t, err, layers.ErrReadOnly)
	require.ErrorContains(t, err, "GRANT SELECT")
	_, err = postgis.Open(ctx, reader, postgis.Options{Published: []postgis.Published{{Table: "gis.roads", Triggers: true}}})
	require.ErrorIs(t, err, layers.ErrReadOnly)

	entries := []postgis.Published{{Table: "gis.roads"}, {Table: "gis.wells"}, {Table: "gis.visits", Key: "n"}}
	s := open(t, reader, postgis.Options{Published: entries, PollEvery: 100 * time.Millisecond})
	list, err := s.Layers(ctx)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Len(t, all(t, s, "wells", layers.Query{}), 3)
	require.Equal(t, []layers.Record{{Revision: 1, Layer: "roads", Op: layers.LayerCreated}, {Revision: 2, Layer: "visits", Op: layers.LayerCreated}, {Revision: 3, Layer: "wells", Op: layers.LayerCreated}}, timeless(records(t, s, 0)))
	require.Equal(t, layers.Revision(1), all(t, s, "roads", layers.Query{})["1"].Revision)
	require.ErrorIs(t, s.CreateLayer(ctx, houses), layers.ErrReadOnly)
	require.ErrorIs(t, s.DropLayer(ctx, "roads"), layers.ErrReadOnly)
	_, err = s.Update(ctx, func(layers.Tx) error { return nil })
	require.ErrorIs(t, err, layers.ErrReadOnly)
	_, err = s.Load(ctx, "houses", layers.Append, each())
	require.ErrorIs(t, err, layers.ErrReadOnly)
	_, err = s.Layer(ctx, "houses")
	require.ErrorIs(t, err, layers.ErrNotFound)
	require.ErrorIs(t, s.Changes(ctx, 99, func(layers.Record) error { return nil }), layers.ErrNotFound)
	require.Empty(t, faults(t, s))

	execute(t, dsn, "DELETE FROM gis.roads WHERE id = 1")
	rev, _ := waitFor(t, s, 3, reloaded("roads"))
	require.Equal(t, layers.Revision(4), rev)
	require.Equal(t, rev, all(t, s, "roads", layers.Query{})["2"].Revision)

	// A snapshot on disk is good for another process only if nothing has changed.
	time.Sleep(1100 * time.Millisecond)
	second := open(t, reader, postgis.Options{Published: entries})
	require.NotEqual(t, s.Identity(), second.Identity())
	require.Equal(t, second.Identity(), open(t, reader, postgis.Options{Published: entries}).Identity())
}

// TestPublishedTableChanges alters tables under a running store.
func TestPublishedTableChanges(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.roads"}, postgis.Published{Table: "gis.globe"}, postgis.Published{Table: "gis.wells"})
	require.Len(t, all(t, s, "roads", layers.Query{}), 10)
	execute(t, dsn, "ALTER TABLE gis.roads DROP COLUMN name; DROP TABLE gis.globe; ALTER TABLE gis.wells ADD COLUMN more text")
	err := s.Scan(ctx, "roads", layers.Query{}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "gis.roads")
	require.ErrorContains(t, err, "restart twind")
	err = s.Scan(ctx, "globe", layers.Query{}, func(*layers.Feature) error { return nil })
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.Len(t, all(t, s, "wells", layers.Query{}), 3)
	got := strings.Join(faults(t, s), "\n")
	require.Contains(t, got, "gis.roads has other columns")
	require.Contains(t, got, "gis.globe is gone")
	require.Contains(t, got, "gis.wells has other columns")
}

// TestPublishedScansTogether reads published layers while they change.
func TestPublishedScansTogether(t *testing.T) {
	dsn, s := published(t, postgis.Published{Table: "gis.roads"}, postgis.Published{Table: "gis.wells", Triggers: true})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, id := range []layers.ID{"roads", "wells"} {
					n := 0
					if err := s.Scan(ctx, id, layers.Query{}, func(f *layers.Feature) error {
						if n++; math.IsNaN(f.Geometry.XY[0]) {
							return layers.ErrCorrupt
						}
						return nil
					}); err != nil || n == 0 {
						t.Errorf("scan: %d features, %v", n, err)
						return
					}
				}
			}
		})
	}
	conn := connect(t, dsn)
	for i := range 10 {
		_, err := conn.Exec(ctx, "UPDATE gis.wells SET depth = $1", i)
		require.NoError(t, err)
		_, err = conn.Exec(ctx, "UPDATE gis.roads SET name = $1", fmt.Sprint(i))
		require.NoError(t, err)
	}
	close(stop)
	wg.Wait()
}
