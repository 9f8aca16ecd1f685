package mesh

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/peterstace/simplefeatures/geom"
	"github.com/stretchr/testify/require"

	"twind/spatial"
)

// polygon is a test polygon in the layout of the Triangulator.
type polygon struct {
	name string
	xy   []float64
	ends []int32
}

// torture reads the polygons of testdata.
func torture(tb testing.TB) []polygon {
	tb.Helper()
	f, err := os.Open("testdata/torture.txt.gz")
	require.NoError(tb, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(tb, err)
	var list []polygon
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		name, text, _ := strings.Cut(s.Text(), "\t")
		var rings [][][2]float64
		require.NoError(tb, json.Unmarshal([]byte(text), &rings))
		p := polygon{name: name}
		for _, r := range rings {
			for _, v := range r {
				p.xy = append(p.xy, v[0], v[1])
			}
			p.ends = append(p.ends, int32(len(p.xy)/2))
		}
		list = append(list, p)
	}
	require.NoError(tb, s.Err())
	return list
}

// judge is the area that another library gives, and whether it holds the
// polygon for valid.
func (p *polygon) judge() (area float64, valid bool) {
	var rings []geom.LineString
	from := int32(0)
	for _, to := range p.ends {
		rings = append(rings, geom.NewLineString(geom.NewSequence(p.xy[2*from:2*to], geom.DimXY)))
		from = to
	}
	g := geom.NewPolygon(rings)
	if g.Validate() != nil {
		return 0, false
	}
	return g.Area(), true
}

func TestTriangulatedAreaEqualsThePolygonsOnAllValidRings(t *testing.T) {
	var tri, keep Triangulator
	keep.KeepCollinear = true
	valid := 0
	list := torture(t)
	for i := range list {
		p := &list[i]
		got, deviation := tri.Triangulate(nil, p.xy, p.ends)
		kept, keptDeviation := keep.Triangulate(nil, p.xy, p.ends)
		require.Zero(t, len(got)%3)
		sum := 0.0
		for k := 0; k < len(got); k += 3 {
			a := p.triangleArea(got[k : k+3])
			require.GreaterOrEqual(t, a, 0.0, "%s: clockwise triangle", p.name)
			sum += a
		}
		area, ok := p.judge()
		if !ok || area == 0 {
			continue
		}
		valid++
		rounding := 1e-15 * p.boxArea() // of an area that is summed in doubles
		require.LessOrEqual(t, deviation*area, 1e-12*area+rounding, "%s (line %d)", p.name, i+1)
		require.LessOrEqual(t, keptDeviation*area, 1e-12*area+rounding, "%s (line %d)", p.name, i+1)
		far := 0.0 // from the origin, where the judge sums
		for _, v := range p.xy {
			far = max(far, math.Abs(v))
		}
		require.InDelta(t, area, sum, 1e-12*area+1e-14*far*far+rounding, "%s (line %d)", p.name, i+1)
		p.requireNoTJunctions(t, kept)
	}
	require.Greater(t, valid, 3000)
}

// triangleArea is the signed area, relative to the triangle's first corner.
func (p *polygon) triangleArea(t []uint32) float64 {
	a, b, c := 2*t[0], 2*t[1], 2*t[2]
	return ((p.xy[b]-p.xy[a])*(p.xy[c+1]-p.xy[a+1]) - (p.xy[c]-p.xy[a])*(p.xy[b+1]-p.xy[a+1])) / 2
}

func (p *polygon) boxArea() float64 {
	box := spatial.EmptyEnvelope()
	for i := 0; i < len(p.xy); i += 2 {
		box = box.Add(p.xy[i], p.xy[i+1])
	}
	return (box.MaxX - box.MinX) * (box.MaxY - box.MinY)
}

// requireNoTJunctions checks that what remains of the triangles' edges, when
// opposite ones cancel, is the polygon's own edges.
func (p *polygon) requireNoTJunctions(t *testing.T, triangles []uint32) {
	t.Helper()
	type position [2]float64
	type edge [2]position
	at := func(i uint32) position { return position(p.xy[2*i : 2*i+2]) }
	edges := map[edge]int{}
	add := func(a, b position, n int) {
		if a != b {
			edges[edge{a, b}] += n
			edges[edge{b, a}] -= n
		}
	}
	for k := 0; k < len(triangles); k += 3 {
		for j := range 3 {
			add(at(triangles[k+j]), at(triangles[k+(j+1)%3]), 1)
		}
	}
	from := int32(0)
	for k, to := range p.ends {
		sign := 1
		if (ringArea(p.xy[2*from:2*to]) > 0) != (k == 0) {
			sign = -1
		}
		for i := from; i < to; i++ {
			j := i + 1
			if j == to {
				j = from
			}
			add(at(uint32(i)), at(uint32(j)), -sign)
		}
		from = to
	}
	for e, n := range edges {
		require.Zero(t, n, "%s: edge %v", p.name, e)
	}
}

func TestTriangulateBadRings(t *testing.T) {
	var tri Triangulator
	nan := math.NaN()
	for _, c := range []struct {
		name      string
		xy        []float64
		ends      []int32
		triangles int
		area      float64
	}{
		{"none", nil, nil, 0, 0},
		{"empty ring", nil, []int32{0}, 0, 0},
		{"point", []float64{1, 1}, []int32{1}, 0, 0},
		{"two points", []float64{1, 1, 2, 2}, []int32{2}, 0, 0},
		{"line", []float64{0, 0, 1, 1, 2, 2, 0, 0}, []int32{4}, 0, 0},
		{"one point many times", []float64{3, 3, 3, 3, 3, 3, 3, 3}, []int32{4}, 0, 0},
		{"not a number", []float64{0, 0, nan, 0, 1, 1}, []int32{3}, 0, 0},
		{"infinite", []float64{0, 0, math.Inf(1), 0, 1, 1}, []int32{3}, 0, 0},
		{"huge", []float64{0, 0, 1e308, 0, 1, 1}, []int32{3}, 0, 0},
		{"ends beyond", []float64{0, 0, 1, 0, 1, 1}, []int32{9}, 0, 0},
		{"ends falling", []float64{0, 0, 1, 0, 1, 1}, []int32{3, 2}, 0, 0},
		{"clockwise", []float64{0, 0, 0, 1, 1, 1, 1, 0}, []int32{4}, 2, 1},
		{"closed", []float64{0, 0, 1, 0, 1, 1, 0, 1, 0, 0}, []int32{5}, 2, 1},
		{"spike", []float64{0, 0, 1, 0, 1, 1, 5, 1, 1, 1, 0, 1}, []int32{6}, 2, 1},
		{"bowtie", []float64{0, 0, 2, 2, 2, 0, 0, 2}, []int32{4}, -1, -1},
		{"hole of one point", []float64{0, 0, 4, 0, 4, 4, 0, 4, 2, 2}, []int32{4, 5}, 4, 16},
		{"hole touching the shell", []float64{0, 0, 4, 0, 4, 4, 0, 4, 0, 2, 2, 1, 2, 3}, []int32{4, 7}, 6, 14},
		{"two holes touching", []float64{0, 0, 6, 0, 6, 6, 0, 6, 1, 1, 1, 3, 3, 3, 3, 1, 3, 3, 3, 5, 5, 5, 5, 3}, []int32{4, 8, 12}, 12, 28},
		{"hole outside", []float64{0, 0, 1, 0, 1, 1, 0, 1, 5, 5, 5, 6, 6, 6}, []int32{4, 7}, -1, -1},
		{"hole as the shell", []float64{0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1}, []int32{4, 8}, -1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, deviation := tri.Triangulate(nil, c.xy, c.ends)
			require.False(t, math.IsNaN(deviation))
			if c.triangles >= 0 {
				require.Len(t, got, 3*c.triangles)
			}
			p := polygon{xy: c.xy}
			sum := 0.0
			for k := 0; k < len(got); k += 3 {
				sum += p.triangleArea(got[k : k+3])
			}
			if c.area >= 0 {
				require.InDelta(t, c.area, sum, 1e-12)
			}
			if c.area > 0 {
				require.InDelta(t, 0, deviation, 1e-12)
			}
		})
	}
}
