//go:build proof

package mvt

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	orbmvt "github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/spatial/wkb"
	"twind/tiles"
)

// scaleCity is the generated million as bases, as tables of PostGIS and as the
// features that orb encodes.
type scaleCity struct {
	layers []layers.Layer
	views  map[layers.ID]*scaleView
	conn   *pgx.Conn
	pid    int // of the connection's server process
}

// scaleView is a base as the tile service sees a layer.
type scaleView struct {
	layer   *layers.Layer
	segment []snapshot.SegmentView
}

func (v *scaleView) Layer() *layers.Layer { return v.layer }
func (v *scaleView) Extent() spatial.Envelope {
	return spatial.Envelope{MinX: -180, MinY: -85, MaxX: 180, MaxY: 85}
}
func (v *scaleView) Segments() []snapshot.SegmentView           { return v.segment }
func (v *scaleView) Identity() string                           { return "scale" }
func (v *scaleView) TileRevision(tile.WorldBox) layers.Revision { return 1 }
func (v *scaleView) Release()                                   {}

// View makes scaleCity a catalog.
func (c *scaleCity) View(id layers.ID) (*scaleView, error) { return c.views[id], nil }

func newScaleCity(b *testing.B) *scaleCity {
	b.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, pgtest.DSN(b))
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close(ctx) })
	c := &scaleCity{layers: district.ScaleLayers(), views: map[layers.ID]*scaleView{}, conn: conn}
	require.NoError(b, conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&c.pid))
	c.exec(b, "SET jit = off", "SET max_parallel_workers_per_gather = 0", "SET maintenance_work_mem = '512MB'")
	for i := range c.layers {
		l := &c.layers[i]
		builder := snapshot.NewBuilder(l)
		c.load(b, l, func(f *layers.Feature) { require.NoError(b, builder.Add(f)) })
		base, err := builder.Base()
		require.NoError(b, err)
		view, err := snapshot.NewSegmentView(base, true)
		require.NoError(b, err)
		c.views[l.ID] = &scaleView{l, []snapshot.SegmentView{view}}
	}
	runtime.GC()
	return c
}

func (c *scaleCity) exec(b *testing.B, statements ...string) {
	b.Helper()
	for _, sql := range statements {
		_, err := c.conn.Exec(context.Background(), sql)
		require.NoError(b, err, sql)
	}
}

// load fills a layer's table, as stored in degrees, in the order of its index.
func (c *scaleCity) load(b *testing.B, l *layers.Layer, each func(*layers.Feature)) {
	b.Helper()
	columns, names := "", []string{"fid", "wkb"}
	for _, p := range l.Schema {
		columns += fmt.Sprintf(", %q %s", p.Name, sqlType(p.Type))
		names = append(names, p.Name)
	}
	table := string(l.ID)
	c.exec(b, fmt.Sprintf("CREATE UNLOGGED TABLE raw (fid bigint, wkb bytea%s)", columns))
	next, stop := iter.Pull(district.Scale{}.Features(l.ID))
	defer stop()
	_, err := c.conn.CopyFrom(context.Background(), pgx.Identifier{"raw"}, names, pgx.CopyFromFunc(func() ([]any, error) {
		f, ok := next()
		if !ok {
			return nil, nil
		}
		each(f)
		id, err := strconv.ParseInt(f.ID, 10, 64)
		row := []any{id, wkb.Append(nil, f.Geometry)}
		for _, v := range f.Properties {
			row = append(row, native(v))
		}
		return row, err
	}))
	require.NoError(b, err)
	quoted := ""
	for _, p := range l.Schema {
		quoted += fmt.Sprintf(", %q", p.Name)
	}
	c.exec(b,
		fmt.Sprintf("CREATE UNLOGGED TABLE %s AS SELECT fid%s, ST_SetSRID(ST_GeomFromWKB(wkb), 4326) AS geom FROM raw", table, quoted),
		"DROP TABLE raw",
		fmt.Sprintf("CREATE INDEX %s_geom ON %s USING gist (geom)", table, table),
		fmt.Sprintf("CLUSTER %s USING %s_geom", table, table),
		"VACUUM ANALYZE "+table)
}

// tilesOf draws n tiles by lot, those with more features more often; all layers
// together they are small enough to be served whole.
func (c *scaleCity) tilesOf(b *testing.B, z uint8, n int) []tile.ID {
	b.Helper()
	rng := rand.New(rand.NewPCG(7, uint64(z)))
	service := c.service(b)
	s := c.views[district.ScaleBuildings].segment[0]
	var list []tile.ID
	for len(list) < n {
		x, y := s.Envelope(rng.IntN(s.N)).Center()
		id := tile.Of(x, y, z)
		if slices.Contains(list, id) {
			continue
		}
		t, err := service.Tile(b.Context(), tiles.Request{Layers: []layers.ID{district.ScaleBuildings, district.ScaleStreets, district.ScalePoints}, Tile: id})
		require.NoError(b, err)
		if t.Dropped == 0 {
			list = append(list, id)
		}
	}
	return list
}

// sql is one tile's layers by ST_AsMVT, as tile servers ask for them.
func (c *scaleCity) sql(ids []layers.ID) string {
	var parts []string
	for _, id := range ids {
		columns := ""
		for _, p := range c.views[id].layer.Schema {
			columns += fmt.Sprintf(", %q", p.Name)
		}
		parts = append(parts, fmt.Sprintf(`(SELECT ST_AsMVT(f, '%s', %d, 'mvt', 'fid') FROM
			(SELECT fid%s, ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope($1, $2, $3), %d, %d, true) AS mvt
			 FROM %s WHERE geom && ST_Transform(ST_TileEnvelope($1, $2, $3, margin => %v), 4326)) f)`,
			id, tiles.GridSize, columns, tiles.GridSize, tiles.Buffer, id, float64(tiles.Buffer)/tiles.GridSize))
	}
	return "SELECT " + strings.Join(parts, " || ")
}

// postGIS makes a function that has one tile made by ST_AsMVT and sent, as bytes,
// to this process, and that gives its size. After five runs the prepared statement
// has its plan.
func (c *scaleCity) postGIS(ids []layers.ID) func(*testing.B, tile.ID) int {
	sql := c.sql(ids)
	var raw []byte
	return func(b *testing.B, id tile.ID) int {
		require.NoError(b, c.conn.QueryRow(context.Background(), sql, id.Z, id.X, id.Y).Scan(&raw))
		return len(raw)
	}
}

// kept makes a function as postGIS does, but the tile stays in the server.
func (c *scaleCity) kept(ids []layers.ID) func(*testing.B, tile.ID) int {
	sql := "SELECT length(" + strings.TrimPrefix(c.sql(ids), "SELECT ") + ")"
	return func(b *testing.B, id tile.ID) (n int) {
		require.NoError(b, c.conn.QueryRow(context.Background(), sql, id.Z, id.X, id.Y).Scan(&n))
		return n
	}
}

// processTime is the processor time that another process has used.
func processTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	require.NoError(b, err)
	ns, err := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
	require.NoError(b, err)
	return time.Duration(ns)
}

// BenchmarkScale compares, on the same rows and in turns, the processor time that
// a tile takes by ST_AsMVT (the time of the connection's server process alone: the
// query by a prepared plan, and the sending of the uncompressed bytes; indexed,
// clustered, analysed, all in memory; "kept" without the sending), by orb, by this
// package's encoder (search included; no compression; "anew" without the drawings
// that it keeps) and by the tile service in the forms that it serves (its cache
// keeps nothing).
// ×PostGIS and ×orb say how often ours fits into theirs, each by the best of its
// turns, since what else the machine does meanwhile only adds to them.
func BenchmarkScale(b *testing.B) {
	c := newScaleCity(b)
	all := []layers.ID{district.ScaleBuildings, district.ScaleStreets, district.ScalePoints}
	for _, set := range []struct {
		name string
		ids  []layers.ID
	}{{"all", all}, {"buildings", all[:1]}, {"streets", all[1:2]}, {"points", all[2:]}} {
		for _, z := range []struct {
			zoom  uint8
			tiles int
		}{{14, 12}, {16, 48}} {
			b.Run(fmt.Sprintf("%s/z%d", set.name, z.zoom), func(b *testing.B) { c.compare(b, set.ids, c.tilesOf(b, z.zoom, z.tiles)) })
		}
	}
}

// service makes a service that renders every tile.
func (c *scaleCity) service(b *testing.B) *tiles.Service {
	b.Helper()
	s, err := tiles.New(tiles.Options{Views: tiles.From(c), NewEncoder: newDrawings(b, 64<<20).NewEncoder, CacheBytes: 1})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	return s
}

// contender is one way to make tiles.
type contender struct {
	name string
	tile func(*testing.B, tile.ID) int // and its size
	time func(*testing.B) time.Duration
	per  []time.Duration // of a tile, by turn
}

// turns is how often each contender has its turn.
const turns = 9

// compare runs all contenders on one set of layers and of tiles.
func (c *scaleCity) compare(b *testing.B, ids []layers.ID, list []tile.ID) {
	features := c.orb(ids, list)
	s := c.service(b)
	contenders := []*contender{
		{name: "ST_AsMVT", tile: c.postGIS(ids), time: func(b *testing.B) time.Duration { return processTime(b, c.pid) }},
		{name: "kept", tile: c.kept(ids), time: func(b *testing.B) time.Duration { return processTime(b, c.pid) }},
		{name: "orb", tile: func(b *testing.B, id tile.ID) int { return len(orbTile(b, id, features[id])) }, time: cpuTime},
		{name: "encoded", tile: c.encoded(ids, newDrawings(b, 64<<20)), time: cpuTime},
		{name: "encoded anew", tile: c.encoded(ids, nil), time: cpuTime},
	}
	for _, enc := range []string{"identity", "gzip", "zstd"} {
		contenders = append(contenders, &contender{name: enc, time: cpuTime, tile: func(b *testing.B, id tile.ID) int {
			t, err := s.Tile(b.Context(), tiles.Request{Layers: ids, Tile: id, AcceptEncoding: enc})
			if err != nil || (t.Encoding != "") != (enc != "identity") {
				b.Fatal(t.Encoding, err)
			}
			return len(t.Bytes)
		}})
	}
	for turn := range turns + 1 {
		for _, k := range contenders {
			begin, rounds := k.time(b), 0
			for ; rounds == 0 || rounds < 50 && k.time(b)-begin < 60*time.Millisecond; rounds++ {
				for _, id := range list {
					k.tile(b, id)
				}
			}
			if turn > 0 { // the first lets memory grow and plans be made
				k.per = append(k.per, (k.time(b)-begin)/time.Duration(rounds*len(list)))
			}
		}
	}
	for _, k := range contenders {
		b.Run(k.name, func(b *testing.B) {
			bytes, n := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				bytes += k.tile(b, list[n%len(list)])
				n++
			}
			b.ReportMetric(float64(bytes)/float64(n), "bytes/tile")
			b.ReportMetric(float64(slices.Min(k.per).Microseconds()), "cpu-µs/tile")
			b.ReportMetric(ratio(contenders[0], k), "×PostGIS")
			b.ReportMetric(ratio(contenders[2], k), "×orb")
		})
	}
}

// ratio is what theirs takes for each of ours, both at their best.
func ratio(theirs, ours *contender) float64 {
	return float64(slices.Min(theirs.per)) / float64(slices.Min(ours.per))
}

// encoded makes a function that searches and encodes a tile in memory of its own,
// with what it has drawn before where drawings are kept.
func (c *scaleCity) encoded(ids []layers.ID, drawings *Drawings) func(*testing.B, tile.ID) int {
	e := Encoder{drawings: drawings}
	var buf []byte
	var sources []tiles.Source
	for _, id := range ids {
		sources = append(sources, sourceOf(c.views[id].layer, c.views[id].segment[0].Segment))
	}
	return func(_ *testing.B, id tile.ID) int {
		for i := range sources {
			r := &sources[i].Runs[0]
			r.Features = c.views[ids[i]].segment[0].Search(tiles.Box(id), r.Features[:0])
		}
		buf, _ = e.AppendTile(buf[:0], id, sources)
		return len(buf)
	}
}

// orb is the features of each tile as orb has them.
func (c *scaleCity) orb(ids []layers.ID, list []tile.ID) map[tile.ID][]*geojson.FeatureCollection {
	out := map[tile.ID][]*geojson.FeatureCollection{}
	var f layers.Feature
	for _, id := range list {
		for _, layer := range ids {
			v := c.views[layer]
			fc := geojson.NewFeatureCollection()
			for _, i := range v.segment[0].Search(tiles.Box(id), nil) {
				v.segment[0].Feature(int(i), v.layer.Schema, &f)
				g := geojson.NewFeature(orbGeometry(&f.Geometry))
				g.ID = f.ID
				for k, value := range f.Properties {
					if n := native(value); n != nil {
						g.Properties[v.layer.Schema[k].Name] = n
					}
				}
				fc.Append(g)
			}
			out[id] = append(out[id], fc)
		}
	}
	return out
}

func orbGeometry(g *spatial.Geometry) orb.Geometry {
	points := make([]orb.Point, len(g.XY)/2)
	for i := range points {
		points[i] = orb.Point{g.XY[2*i], g.XY[2*i+1]}
	}
	switch g.Type {
	case spatial.Polygon:
		return orb.Polygon{points}
	case spatial.LineString:
		return orb.LineString(points)
	}
	return points[0]
}

func orbTile(b *testing.B, id tile.ID, layersOf []*geojson.FeatureCollection) []byte {
	list := make(orbmvt.Layers, len(layersOf))
	for i, fc := range layersOf {
		list[i] = orbLayer(id, strconv.Itoa(i), fc)
	}
	out, err := orbmvt.Marshal(list)
	if err != nil {
		b.Fatal(err)
	}
	return out
}
