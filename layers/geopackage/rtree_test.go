package geopackage

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// TestRTree builds trees of many sizes and asks SQLite whether they are right.
func TestRTree(t *testing.T) {
	db, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.TempDir(), "r.db"), Create: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 2, 45, 46, 51, 52, 53, 92, 93, 100, 200} {
		var entries []entry
		boxes := map[int64]spatial.Envelope{}
		for i := range n {
			x, y := r.Float64()*360-180, r.Float64()*180-90
			e := spatial.Envelope{MinX: x, MinY: y, MaxX: x + r.Float64(), MaxY: y + r.Float64()}
			if i%10 == 9 {
				e = boxes[int64(i*3)] // many at one place
			}
			boxes[int64(i+1)*3] = e
			entries = append(entries, newEntry(int64(i+1)*3, e))
		}
		require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
			require.NoError(t, c.Script("CREATE VIRTUAL TABLE r USING rtree(id, minx, maxx, miny, maxy)"))
			require.NoError(t, fillRTree(within(c), 7, "r", entries))
			check := func() {
				text, err := c.Text("SELECT rtreecheck('main', 'r')")
				require.NoError(t, err)
				require.Equal(t, "ok", text, "%d entries", n)
			}
			check()
			search := func(q spatial.Envelope) {
				var got []int64
				require.NoError(t, c.Query(func(s *sqlite.Stmt) error { got = append(got, s.ColumnInt64(0)); return nil },
					"SELECT id FROM r WHERE maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ? ORDER BY id", q.MinX, q.MaxX, q.MinY, q.MaxY))
				for id, e := range boxes {
					if e.Intersects(q) {
						require.True(t, slices.Contains(got, id), "%d of %d", id, n)
					}
				}
			}
			for range 20 {
				x, y := r.Float64()*360-180, r.Float64()*180-90
				search(spatial.Envelope{MinX: x, MinY: y, MaxX: x + 40, MaxY: y + 40})
			}
			count, err := c.Int("SELECT count(*) FROM r")
			require.NoError(t, err)
			require.Equal(t, int64(n), count)
			// It goes on as any other: SQLite splits and merges its nodes.
			for i := range 60 {
				require.NoError(t, c.Exec("INSERT OR REPLACE INTO r VALUES (?, ?, ?, ?, ?)", 3*i, float64(i), float64(i+1), float64(i), float64(i+1)))
				require.NoError(t, c.Exec("DELETE FROM r WHERE id = ?", 3*(i*7%200)))
			}
			check()
			return c.Script("DROP TABLE r")
		}))
	}
}

// TestRTreeLevels packs so many that nodes lie four deep, and follows them down.
func TestRTreeLevels(t *testing.T) {
	const n, nodeBytes = 3000, 4 + 8*cellBytes // 8 cells a node
	var entries []entry
	r := rand.New(rand.NewPCG(2, 2))
	for i := range n {
		x, y := r.Float32(), r.Float32()
		entries = append(entries, entry{int64(i + 1), x, x + 0.01, y, y + 0.01})
	}
	nodes, leaf := packNodes(entries, nodeBytes)
	byNumber := map[int64]rtreeNode{}
	for _, node := range nodes {
		require.Len(t, node.data, nodeBytes)
		require.NotContains(t, byNumber, node.number)
		byNumber[node.number] = node
	}
	leaves := map[int64]int64{}
	for i, e := range entries {
		leaves[e.id] = leaf[i]
	}
	f32 := func(b []byte) float32 { return math.Float32frombits(binary.BigEndian.Uint32(b)) }
	found := 0
	var down func(number int64, depth int, minX, maxX, minY, maxY float32)
	down = func(number int64, depth int, minX, maxX, minY, maxY float32) {
		data := byNumber[number].data
		cells := int(binary.BigEndian.Uint16(data[2:]))
		require.LessOrEqual(t, cells, 8)
		require.Positive(t, cells)
		for i := range cells {
			c := data[4+i*cellBytes:]
			id := int64(binary.BigEndian.Uint64(c))
			require.GreaterOrEqual(t, f32(c[8:]), minX)
			require.LessOrEqual(t, f32(c[12:]), maxX)
			require.GreaterOrEqual(t, f32(c[16:]), minY)
			require.LessOrEqual(t, f32(c[20:]), maxY)
			if depth == 0 {
				found++
				require.Equal(t, number, leaves[id])
				continue
			}
			require.Equal(t, number, byNumber[id].parent, fmt.Sprint("node ", id))
			down(id, depth-1, f32(c[8:]), f32(c[12:]), f32(c[16:]), f32(c[20:]))
		}
	}
	depth := int(binary.BigEndian.Uint16(byNumber[rootNode].data))
	require.Equal(t, 4, depth)
	inf := float32(math.Inf(1))
	down(rootNode, depth, -inf, inf, -inf, inf)
	require.Equal(t, n, found)
}

func TestRoundOutward(t *testing.T) {
	for _, v := range []float64{0, 1, 112.98333333333333, -74.0059719, 0.1, -0.1, 180, -180, 5e-324, -5e-324, math.Nextafter(1, 2)} {
		require.LessOrEqual(t, float64(floor32(v)), v)
		require.GreaterOrEqual(t, float64(ceil32(v)), v)
		require.LessOrEqual(t, math.Abs(float64(ceil32(v))-float64(floor32(v))), math.Max(math.Abs(v)*2.4e-7, 3e-45))
	}
}

// TestStatsExact asks for the extent of rows whose boxes were rounded in
// different ways, ours and SQLite's.
func TestStatsExact(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), Options{Create: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.CreateLayer(t.Context(), layers.Layer{ID: "a", GeometryType: spatial.Point, CRS: 4326}))
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 10 {
		// A few points within some steps of 32 bits of one another.
		near := func(v float64) float64 {
			return v + float64(r.IntN(9)-4)*float64(math.Nextafter32(float32(v), 200)-float32(v))/3
		}
		x, y := r.Float64()*300-150, r.Float64()*160-80
		want := spatial.EmptyEnvelope()
		next := func() *layers.Feature {
			f := &layers.Feature{Geometry: spatial.NewPoint(near(x), near(y))}
			want = want.Union(f.Geometry.Envelope())
			return f
		}
		_, err := s.Load(t.Context(), "a", layers.Replace, func(yield func(*layers.Feature, error) bool) {
			for range 5 {
				if !yield(next(), nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		_, err = s.Update(t.Context(), func(tx layers.Tx) error {
			for range 5 {
				if err := tx.Insert(t.Context(), "a", next()); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
		st, err := s.Stats(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, layers.Stats{Count: 10, Extent: want}, st, "round %d", round)
	}
}
