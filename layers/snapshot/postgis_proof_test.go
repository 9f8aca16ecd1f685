//go:build proof

package snapshot_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"twind/internal/demo"
	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/geojson"
	"twind/layers/postgis"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/wkb"
	"twind/testdata/city"
)

// cityFiles are the layers that the proof reads, of every geometry type.
var cityFiles = []struct {
	id   layers.ID
	file string
}{
	{"buildings", "new-york/buildings.geojson"},
	{"streets", "new-york/streets.geojson"},
	{"subway", "new-york/subway.geojson"},
	{"stations", "new-york/stations.geojson"},
	{"precincts", "new-york/precincts.geojson"},
	{"storm", "kamloops/storm.geojson"},
	{"manholes", "kamloops/manholes.geojson"},
}

// cityFeatures reads a layer of the demo city.
func cityFeatures(t *testing.T, id layers.ID, file string) (layers.Layer, []*layers.Feature) {
	list := demo.Layers()
	i := slices.IndexFunc(list, func(l layers.Layer) bool { return l.ID == id })
	require.GreaterOrEqual(t, i, 0, id)
	b, err := city.ReadFile(file)
	require.NoError(t, err)
	var fs []*layers.Feature
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte(","))
		if !bytes.HasPrefix(line, []byte(`{"type":"Feature",`)) {
			continue
		}
		f, err := geojson.ParseFeature(line, &list[i])
		require.NoError(t, err)
		fs = append(fs, f)
	}
	require.NotEmpty(t, fs)
	return list[i], fs
}

func sequence(fs []*layers.Feature) iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		for _, f := range fs {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// On 10,000 random questions over real data the snapshot gives the answers of
// PostGIS on the store's own tables: features in a box by their exact envelopes,
// the k nearest and those within a distance, with their distances in metres on the
// spheroid to a micrometre and in their order, and the exact coordinates of every feature.
func TestSnapshotEqualsPostGIS(t *testing.T) {
	ctx := context.Background()
	dsn := pgtest.DSN(t)
	store, err := postgis.Open(ctx, dsn, postgis.Options{})
	require.NoError(t, err)
	defer store.Close()
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(ctx)

	total := 0
	for k, c := range cityFiles {
		l, fs := cityFeatures(t, c.id, c.file)
		require.NoError(t, store.CreateLayer(ctx, l))
		_, err := store.Load(ctx, l.ID, layers.Append, sequence(fs))
		require.NoError(t, err)
		_, err = conn.Exec(ctx, fmt.Sprintf(`CREATE INDEX ON twind.%[1]q USING gist ((geom::geography)); ANALYZE twind.%[1]q`, l.ID))
		require.NoError(t, err)
		p := &proof{t: t, conn: conn, table: fmt.Sprintf("twind.%q", l.ID), features: fs, rng: rand.New(rand.NewPCG(uint64(k), 99))}
		catalog, err := snapshot.Open(ctx, store, snapshot.Options{Dir: t.TempDir()})
		require.NoError(t, err)
		p.view, err = catalog.View(l.ID)
		require.NoError(t, err)
		p.coordinates()
		n := 1500
		if k == 0 {
			n = 1200
		}
		for i := range n {
			switch i % 3 {
			case 0:
				p.box()
			case 1:
				p.nearest()
			default:
				p.within()
			}
		}
		t.Logf("%s: %d features, %d questions, %d answers, %d distances that differ by at most %.1e m; ST_Distance of geographies has %d of them otherwise", l.ID, len(fs), n, p.answers, p.distances, p.worst, p.bent)
		require.Greater(t, p.answers, n)
		total += n
		p.view.Release()
		require.NoError(t, catalog.Close())
	}
	require.GreaterOrEqual(t, total, 10000)
}

// proof asks one layer of both.
type proof struct {
	t         *testing.T
	conn      *pgx.Conn
	table     string
	features  []*layers.Feature
	view      *snapshot.View
	rng       *rand.Rand
	answers   int
	distances int
	bent      int     // distances that ST_Distance gives otherwise
	worst     float64 // difference of distances
}

// coordinates compares the exact geometry of every feature, byte by byte.
func (p *proof) coordinates() {
	rows, err := p.conn.Query(p.t.Context(), "SELECT id, ST_AsBinary(geom, 'NDR') FROM "+p.table)
	require.NoError(p.t, err)
	defer rows.Close()
	n := 0
	var f layers.Feature
	for ; rows.Next(); n++ {
		var id string
		var b []byte
		require.NoError(p.t, rows.Scan(&id, &b))
		ref, ok := p.view.Find(id)
		require.True(p.t, ok, id)
		p.view.Feature(ref, &f)
		if string(b) != string(wkb.Append(nil, f.Geometry)) {
			require.Fail(p.t, "coordinates differ", "feature %s", id)
		}
	}
	require.NoError(p.t, rows.Err())
	require.Equal(p.t, p.view.Len(), n)
}

// place is a position near the data, at scales from a metre to the world.
func (p *proof) place() (lon, lat float64) {
	var xy []float64
	for len(xy) == 0 {
		xy = p.features[p.rng.IntN(len(p.features))].Geometry.XY
	}
	i := p.rng.IntN(len(xy)/2) * 2
	scale := math.Pow(10, -6+p.rng.Float64()*5)
	if p.rng.IntN(50) == 0 {
		scale = 40
	}
	lon, lat = xy[i]+p.rng.NormFloat64()*scale, xy[i+1]+p.rng.NormFloat64()*scale
	if p.rng.IntN(20) == 0 {
		lon, lat = xy[i], xy[i+1] // on a vertex
	}
	return math.Max(-180, math.Min(180, lon)), math.Max(-90, math.Min(90, lat))
}

func (p *proof) box() {
	x, y := p.place()
	w, h := math.Pow(10, -6+p.rng.Float64()*5), math.Pow(10, -6+p.rng.Float64()*5)
	e := spatial.Envelope{MinX: x, MinY: y, MaxX: x + w, MaxY: y + h}
	if p.rng.IntN(5) == 0 { // the borders of a feature, exactly
		if b := p.features[p.rng.IntN(len(p.features))].Geometry.Envelope(); !b.IsEmpty() {
			e = b
		}
	}
	rows, err := p.conn.Query(p.t.Context(), "SELECT id FROM "+p.table+` WHERE geom && ST_MakeEnvelope($1, $2, $3, $4, 4326)
		AND ST_XMin(geom) <= $3 AND ST_XMax(geom) >= $1 AND ST_YMin(geom) <= $4 AND ST_YMax(geom) >= $2`, e.MinX, e.MinY, e.MaxX, e.MaxY)
	require.NoError(p.t, err)
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(p.t, err)
	var got []string
	p.view.Search(e, func(r snapshot.Ref) bool { got = append(got, p.view.ID(r)); return true })
	slices.Sort(want)
	slices.Sort(got)
	require.True(p.t, slices.Equal(want, got), "box %v: PostGIS %d features, the snapshot %d", e, len(want), len(got))
	p.answers += len(got)
}

// near is a feature and its distance by PostGIS.
type near struct {
	ID     string
	Metres float64
}

// slack is how far beyond its ends PostGIS may take an edge to reach, in metres.
// ST_Distance of geographies takes the foot of a perpendicular for a position of
// an edge by comparing cosines of angles (edge_point_in_cone): these differ by
// less than 2e-16, which it tolerates, up to 16 cm beyond the ends of an edge. So
// it is too short, or where it thinks a foot outside too long, by what that makes.
const slack = 0.16

// tie is what distances of PostGIS and of the snapshot may differ by, in metres.
const tie = 1e-6

// ask has PostGIS find everything within so many metres, by distance and id.
// Where ST_Distance of geographies and the snapshot's answer differ, or PostGIS
// finds what the snapshot has not, PostGIS measures again without the error above:
// the nearest position is found by ST_ClosestPoint in the gnomonic projection
// around the origin, in which great circles are straight lines.
func (p *proof) ask(lon, lat, metres float64, got []snapshot.Neighbour) []near {
	rows, err := p.conn.Query(p.t.Context(), `SELECT id, ST_Distance(geom::geography, p) FROM `+p.table+`, (SELECT ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography AS p) q
		WHERE ST_DWithin(geom::geography, p, $3)`, lon, lat, metres+slack)
	require.NoError(p.t, err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[near])
	require.NoError(p.t, err)
	have := map[string]float64{}
	for _, n := range got {
		have[n.ID] = n.Metres
	}
	var again []string
	geography := map[string]float64{}
	for _, n := range list {
		geography[n.ID] = n.Metres
		if m, ok := have[n.ID]; !ok && n.Metres <= metres || ok && math.Abs(m-n.Metres) > tie {
			again = append(again, n.ID)
		}
	}
	if len(again) > 0 {
		p.bent += len(again)
		plane := fmt.Sprintf("+proj=gnom +lat_0=%.17g +lon_0=%.17g +R=6371000 +no_defs", lat, lon)
		rows, err := p.conn.Query(p.t.Context(), `SELECT id, ST_Distance(ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography, ST_SetSRID(ST_Transform(
			ST_ClosestPoint(ST_Transform(geom, $3, $4), ST_MakePoint(0, 0)), $4, $3), 4326)::geography) FROM `+p.table+` WHERE id = ANY($5)`,
			lon, lat, "+proj=longlat +R=6371000 +no_defs", plane, again)
		require.NoError(p.t, err)
		better, err := pgx.CollectRows(rows, pgx.RowToStructByPos[near])
		require.NoError(p.t, err)
		for _, b := range better {
			g := geography[b.ID]
			require.True(p.t, g <= math.Hypot(b.Metres, slack)+tie && g >= math.Sqrt(max(0, b.Metres*b.Metres-slack*slack))-tie, "from %v %v: feature %s at %v m, by geography %v m", lon, lat, b.ID, b.Metres, g)
			i := slices.IndexFunc(list, func(n near) bool { return n.ID == b.ID })
			list[i].Metres = b.Metres
		}
	}
	slices.SortFunc(list, func(a, b near) int {
		if a.Metres != b.Metres {
			if a.Metres < b.Metres {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// same compares answers: the same ids and distances, and the same order but among
// what is equally near.
func (p *proof) same(lon, lat float64, want []near, got []snapshot.Neighbour) {
	require.Equal(p.t, len(want), len(got), "from %v %v", lon, lat)
	byID := map[string]float64{}
	for _, n := range want {
		byID[n.ID] = n.Metres
	}
	for i, n := range got {
		w, ok := byID[n.ID]
		require.True(p.t, ok, "from %v %v: feature %s at %v m is not among PostGIS's", lon, lat, n.ID, n.Metres)
		require.InDelta(p.t, w, n.Metres, tie, "from %v %v: feature %s", lon, lat, n.ID)
		require.InDelta(p.t, want[i].Metres, n.Metres, tie, "from %v %v: place %d", lon, lat, i)
		p.worst = math.Max(p.worst, math.Abs(w-n.Metres))
	}
	p.answers += len(got)
	p.distances += len(got)
}

func (p *proof) nearest() {
	lon, lat := p.place()
	k := 1 + p.rng.IntN(20)
	got := p.view.Nearest(lon, lat, k, 0)
	require.Len(p.t, got, min(k, p.view.Len()))
	last := got[len(got)-1].Metres
	all := p.ask(lon, lat, last+tie, got)
	require.GreaterOrEqual(p.t, len(all), len(got))
	// At the end PostGIS may have several as near as the last.
	want := all[:len(got)]
	if extra := all[len(got):]; len(extra) > 0 && extra[0].Metres-want[len(want)-1].Metres < tie {
		ids := map[string]bool{}
		for _, n := range got {
			ids[n.ID] = true
		}
		all = slices.DeleteFunc(all, func(n near) bool { return !ids[n.ID] })
		want = all[:min(len(all), len(got))]
	}
	p.same(lon, lat, want, got)
}

func (p *proof) within() {
	lon, lat := p.place()
	metres := math.Pow(10, p.rng.Float64()*3.3)
	got := p.view.Within(lon, lat, metres)
	want := p.ask(lon, lat, metres, got)
	// What lies on the circle within a micrometre may count or not.
	want = slices.DeleteFunc(want, func(n near) bool { return n.Metres > metres-tie })
	got = slices.DeleteFunc(got, func(n snapshot.Neighbour) bool { return n.Metres > metres-tie })
	p.same(lon, lat, want, got)
}
