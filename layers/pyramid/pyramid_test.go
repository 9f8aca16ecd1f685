package pyramid

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// districts are the cells of a grid, n across, whose inner borders wander; side is
// the width of one in world units.
func districts(r *rand.Rand, n int, side float64) (list []*layers.Feature) {
	const steps = 30
	border := map[[4]int][][2]float64{} // by its ends on the grid
	arc := func(x0, y0, x1, y1 int) (out [][2]float64) {
		back := x1 < x0 || y1 < y0
		if back {
			x0, y0, x1, y1 = x1, y1, x0, y0
		}
		k := [4]int{x0, y0, x1, y1}
		if border[k] == nil {
			inner := x0 != x1 && y0 > 0 && y0 < n || y0 != y1 && x0 > 0 && x0 < n
			off := 0.0
			for i := range steps {
				t := float64(i) / steps
				x, y := (float64(x0)+t*float64(x1-x0))*side, (float64(y0)+t*float64(y1-y0))*side
				if inner && i > 0 {
					off += (r.Float64() - .5) * side / 30
					if x0 == x1 {
						x += off
					} else {
						y += off
					}
				}
				border[k] = append(border[k], [2]float64{x, y})
			}
			border[k] = append(border[k], [2]float64{float64(x1) * side, float64(y1) * side})
		}
		out = append(out, border[k]...)
		if back {
			for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
				out[i], out[j] = out[j], out[i]
			}
		}
		return out[:len(out)-1]
	}
	for y := range n {
		for x := range n {
			var xy []float64
			for _, e := range [4][4]int{{x, y, x + 1, y}, {x + 1, y, x + 1, y + 1}, {x + 1, y + 1, x, y + 1}, {x, y + 1, x, y}} {
				for _, p := range arc(e[0], e[1], e[2], e[3]) {
					xy = append(xy, p[0], p[1])
				}
			}
			list = append(list, feature(len(list)+1, polygon1(xy...), fmt.Sprint("district ", len(list)), "district"))
		}
	}
	return list
}

// Districts without gaps stay so at every zoom, across the borders of cells too:
// each edge inside belongs to two of them, and their areas fill the whole.
func TestSharedEdges(t *testing.T) {
	const n, side = 9, 300_000
	l := testLayer(layers.KindCell)
	p, cells := make1(t, newStill(t, l, districts(rand.New(rand.NewPCG(1, 1)), n, side)))
	last := math.MaxInt
	for z := p.spec.max; z >= p.spec.min; z-- {
		edges := map[[4]uint32]int{}
		area, vertices := 0.0, 0
		box := snapshot.EmptyBox
		list := p.all(t, cells, z)
		for _, c := range list {
			s := &c.Segment
			vertices += len(s.World) / 2
			grow(&box, c.Content)
			for f := range s.N {
				require.Equal(t, RoleFeature, c.Role[f], "z%d", z)
				area += drawn(c, f)
				for path := s.FeaturePath[f]; path < s.FeaturePath[f+1]; path++ {
					for v := s.PathVertex[path]; v+1 < s.PathVertex[path+1]; v++ {
						a, b := [2]uint32{s.World[2*v], s.World[2*v+1]}, [2]uint32{s.World[2*v+2], s.World[2*v+3]}
						if b[0] < a[0] || b[0] == a[0] && b[1] < a[1] {
							a, b = b, a
						}
						edges[[4]uint32{a[0], a[1], b[0], b[1]}]++
					}
				}
			}
		}
		for e, n := range edges {
			outside := e[0] == e[2] && (e[0] == box.MinX || e[0] == box.MaxX) || e[1] == e[3] && (e[1] == box.MinY || e[1] == box.MaxY)
			if outside {
				require.Equal(t, 1, n, "z%d", z)
			} else {
				require.Equal(t, 2, n, "z%d: edge %v", z, e)
			}
		}
		require.InEpsilon(t, float64(box.MaxX-box.MinX)*float64(box.MaxY-box.MinY), area, 1e-9, "z%d", z)
		require.LessOrEqual(t, vertices, last)
		last = vertices
	}
	require.Less(t, last, 3000, "simplified")
	require.Greater(t, len(p.level(p.spec.max).refs), 4, "the fixture lies in several cells")
}

// Merged polygons keep the area of what they stand for: their sum exactly, what is
// drawn within 3 % of the layer's.
func TestAreaIsKept(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var list []*layers.Feature
	want := 0.0
	for i := range 4000 {
		w, h := 1000+4000*r.Float64(), 1000+2000*r.Float64()
		list = append(list, feature(i+1, house(r, 2e6*r.Float64(), 2e6*r.Float64(), w, h), "", "house"))
	}
	v := newStill(t, testLayer(layers.KindBuilding), list)
	in := &input{seg: v.segments[0].Segment}
	for i := range list {
		want += in.area(uint32(i))
	}
	p, cells := make1(t, v)
	merged := 0
	for z := p.spec.max; z >= p.spec.min; z-- {
		var sum, shown float64
		count := uint32(0)
		merged = 0
		for _, c := range p.all(t, cells, z) {
			for f := range c.Segment.N {
				sum += c.Area[f]
				shown += drawn(c, f)
				count += c.Count[f]
				if c.Role[f] == RoleMerged {
					merged++
					require.Empty(t, c.Segment.ID(f))
					require.Greater(t, c.Count[f], uint32(1))
					require.EqualValues(t, c.Count[f], c.Segment.Property(c.column(Merged), f, layers.Integer).Int())
				} else {
					require.NotEmpty(t, c.Segment.ID(f))
				}
			}
		}
		require.EqualValues(t, len(list), count, "z%d", z)
		require.InEpsilon(t, want, sum, 1e-9, "z%d", z)
		require.InEpsilon(t, want, shown, .03, "z%d", z)
	}
	require.Positive(t, merged)
}

// Polygons are merged with those of their class, buildings with all.
func TestMergedByClass(t *testing.T) {
	for kind, want := range map[layers.Kind]int{layers.KindBlock: 2, layers.KindBuilding: 1} {
		r := rand.New(rand.NewPCG(3, 3))
		var list []*layers.Feature
		for i := range 20 {
			list = append(list, feature(i+1, house(r, 100+float64(i), 100, 40, 40), "name", []string{"a", "b"}[i%2]))
		}
		p, cells := make1(t, newStill(t, testLayer(kind), list))
		c := p.all(t, cells, 8)[0]
		require.Equal(t, want, c.Segment.N, kind)
		for f := range c.Segment.N {
			require.EqualValues(t, 20/want, c.Count[f])
			require.Contains(t, []string{"a", "b"}, c.Segment.Property(c.column("class"), f, layers.String).Text())
			if k := c.column("name"); k >= 0 {
				require.True(t, c.Segment.Property(k, f, layers.String).IsNull(), "no name of one of them")
			}
		}
	}
}

// Every point is counted at every zoom, in all and by its class.
func TestClusters(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	var list []*layers.Feature
	want := map[string]int64{}
	const classes = 90 // more than are counted one by one
	for i := range 3000 {
		class := ""
		if i%10 > 0 {
			class = fmt.Sprint("class ", int(classes*r.Float64()*r.Float64()))
		}
		want[class]++
		list = append(list, feature(i+1, pointAt(3e6*r.Float64()*r.Float64(), 3e6*r.Float64()), fmt.Sprint("n", i), class))
	}
	p, cells := make1(t, newStill(t, testLayer(layers.KindPart), list))
	for z := p.spec.max; z >= p.spec.min; z-- {
		got := map[string]int64{}
		total := uint32(0)
		features := 0
		for _, c := range p.all(t, cells, z) {
			for f := range c.Segment.N {
				features++
				total += c.Count[f]
				if c.Role[f] == RoleFeature {
					got[c.Segment.Property(c.column("class"), f, layers.String).Text()]++
					continue
				}
				require.Equal(t, RoleCluster, c.Role[f])
				require.EqualValues(t, c.Count[f], c.Segment.Property(c.column(Count), f, layers.Integer).Int())
				known := int64(0)
				for k, name := range c.Names {
					if class, ok := strings.CutPrefix(name, CountPrefix); ok {
						n := c.Segment.Property(k, f, layers.Integer).Int()
						got[class] += n
						known += n
					}
				}
				got[""] += int64(c.Count[f]) - known
			}
			require.LessOrEqual(t, len(c.Names), 4+maxClasses+1)
		}
		require.EqualValues(t, len(list), total, "z%d", z)
		for class, n := range got {
			if class != otherClasses {
				require.LessOrEqual(t, n, want[class], class)
			}
		}
		require.Equal(t, want[""], got[""], "z%d: those without a class", z)
		if z == p.spec.min {
			require.Less(t, features, 700)
		}
	}
}

// Streets are joined at joints where two of one name meet, and ranked by class.
func TestLines(t *testing.T) {
	var list []*layers.Feature
	add := func(name, class string, xy ...float64) {
		list = append(list, feature(len(list)+1, lineOf(xy...), name, class))
	}
	const k = 20_000
	for i := range 10 { // one street of ten pieces, every other one backwards
		x := float64(i) * k
		if i%2 == 0 {
			add("Long", "motorway", x, 0, x+k, 0)
		} else {
			add("Long", "motorway", x+k, 0, x, 0)
		}
	}
	add("Other", "motorway", 10*k, 0, 11*k, 0) // it goes on, under another name
	add("Fork", "motorway", 0, 5*k, k, 5*k)    // three meet
	add("Fork", "motorway", k, 5*k, 2*k, 5*k)
	add("Fork", "motorway", k, 5*k, k, 6*k)
	for i := range 4 { // a ring road
		c := [][2]float64{{0, 0}, {k, 0}, {k, k}, {0, k}, {0, 0}}
		add("Ring", "motorway", c[i][0], 7*k+c[i][1], c[i+1][0], 7*k+c[i+1][1])
	}
	add("Alley", "residential", 0, 9*k, k, 9*k)
	p, cells := make1(t, newStill(t, testLayer(layers.KindStreet), list))
	for z := p.spec.max; z >= p.spec.min; z-- {
		names := map[string][]uint32{}
		count, dropped := uint32(0), uint32(0)
		for _, c := range p.all(t, cells, z) {
			dropped += c.Dropped
			for f := range c.Segment.N {
				name := c.Segment.Property(c.column("name"), f, layers.String).Text()
				names[name] = append(names[name], c.Count[f])
				count += c.Count[f]
				if c.Count[f] > 1 {
					require.Equal(t, RoleJoined, c.Role[f])
					require.EqualValues(t, c.Count[f], c.Segment.Property(c.column(Joined), f, layers.Integer).Int())
				}
			}
		}
		require.EqualValues(t, len(list), count+dropped, "z%d", z)
		require.Len(t, names["Alley"], map[bool]int{true: 1, false: 0}[z >= 12], "z%d", z)
		if z == p.spec.min { // all in one cell
			require.Equal(t, []uint32{10}, names["Long"])
			require.Equal(t, []uint32{1}, names["Other"])
			require.Equal(t, []uint32{1, 1, 1}, names["Fork"])
			require.Equal(t, []uint32{4}, names["Ring"])
		}
	}
}

// The widest pipes are drawn from afar.
func TestPipesByDiameter(t *testing.T) {
	var list []*layers.Feature
	for i, d := range []int64{100, 300, 500, 700, 1200} {
		f := feature(i+1, lineOf(0, float64(i)*1e5, 1e5, float64(i)*1e5), "", "")
		f.Properties[2] = layers.IntValue(d)
		list = append(list, f)
	}
	l := testLayer(layers.KindPipe)
	p, cells := make1(t, newStill(t, l, list))
	for z, want := range map[uint8]int{8: 1, 9: 2, 10: 3, 11: 4, 12: 5, 13: 5} {
		n := 0
		for _, c := range p.all(t, cells, z) {
			n += c.Segment.N
		}
		require.Equal(t, want, n, "z%d", z)
	}
}

// Whatever comes in, each feature is counted at every zoom and nothing panics.
func TestOddGeometry(t *testing.T) {
	ring := func(xy ...float64) spatial.Geometry { return spatial.NewPolygon(append(xy, xy[0], xy[1])) }
	odd := []spatial.Geometry{
		{}, // none
		spatial.NewPoint(180, 90), spatial.NewPoint(-180, -90),
		spatial.NewLineString([]float64{179.9, 0, 180, 0}), spatial.NewLineString([]float64{-180, -90, 180, 90}),
		spatial.NewLineString([]float64{10, 10, 10, 10}),
		ring(-180, -90, 180, -90, 180, 90, -180, 90), ring(179, 89, 180, 89, 180, 90),
		ring(10, 10, 11, 10, 12, 10), ring(10, 10, 11, 11, 11, 10, 10, 11), // without area; crossing itself
		{Type: spatial.MultiPoint, XY: []float64{1, 1, 2, 2, 3, 3}},
		{Type: spatial.GeometryCollection, Members: []spatial.Geometry{spatial.NewPoint(5, 5), spatial.NewLineString([]float64{5, 5, 6, 6}), ring(5, 5, 6, 5, 6, 6)}},
	}
	for _, kind := range []layers.Kind{layers.KindBuilding, layers.KindStreet, layers.KindFeature} {
		l := testLayer(kind)
		l.MinZoom = 0
		var list []*layers.Feature
		for i, g := range odd {
			list = append(list, feature(i+1, g, "x", "motorway"))
		}
		p, cells := make1(t, newStill(t, l, list))
		for z := p.spec.min; z <= p.spec.max; z++ {
			n := uint32(0)
			for _, c := range p.all(t, cells, z) {
				n += c.Dropped
				for f := range c.Segment.N {
					n += c.Count[f]
				}
			}
			require.EqualValues(t, len(odd)-1, n, "%s z%d", kind, z)
		}
	}
	p, _ := make1(t, newStill(t, testLayer(layers.KindFeature), nil))
	require.Empty(t, p.level(8).refs)
}

// What a cell holds is bounded by counts, whatever lies in it, and everything in it
// stays counted.
func TestCellsAreBounded(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	small := limits{polygons: 60, lines: 50, vertices: 900, squares: 70, clusters: 20}
	bounded := func(kind layers.Kind, list []*layers.Feature, check func(*Cell)) {
		t.Helper()
		l := testLayer(kind)
		l.MinZoom = 10
		l.Generalization = &layers.Generalization{ClusterPixels: 4}
		v := newStill(t, l, list)
		p, cells := make1(t, v, func(s *spec) { s.limits = small })
		for z := p.spec.min; z <= p.spec.max; z++ {
			for _, c := range p.all(t, cells, z) {
				total := c.Dropped
				for _, n := range c.Count {
					total += n
				}
				require.Equal(t, c.Total, total)
				require.LessOrEqual(t, len(c.Segment.World)/2, small.vertices+5*small.squares)
				check(c)
			}
		}
	}
	var houses, streets, points []*layers.Feature
	for i := range 900 {
		houses = append(houses, feature(i+1, house(r, 5e5*r.Float64(), 5e5*r.Float64(), 4000, 4000), "", ""))
		x, y := 5e5*r.Float64(), 5e5*r.Float64()
		streets = append(streets, feature(i+1, lineOf(x, y, x+9000*r.Float64(), y+9000*r.Float64()), fmt.Sprint(i), "motorway"))
		points = append(points, feature(i+1, pointAt(x, y), "", fmt.Sprint(i%7)))
	}
	most := func(n int) func(*Cell) { return func(c *Cell) { require.LessOrEqual(t, c.Segment.N, n) } }
	bounded(layers.KindBuilding, houses, most(small.polygons+small.squares))
	bounded(layers.KindStreet, streets, most(small.lines))
	bounded(layers.KindPart, points, most(small.clusters))
	ring := func(n int) (xy []float64) {
		for i := range n {
			a, d := 2*math.Pi*float64(i)/float64(n), 4e5*(1+.3*r.Float64())
			xy = append(xy, 6e5+d*math.Cos(a), 6e5+d*math.Sin(a))
		}
		return xy
	}
	bounded(layers.KindFeature, []*layers.Feature{feature(1, polygon1(ring(3000)...), "", "")}, most(1))
	bounded(layers.KindStreet, []*layers.Feature{feature(1, lineOf(ring(3000)...), "", "")}, most(1))
}

// Each zoom carries the properties that the layer says.
func TestCarriedProperties(t *testing.T) {
	l := testLayer(layers.KindBlock)
	l.Generalization = &layers.Generalization{Properties: map[string]uint8{"n": 11, "name": 9}, FullZoom: 13}
	f := feature(1, polygon1(0, 0, 1e6, 0, 1e6, 1e6), "name", "class")
	f.Properties[3] = layers.FloatValue(1.5)
	p, cells := make1(t, newStill(t, l, []*layers.Feature{f}))
	require.EqualValues(t, 12, p.spec.max)
	for z, want := range map[uint8][]string{12: {"name", "class", "n"}, 11: {"name", "class", "n"}, 10: {"name", "class"}, 8: {"class"}} {
		require.Equal(t, want, p.all(t, cells, z)[0].Names, "z%d", z)
	}
	_, ok := newSpec(&layers.Layer{MinZoom: 14, MaxZoom: 16})
	require.False(t, ok, "no zoom is generalised")
}

func TestCellCodec(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	list := districts(r, 3, 50_000)
	for i := range 50 {
		list = append(list, feature(1000+i, pointAt(1e5*r.Float64(), 1e5*r.Float64()), "p", fmt.Sprint(i%3)), feature(2000+i, lineOf(0, float64(i), 1e5, 1e5*r.Float64()), "", ""))
	}
	p, cells := make1(t, newStill(t, testLayer(layers.KindFeature), list))
	for _, c := range p.all(t, cells, 12) {
		b := c.Encode(nil)
		got, err := Decode(b)
		require.NoError(t, err)
		require.Equal(t, b, got.Encode(nil))
		require.Equal(t, c.Content, got.Content)
		for range 200 { // damage is found or harmless
			bad := append([]byte(nil), b...)
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			if c, err := Decode(bad[:r.IntN(len(bad)+1)]); err == nil {
				c.Search(tile.WorldBox{MaxX: math.MaxUint32, MaxY: math.MaxUint32}, nil)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	p, cells := make1(f, newStill(f, testLayer(layers.KindFeature), districts(rand.New(rand.NewPCG(7, 7)), 2, 50_000)))
	p.level(12).each(func(r *ref) {
		c, err := cells.get(r)
		require.NoError(f, err)
		f.Add(c.Encode(nil))
	})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(c.Encode(nil))
		require.NoError(t, err)
		require.Equal(t, c.Encode(nil), again.Encode(nil))
		for i := range c.Segment.N {
			c.Segment.ID(i)
			lo, hi := c.Segment.Vertices(i)
			_ = c.Segment.World[2*lo : 2*hi]
		}
	})
}
