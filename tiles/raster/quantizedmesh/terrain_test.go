package quantizedmesh

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles"
	"twind/tiles/raster/dem"
)

var _ Heights = (*dem.DEM)(nil)

// hills is a model made of a function.
type hills struct {
	at       func(lon, lat float64) float64
	bounds   spatial.Envelope
	spacing  float64
	offset   float64
	revision string
}

func (h hills) Grid(_ context.Context, _ float64, l dem.Lattice, i0, j0 int64, w, n int, dst []float32) error {
	for j := range n {
		for i := range w {
			dst[j*w+i] = float32(h.at(l.Lon(i0+int64(i)), l.Lat(j0+int64(j))))
		}
	}
	return nil
}
func (h hills) Bounds() spatial.Envelope { return h.bounds }
func (h hills) Spacing() float64         { return h.spacing }
func (h hills) Offset() float64          { return h.offset }
func (h hills) Revision() string         { return h.revision }

// ridges rise to 400 m with detail down to some metres.
func ridges(lon, lat float64) float64 {
	h := 0.0
	for k, a := 200.0, 100.0; k < 2e5; k, a = k*6, a/3 {
		h += a * (1 + math.Sin(lon*k+math.Cos(lat*k*1.3))*math.Cos(lat*k))
	}
	return h
}

func terrain(t testing.TB, h hills) *Terrain {
	t.Helper()
	a, err := tiles.NewAnswers(tiles.AnswersOptions{Name: "terrain", CacheBytes: 8 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	if h.bounds == (spatial.Envelope{}) {
		h.bounds = spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}
	}
	if h.spacing == 0 {
		h.spacing = 0.0001
	}
	return &Terrain{ID: "ground", Title: "Ground", Heights: h, Answers: a}
}

func get(t *testing.T, s *Terrain, level uint8, x, y int64) *decoded {
	t.Helper()
	a, err := s.Tile(t.Context(), Request{Level: int64(level), X: x, Y: y, Normals: true})
	require.NoError(t, err)
	return decode(t, a.Bytes)
}

// tileAt is the tile of a level that holds a position.
func tileAt(lon, lat float64, level uint8) (x, y int64) {
	width := 180 / float64(uint64(1)<<level)
	return int64(math.Floor((lon + 180) / width)), int64(math.Floor((lat + 90) / width))
}

func TestMeshIsWithinItsBound(t *testing.T) {
	s := terrain(t, hills{at: ridges, offset: -17.25})
	for level := uint8(9); level <= 15; level += 3 {
		x, y := tileAt(-123.97, 49.17, level)
		d := get(t, s, level, x, y)
		grid := latticeOf(level)
		step := (d.high - d.low) / full
		want := func(i, j int) float64 {
			return float64(float32(ridges(grid.Lon(x*side+int64(i)), grid.Lat(y*side+int64(j))))) - 17.25
		}
		worst := 0.0
		seen := [(side + 1) * (side + 1)]bool{}
		for k := 0; k < len(d.triangles); k += 3 {
			var p [3][3]float64
			for c := range 3 {
				v := d.triangles[k+c]
				i, j := int(math.Round(float64(d.u[v])*side/full)), int(math.Round(float64(d.v[v])*side/full))
				require.Equal(t, []int{d.u[v], d.v[v]}, []int{quantisedStep(i), quantisedStep(j)})
				require.InDelta(t, want(i, j), d.height(v), max(0.01, step/2+1e-4), "a vertex is at the model's height")
				p[c] = [3]float64{float64(i), float64(j), d.height(v)}
			}
			area := (p[1][0]-p[0][0])*(p[2][1]-p[0][1]) - (p[2][0]-p[0][0])*(p[1][1]-p[0][1])
			require.Positive(t, area, "counter-clockwise")
			forInside(p, area, func(i, j int, h float64) {
				seen[j*(side+1)+i] = true
				worst = max(worst, math.Abs(want(i, j)-h))
			})
		}
		require.LessOrEqual(t, worst, Bound(level)+step+1e-3, "level %d", level)
		for i, v := range seen {
			require.True(t, v, "point %d is covered", i)
		}
		requireClosed(t, d)
	}
}

// forInside calls f with the lattice points of a triangle and its height there.
func forInside(p [3][3]float64, area float64, f func(i, j int, h float64)) {
	for j := min(p[0][1], p[1][1], p[2][1]); j <= max(p[0][1], p[1][1], p[2][1]); j++ {
		for i := min(p[0][0], p[1][0], p[2][0]); i <= max(p[0][0], p[1][0], p[2][0]); i++ {
			h, inside := 0.0, true
			for c := range 3 {
				a, b := p[(c+1)%3], p[(c+2)%3]
				w := ((b[0]-a[0])*(j-a[1]) - (i-a[0])*(b[1]-a[1])) / area
				inside = inside && w >= 0
				h += w * p[c][2]
			}
			if inside {
				f(int(i), int(j), h)
			}
		}
	}
}

// requireClosed holds that each side of a triangle is one of another's, the other
// way round, or lies on the tile's edge, and that the edge lists are those points.
func requireClosed(t *testing.T, d *decoded) {
	t.Helper()
	sides := map[[2]int]bool{}
	for k := 0; k < len(d.triangles); k += 3 {
		for c := range 3 {
			e := [2]int{d.triangles[k+c], d.triangles[k+(c+1)%3]}
			require.False(t, sides[e])
			sides[e] = true
		}
	}
	on := [4]func(k int) bool{
		func(k int) bool { return d.u[k] == 0 }, func(k int) bool { return d.v[k] == 0 },
		func(k int) bool { return d.u[k] == full }, func(k int) bool { return d.v[k] == full },
	}
	for e := range sides {
		if sides[[2]int{e[1], e[0]}] {
			continue
		}
		outer := false
		for _, f := range on {
			outer = outer || f(e[0]) && f(e[1])
		}
		require.True(t, outer, "no neighbour at %v", e)
	}
	for i, f := range on {
		var want []int
		for k := range d.u {
			if f(k) {
				want = append(want, k)
			}
		}
		require.ElementsMatch(t, want, d.edges[i])
		for n := 1; n < len(d.edges[i]); n++ {
			a, b := d.edges[i][n-1], d.edges[i][n]
			require.Greater(t, d.u[b]+d.v[b], d.u[a]+d.v[a], "sorted along the edge")
		}
	}
}

func TestNeighboursShareTheirEdges(t *testing.T) {
	s := terrain(t, hills{at: ridges})
	shared, exact := 0, 0
	for level := uint8(9); level <= 15; level += 3 {
		x, y := tileAt(112.98, 28.2, level)
		d := get(t, s, level, x, y)
		for _, c := range []struct {
			dx, dy      int64
			mine, their int
		}{{-1, 0, 0, 2}, {0, -1, 1, 3}, {1, 0, 2, 0}, {0, 1, 3, 1}} {
			o := get(t, s, level, x+c.dx, y+c.dy)
			a, b := d.edges[c.mine], o.edges[c.their]
			require.Len(t, b, len(a), "level %d: as many points on both sides", level)
			for i := range a {
				if c.dx != 0 {
					require.Equal(t, d.v[a[i]], o.v[b[i]])
				} else {
					require.Equal(t, d.u[a[i]], o.u[b[i]])
				}
				coarser := max(d.high-d.low, o.high-o.low) / full
				require.InDelta(t, d.height(a[i]), o.height(b[i]), coarser/2+1e-9)
				require.Equal(t, d.normals[a[i]], o.normals[b[i]])
				if shared++; d.height(a[i]) == o.height(b[i]) {
					exact++
				}
			}
		}
	}
	require.Greater(t, shared, 500)
	require.Greater(t, float64(exact), 0.9*float64(shared), "most are equal to the bit")
}

func TestFlatGroundIsFourTriangles(t *testing.T) {
	for name, at := range map[string]func(lon, lat float64) float64{
		"level": func(float64, float64) float64 { return 12.5 },
		"slope": func(lon, lat float64) float64 { return 1024*lon - 512*lat }, // exact in float32 nearly everywhere
		"void":  func(float64, float64) float64 { return math.NaN() },
	} {
		d := get(t, terrain(t, hills{at: at}), 12, 4000, 1500)
		require.Len(t, d.triangles, 12, name)
		require.Len(t, d.u, 5)
	}
	d := get(t, terrain(t, hills{at: func(float64, float64) float64 { return math.NaN() }, offset: -20}), 12, 4000, 1500)
	require.InDelta(t, -20, d.height(0), 0.001, "the zero of the datum")
}

func TestHeader(t *testing.T) {
	s := terrain(t, hills{at: ridges, offset: 30})
	r := rand.New(rand.NewPCG(1, 1))
	for level := uint8(0); level <= 14; level += 7 {
		x, y := tileAt(-123.97, 49.17, level)
		d := get(t, s, level, x, y)
		require.Less(t, d.low, d.high)
		var points []geodesic.Vec3
		for k := range d.u {
			lon, lat, h := d.place(k, level, x, y)
			p := geodesic.ECEF(lon, lat, h)
			points = append(points, p)
			require.LessOrEqual(t, p.Sub(d.sphere).Norm(), d.radius+1e-2*math.Exp2(float64(14-level)), "in the sphere (u and v are rounded)")
			up := geodesic.NewLocal(lon, lat, 0).Up
			require.Positive(t, d.normals[k].Dot(up))
		}
		width := 180 / float64(uint64(1)<<level)
		lon, lat, h := geodesic.Geodetic(d.center)
		require.InDelta(t, -180+width*(float64(x)+0.5), lon, 1e-9)
		require.InDelta(t, -90+width*(float64(y)+0.5), lat, 1e-9)
		require.True(t, h > d.low-0.01 && h < d.high+0.01)
		// Where the occlusion point is behind the horizon, every vertex is.
		hidden := 0
		for range 400 {
			camera := geodesic.ECEF(r.Float64()*360-180, math.Asin(r.Float64()*2-1)*180/math.Pi, math.Exp(r.Float64()*14)*10)
			if !occluded(scaled(camera), d.horizon) {
				continue
			}
			hidden++
			for _, p := range points {
				if !occludedUnder(scaled(camera), scaled(p)) {
					require.Fail(t, "a vertex is seen", "level %d", level)
				}
			}
		}
		if level > 0 {
			require.Greater(t, hidden, 50)
		}
	}
}

func scaled(v geodesic.Vec3) geodesic.Vec3 {
	const minor = geodesic.SemiMajor * (1 - geodesic.Flattening)
	return geodesic.Vec3{v[0] / geodesic.SemiMajor, v[1] / geodesic.SemiMajor, v[2] / minor}
}

// occluded tells whether a point outside the unit sphere is behind its horizon
// for a camera.
func occluded(camera, p geodesic.Vec3) bool {
	beyond := camera.Dot(camera) - 1 // squared distance to the horizon
	to := p.Sub(camera)
	along := -to.Dot(camera)
	return along > beyond && along*along > beyond*to.Dot(to)
}

// occludedUnder is occluded with points under the surface raised to it.
func occludedUnder(camera, p geodesic.Vec3) bool {
	if n := p.Norm(); n < 1 {
		p = p.Scale(1 / n)
	}
	return occluded(camera, p.Scale(1-1e-9))
}

func TestLayerJSON(t *testing.T) {
	b := spatial.Envelope{MinX: -124.1, MinY: 49.1, MaxX: -123.8, MaxY: 49.3}
	s := terrain(t, hills{at: ridges, bounds: b, spacing: 0.00017, revision: "abc"})
	s.Attribution, s.VerticalDatum = "City of Nanaimo", "EPSG:5713"
	d := s.Layer("http://h/terrain/ground/{z}/{x}/{y}.terrain?v={version}")
	require.Equal(t, uint8(14), d.MaxZoom)
	require.Len(t, d.Available, 15)
	require.Equal(t, []Range{{0, 0, 1, 0}}, d.Available[0])
	for z, list := range d.Available {
		for _, p := range [][2]float64{{b.MinX, b.MinY}, {b.MaxX, b.MaxY}} {
			x, y := tileAt(p[0], p[1], uint8(z))
			r := list[0]
			require.True(t, x >= r.StartX && x <= r.EndX && y >= r.StartY && y <= r.EndY)
		}
	}
	text, err := json.Marshal(d)
	require.NoError(t, err)
	require.Contains(t, string(text), `"format":"quantized-mesh-1.0"`)
	require.Contains(t, string(text), `"available":[[{"startX":0,"startY":0,"endX":1,"endY":0}]`)
	require.Contains(t, string(text), `"twind:verticalDatum":"EPSG:5713","twind:ellipsoidOffset":0`)
	last := d.Available[14][0]
	for _, r := range []Request{{Level: -1}, {Level: 15, X: last.StartX * 2, Y: last.StartY * 2}, {Level: 14, X: last.StartX - 1, Y: last.StartY}, {Level: 0, X: 2}, {Level: 0, Y: -1}, {Level: 14, X: math.MaxInt64, Y: math.MaxInt64}} {
		_, err := s.Tile(t.Context(), r)
		require.ErrorIs(t, err, layers.ErrNotFound, "%+v", r)
	}
}

func TestTagsNameTheHeights(t *testing.T) {
	h := hills{at: ridges, revision: "1"}
	s := terrain(t, h)
	r := Request{Level: 12, X: 100, Y: 100, AcceptEncoding: "gzip"}
	a, err := s.Tile(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "gzip", a.Encoding)
	r.IfNoneMatch = a.ETag
	b, err := s.Tile(t.Context(), r)
	require.NoError(t, err)
	require.True(t, b.NotModified)
	for _, change := range []func(){func() { h.revision = "2" }, func() { h.offset = 3 }, func() { r.Normals = true }} {
		change()
		h.bounds, h.spacing = spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}, 0.0001
		s.Heights = h
		c, err := s.Tile(t.Context(), r)
		require.NoError(t, err)
		require.False(t, c.NotModified)
	}
}

func BenchmarkTile(b *testing.B) {
	s := terrain(b, hills{at: ridges})
	x, y := tileAt(112.98, 28.2, 13)
	m := &mesher{}
	grid := latticeOf(13)
	require.NoError(b, s.Heights.Grid(b.Context(), grid.step, grid, (x-1)*side, (y-1)*side, rows, rows, m.heights[:]))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		m.triangulate(float32(Bound(13)))
		mesh := tileMesh{mesher: m, grid: grid, x0: x * side, y0: y * side}
		buf = mesh.append(buf[:0], true)
	}
	b.ReportMetric(float64(len(m.triangles)/3), "triangles")
	b.ReportMetric(float64(len(buf)), "bytes")
}
