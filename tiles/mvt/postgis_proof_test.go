//go:build proof

package mvt

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"twind/internal/demo"
	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/geojson"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/spatial/wkb"
	"twind/testdata/city"
	"twind/tiles"
)

// realLayer reads a layer of the demo city from its file.
func realLayer(t *testing.T, id layers.ID, path string) (*layers.Layer, []*layers.Feature) {
	t.Helper()
	list := demo.Layers()
	i := slices.IndexFunc(list, func(l layers.Layer) bool { return l.ID == id })
	require.GreaterOrEqual(t, i, 0)
	l := &list[i]
	b, err := city.ReadFile(path)
	require.NoError(t, err)
	var features []*layers.Feature
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte(","))
		if !bytes.HasPrefix(line, []byte(`{"type":"Feature",`)) {
			continue
		}
		f, err := geojson.ParseFeature(line, l)
		require.NoError(t, err)
		features = append(features, f)
	}
	require.NotEmpty(t, features)
	return l, features
}

// oracle is a table of the features in PostGIS.
type oracle struct {
	conn  *pgx.Conn
	layer *layers.Layer
}

func newOracle(t *testing.T, conn *pgx.Conn, l *layers.Layer, features []*layers.Feature) *oracle {
	t.Helper()
	ctx := context.Background()
	columns, names := "", []string{"fid", "wkb"}
	for _, p := range l.Schema {
		columns += fmt.Sprintf(", %q %s", p.Name, sqlType(p.Type))
		names = append(names, p.Name)
	}
	exec := func(sql string) {
		_, err := conn.Exec(ctx, sql)
		require.NoError(t, err, sql)
	}
	exec(fmt.Sprintf("DROP TABLE IF EXISTS %q", l.ID))
	exec(fmt.Sprintf("CREATE TABLE %q (fid text, wkb bytea%s)", l.ID, columns))
	rows := make([][]any, len(features))
	for i, f := range features {
		rows[i] = []any{f.ID, wkb.Append(nil, f.Geometry)}
		for _, v := range f.Properties {
			rows[i] = append(rows[i], native(v))
		}
	}
	_, err := conn.CopyFrom(ctx, pgx.Identifier{string(l.ID)}, names, pgx.CopyFromRows(rows))
	require.NoError(t, err)
	exec(fmt.Sprintf("ALTER TABLE %q ADD geom geometry", l.ID))
	exec(fmt.Sprintf("UPDATE %q SET geom = ST_Transform(ST_SetSRID(ST_GeomFromWKB(wkb), 4326), 3857)", l.ID))
	exec(fmt.Sprintf("CREATE INDEX ON %q USING gist (geom)", l.ID))
	exec(fmt.Sprintf("ALTER TABLE %q ADD degrees geometry", l.ID))
	exec(fmt.Sprintf("UPDATE %q SET degrees = ST_SetSRID(ST_GeomFromWKB(wkb), 4326)", l.ID))
	exec(fmt.Sprintf("CREATE INDEX ON %q USING gist (degrees)", l.ID))
	exec(fmt.Sprintf("ANALYZE %q", l.ID))
	return &oracle{conn, l}
}

// sqlType is the type of a property's column.
func sqlType(t layers.ValueType) string {
	switch t {
	case layers.Boolean:
		return "boolean"
	case layers.Integer:
		return "bigint"
	case layers.Number:
		return "double precision"
	}
	return "text"
}

func native(v layers.Value) any {
	switch v.Type() {
	case layers.Null:
		return nil
	case layers.Boolean:
		return v.Bool()
	case layers.Integer:
		return v.Int()
	case layers.Number:
		return v.Float()
	}
	return v.Text()
}

// tile is the same tile by ST_AsMVT.
func (o *oracle) tile(t *testing.T, id tile.ID) *Tile {
	t.Helper()
	columns := ""
	for _, p := range o.layer.Schema {
		columns += fmt.Sprintf(", %q", p.Name)
	}
	column, bounds := "geom", ""
	if id.Grid == tile.Geographic { // a square whose upper half is the world
		column, bounds = "degrees", ", bounds => ST_MakeEnvelope(-180, -270, 180, 90, 4326)"
	}
	sql := fmt.Sprintf(`WITH box AS (SELECT ST_TileEnvelope($1, $2, $3%s) AS tile, ST_TileEnvelope($1, $2, $3%s, margin => %v) AS wide),
		f AS (SELECT fid AS "~id"%s, ST_AsMVTGeom(%s, box.tile, %d, %d, true) AS mvt FROM %q, box WHERE %s && box.wide)
		SELECT ST_AsMVT(f, '%s', %d, 'mvt') FROM f WHERE mvt IS NOT NULL`,
		bounds, bounds, float64(tiles.Buffer)/tiles.GridSize, columns, column, tiles.GridSize, tiles.Buffer, o.layer.ID, column, o.layer.ID, tiles.GridSize)
	var b []byte
	require.NoError(t, o.conn.QueryRow(context.Background(), sql, id.Z, id.X, id.Y).Scan(&b))
	d, err := Decode(b)
	require.NoError(t, err)
	return d
}

// byID is a tile's features by id; both sides' properties without it.
func byID(t *testing.T, d *Tile, key string) map[string]*Feature {
	t.Helper()
	out := map[string]*Feature{}
	for i := range d.Layers {
		for k := range d.Layers[i].Features {
			f := &d.Layers[i].Features[k]
			id := fmt.Sprint(f.ID)
			f.Properties = slices.DeleteFunc(f.Properties, func(p Property) bool {
				if p.Key == key {
					id = p.Value.(string)
				}
				return p.Key == key
			})
			if out[id] != nil { // require.NotContains looks through the whole map
				require.Fail(t, "twice in a tile", id)
			}
			out[id] = f
		}
	}
	return out
}

// plainValues brings values to one type: PostGIS writes integers as sint or uint.
func plainValues(f *Feature) map[string]any {
	m := map[string]any{}
	for _, p := range f.Properties {
		switch v := p.Value.(type) {
		case Sint64:
			m[p.Key] = int64(v)
		case uint64:
			m[p.Key] = int64(v)
		default:
			m[p.Key] = v
		}
	}
	return m
}

// away tells whether a vertex is at least a unit off the clip edges.
func away(p Position) bool {
	return p.X > int64(clipBox.MinX)+1 && p.X < int64(clipBox.MaxX)-1 && p.Y > int64(clipBox.MinY)+1 && p.Y < int64(clipBox.MaxY)-1
}

// place is a position on a tile's grid, not rounded.
type place struct{ x, y float64 }

// shapeOf is the lines of a feature of a tile; points are lines of one position.
func shapeOf(f *Feature) (lines [][]place) {
	for _, part := range f.Parts {
		var l []place
		for _, p := range part {
			if f.Type == Point {
				l = nil
			}
			l = append(l, place{float64(p.X), float64(p.Y)})
			if f.Type == Point {
				lines = append(lines, l)
			}
		}
		if f.Type == Polygon {
			l = append(l, l[0])
		}
		if f.Type != Point {
			lines = append(lines, l)
		}
	}
	return lines
}

// exactShape is the lines of a stored geometry on a tile's grid.
func exactShape(id tile.ID, g *spatial.Geometry) (lines [][]place) {
	unit := float64(int64(1)<<(32-id.Z)) / tiles.GridSize
	at := func(xy []float64) place {
		x, y := tile.WorldFloat(xy[0], xy[1])
		if id.Grid == tile.Geographic {
			x, y = (xy[0]+180)/360*tile.WorldSize, (90-xy[1])/360*tile.WorldSize
		}
		return place{x/unit - float64(id.X)*tiles.GridSize, y/unit - float64(id.Y)*tiles.GridSize}
	}
	if len(g.Ends) == 0 {
		for i := 0; i < len(g.XY); i += 2 {
			lines = append(lines, []place{at(g.XY[i : i+2])})
		}
	}
	for i := range g.Ends {
		xy, _ := g.Path(i)
		var l []place
		for k := 0; k < len(xy); k += 2 {
			l = append(l, at(xy[k:k+2]))
		}
		lines = append(lines, l)
	}
	return lines
}

// distance is from a position to the nearest of the lines.
func distance(lines [][]place, p Position) float64 {
	best := math.Inf(1)
	x, y := float64(p.X), float64(p.Y)
	for _, l := range lines {
		for i := range max(1, len(l)-1) {
			a, b := l[i], l[min(i+1, len(l)-1)]
			if min(a.x, b.x)-best > x || max(a.x, b.x)+best < x || min(a.y, b.y)-best > y || max(a.y, b.y)+best < y {
				continue
			}
			dx, dy := b.x-a.x, b.y-a.y
			s := 0.0
			if n := dx*dx + dy*dy; n > 0 {
				s = max(0, min(1, ((x-a.x)*dx+(y-a.y)*dy)/n))
			}
			best = min(best, math.Hypot(x-a.x-s*dx, y-a.y-s*dy))
		}
	}
	return best
}

// small tells whether a feature is so small, or so near the clip edge, that
// rounding decides whether anything of it is left.
func small(f *Feature) bool {
	minX, minY, maxX, maxY := int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64), int64(math.MinInt64)
	for _, part := range f.Parts {
		for _, p := range part {
			minX, maxX = min(minX, p.X), max(maxX, p.X)
			minY, maxY = min(minY, p.Y), max(maxY, p.Y)
		}
	}
	if maxX <= int64(clipBox.MinX) || minX >= int64(clipBox.MaxX) || maxY <= int64(clipBox.MinY) || minY >= int64(clipBox.MaxY) {
		return true // on the edge alone
	}
	if f.Type != Polygon {
		limit := int64(2)
		if part := f.Parts[0]; part[0] == part[len(part)-1] {
			limit = 4 // ST_AsMVTGeom loses what goes there and back
		}
		return max(maxX-minX, maxY-minY) <= limit
	}
	var area int64 // doubled
	for _, part := range f.Parts {
		area += max(Area2(part), -Area2(part))
	}
	return float64(area) <= 4*max(1, math.Hypot(float64(maxX-minX), float64(maxY-minY)))
}

// Against ST_AsMVT on real data: the same features with the same types and
// attributes, every vertex within a unit of the stored line, and every vertex of
// PostGIS's unrepaired shapes within a unit of ours on each axis. The other way round holds
// but for the spikes that ST_AsMVTGeom's simplification loses. Shapes that
// rounding or clipping made invalid are repaired differently by both: ours are
// held against the stored ones alone.
func TestAgainstPostGIS(t *testing.T) {
	realAgainstPostGIS(t, tile.Mercator, []realTiles{
		// 1,000 tiles from the ungeneralised zooms, buildings and streets below 14
		// as generalize=off gives them.
		{"buildings", "new-york/buildings.geojson", 400, 15, 17},
		{"buildings", "new-york/buildings.geojson", 6, 14, 14},
		{"buildings", "new-york/buildings.geojson", 2, 12, 13},
		{"streets", "new-york/streets.geojson", 240, 14, 16},
		{"streets", "new-york/streets.geojson", 8, 11, 13},
		{"subway", "new-york/subway.geojson", 80, 11, 15},
		{"stations", "new-york/stations.geojson", 70, 10, 15},
		{"precincts", "new-york/precincts.geojson", 60, 9, 15},
		{"storm", "kamloops/storm.geojson", 60, 13, 17},
		{"manholes", "kamloops/manholes.geojson", 40, 12, 17},
		{"sanitary", "kamloops/sanitary.geojson", 40, 13, 17},
	})
}

// realTiles are so many tiles, at zooms from low to high, of a layer of the demo city.
type realTiles struct {
	id    layers.ID
	path  string
	tiles int
	low   uint8
	high  uint8
}

// realAgainstPostGIS compares tiles of a grid of real layers.
func realAgainstPostGIS(t *testing.T, g tile.Grid, sets []realTiles) {
	t.Helper()
	conn := connect(t)
	for _, set := range sets {
		t.Run(fmt.Sprintf("%s/z%d to %d", set.id, set.low, set.high), func(t *testing.T) {
			l, features := realLayer(t, set.id, set.path)
			againstPostGIS(t, conn, l, features, g, set.tiles, set.low, set.high)
		})
	}
}

// connect opens the database.
func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, pgtest.DSN(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	return conn
}

// againstPostGIS compares tiles of a grid around random features, at zooms from
// low to high.
func againstPostGIS(t *testing.T, conn *pgx.Conn, l *layers.Layer, features []*layers.Feature, g tile.Grid, count int, low, high uint8) {
	t.Helper()
	o := newOracle(t, conn, l, features)
	drawn := newDrawer(t, l, slices.Values(features))
	base := drawn.base
	rng := rand.New(rand.NewPCG(42, uint64(count)))
	var total, repaired, missing int
	var off, toOurs, toTheirs worst
	stored := map[string]*layers.Feature{}
	for _, f := range features {
		stored[f.ID] = f
	}
	row := map[string]int{}
	for i := range base.N {
		row[string(base.ID(i))] = i
	}
	for range count {
		f := features[rng.IntN(len(features))]
		x, y := f.Geometry.Envelope().Center()
		id := g.Of(x, y, low+uint8(rng.IntN(int(high-low)+1)))
		repaired += drawn.draw(id).Repaired
		d, err := Decode(slices.Clone(drawn.buf))
		require.NoError(t, err)
		require.Empty(t, d.Faults)
		ours, theirs := byID(t, d, "id"), byID(t, o.tile(t, id), "~id")
		for key, f := range theirs {
			if ours[key] == nil {
				require.True(t, small(f), "tile %v: %s is missing: %v", id, key, f)
				missing++
			}
		}
		for key, f := range ours {
			g := theirs[key]
			if g == nil {
				require.True(t, small(f), "tile %v: %s is not in PostGIS's: %v", id, key, f)
				missing++
				continue
			}
			total++
			require.Equal(t, g.Type, f.Type)
			require.Equal(t, plainValues(g), plainValues(f))
			shape := shapeOf(f)
			off.add(f, exactShape(id, &stored[key].Geometry))
			if sure := isSure(base, row[key], id); !sure || total%16 == 0 {
				if f.Type == Polygon {
					_, err := multiPolygon(f)
					require.NoError(t, err, "tile %v, %s", id, key)
				}
				if !sure && isRepaired(t, l, stored[key], id) {
					continue
				}
			}
			toOurs.add(g, shape)
			toTheirs.add(f, shapeOf(g))
		}
	}
	t.Logf("%d features in %d tiles, %d repaired, %d dots in one of the two; off the stored line %v, PostGIS off ours %v, ours off PostGIS %v", total, count, repaired, missing, off, toOurs, toTheirs)
	require.Greater(t, total, count/2)
	require.LessOrEqual(t, off.most, 1.0)
	require.Zero(t, toOurs.beyond)
	require.LessOrEqual(t, toTheirs.share(), 1e-3)
}

// worst collects distances of vertices.
type worst struct {
	most             float64
	beyond, vertices int // those more than a unit away on both axes, of how many
}

// add measures the vertices of a feature that are off the clip edges.
func (w *worst) add(f *Feature, lines [][]place) {
	for _, part := range f.Parts {
		for _, p := range part {
			if !away(p) {
				continue
			}
			d := distance(lines, p)
			w.vertices++
			w.most = max(w.most, d)
			if d > math.Sqrt2+1e-9 {
				w.beyond++
			}
		}
	}
}

func (w worst) share() float64 { return float64(w.beyond) / float64(max(1, w.vertices)) }

func (w worst) String() string {
	return fmt.Sprintf("%.3f at most (%d of %d vertices beyond a unit)", w.most, w.beyond, w.vertices)
}

// isSure tells whether a feature is neither clipped nor in need of a check.
func isSure(s *snapshot.Segment, i int, id tile.ID) bool {
	f := newFrame(id, 0)
	return f.holds(&s.Box[i]) && f.simple(s.SimpleFrom[i], 0)
}

// isRepaired tells whether a feature was repaired in a tile, by encoding it alone.
func isRepaired(t *testing.T, l *layers.Layer, f *layers.Feature, id tile.ID) bool {
	t.Helper()
	if f.Geometry.Type.Dimension() != 2 {
		return false
	}
	b := snapshot.NewBuilder(l)
	require.NoError(t, b.Add(f))
	_, stats := new(Encoder).AppendTile(nil, id, []tiles.Source{sourceOf(l, b.Edits())})
	return stats.Repaired > 0
}
