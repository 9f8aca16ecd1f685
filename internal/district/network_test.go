package district_test

import (
	"math"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/district"
	"twind/layers"
)

// TestPipesEndAtTheirNodes holds the tables of pipes and nodes against each other
// as the checks of CJJ 61 do.
func TestPipesEndAtTheirNodes(t *testing.T) {
	for _, o := range []district.Options{{}, {Seed: 9, Width: 5200, Height: 1100}} {
		m := makeDistrict(t, o)
		pointID, ground, depth := m.get(district.Nodes, "point_id"), m.get(district.Nodes, "ground_elevation"), m.get(district.Nodes, "depth")
		nodeKind, nodeSubkind := m.get(district.Nodes, "kind"), m.get(district.Nodes, "subkind")
		nodes := make(map[string]*layers.Feature)
		for _, f := range m.features[district.Nodes] {
			check(t, nodes[pointID(f).Text()] == nil, "point %s twice", pointID(f).Text())
			nodes[pointID(f).Text()] = f
			check(t, f.Geometry.Z[0] == ground(f).Float(), "point %s lies on the ground", pointID(f).Text())
		}
		degree := make(map[string]int64)
		kind, subkind, of := m.get(district.Pipes, "kind"), m.get(district.Pipes, "subkind"), m.get(district.Pipes, "elevation_of")
		ends := []struct {
			node, elevation, depth func(*layers.Feature) layers.Value
		}{
			{m.get(district.Pipes, "start_node"), m.get(district.Pipes, "start_elevation"), m.get(district.Pipes, "start_depth")},
			{m.get(district.Pipes, "end_node"), m.get(district.Pipes, "end_elevation"), m.get(district.Pipes, "end_depth")},
		}
		height, length, code := m.get(district.Pipes, "height"), m.get(district.Pipes, "length"), m.get(district.Pipes, "code")
		codes := make(map[string]bool)
		for _, p := range m.features[district.Pipes] {
			require.Len(t, p.Geometry.Z, 2)
			for k, e := range ends {
				n := nodes[e.node(p).Text()]
				check(t, n != nil, "pipe %s ends at node %s", p.ID, e.node(p).Text())
				degree[e.node(p).Text()]++
				check(t, slices.Equal(n.Geometry.XY, p.Geometry.XY[2*k:2*k+2]), "pipe %s ends where its node is", p.ID)
				check(t, nodeKind(n) == kind(p) && nodeSubkind(n) == subkind(p), "pipe %s ends at a node of its kind", p.ID)
				z := e.elevation(p).Float()
				check(t, z == p.Geometry.Z[k], "pipe %s has %g m and %g m in its geometry", p.ID, z, p.Geometry.Z[k])
				check(t, math.Abs(ground(n).Float()-z-e.depth(p).Float()) < 1e-9, "pipe %s: ground = elevation + depth", p.ID)
				bottom := ground(n).Float() - depth(n).Float()
				if of(p).Text() == "管顶" {
					check(t, math.Abs(bottom-z) < 1e-9, "pipe %s: one elevation at a node", p.ID)
				} else {
					check(t, z >= bottom-1e-9, "pipe %s lies below the bottom of its well", p.ID)
				}
				cover := e.depth(p).Float()
				if of(p).Text() == "管底" {
					cover -= float64(height(p).Int()) / 1000
				}
				check(t, cover > 0.5, "pipe %s has %g m of cover", p.ID, cover)
			}
			l := length(p).Float()
			check(t, math.Abs(distance(metres(p.Geometry))-l) < 0.15 && l > 1 && l <= 101, "pipe %s is %g m long", p.ID, l)
			code := code(p).Text()
			check(t, !codes[code], "pipe code %s twice", code)
			codes[code] = true
		}
		feature, subsidiary, declared := m.get(district.Nodes, "feature"), m.get(district.Nodes, "subsidiary"), m.get(district.Nodes, "degree")
		want := map[string]int64{"三通": 3, "四通": 4, "盖堵": 1, "直线点": 2, "弯头": 2, "出水口": 1, "非测区": 1}
		for id, n := range nodes {
			check(t, declared(n).Int() == degree[id] && degree[id] > 0, "%s has %d pipes and says %d", id, degree[id], declared(n).Int())
			check(t, feature(n).IsNull() != subsidiary(n).IsNull(), "%s has a feature or a subsidiary", id)
			if w, ok := want[feature(n).Text()]; ok {
				check(t, w == degree[id], "%s, a %s, has %d pipes", id, feature(n).Text(), degree[id])
			}
		}
	}
}

// check is require.True for loops of many thousand turns.
func check(t *testing.T, ok bool, format string, args ...any) {
	if !ok {
		t.Helper()
		require.Failf(t, "not so", format, args...)
	}
}

func distance(xy []float64) float64 { return math.Hypot(xy[2]-xy[0], xy[3]-xy[1]) }

// TestSewersFallToOutfalls follows every gravity sewer down.
func TestSewersFallToOutfalls(t *testing.T) {
	for _, o := range []district.Options{{}, {Seed: 9, Width: 5200, Height: 1100}} {
		m := makeDistrict(t, o)
		of, start, end := m.get(district.Pipes, "elevation_of"), m.get(district.Pipes, "start_node"), m.get(district.Pipes, "end_node")
		subkind, flow, width, length := m.get(district.Pipes, "subkind"), m.get(district.Pipes, "flow"), m.get(district.Pipes, "width"), m.get(district.Pipes, "length")
		down := make(map[string]*layers.Feature)
		for _, p := range m.features[district.Pipes] {
			gravity := of(p).Text() == "管底"
			check(t, gravity == (flow(p).Text() == "+"), "pipe %s flows %q", p.ID, flow(p).Text())
			if !gravity {
				continue
			}
			slope := (p.Geometry.Z[0] - p.Geometry.Z[1]) / length(p).Float()
			check(t, slope >= 0.0008*0.98 && slope < 0.5, "pipe %s has a slope of %g", p.ID, slope)
			check(t, down[start(p).Text()] == nil, "two pipes leave %s", start(p).Text())
			down[start(p).Text()] = p
		}
		sinks := map[string]string{}
		name, feature, subsidiary := m.get(district.Nodes, "point_id"), m.get(district.Nodes, "feature"), m.get(district.Nodes, "subsidiary")
		for _, n := range m.features[district.Nodes] {
			sinks[name(n).Text()] = feature(n).Text() + subsidiary(n).Text()
		}
		want := map[string]string{"YS": "出水口", "WS": "泵站"}
		ends := make(map[string]string) // the sink below each node
		reached := make(map[string]int)
		for node := range down {
			var way []string
			at := node
			for down[at] != nil && ends[at] == "" {
				way = append(way, at)
				require.Less(t, len(way), 2000, "a circle at %s", at)
				at = end(down[at]).Text()
			}
			sink := ends[at]
			if sink == "" {
				sink = at
			}
			for _, n := range way {
				ends[n] = sink
			}
			check(t, want[subkind(down[node]).Text()] == sinks[sink], "%s ends at %s, a %s", node, sink, sinks[sink])
			reached[sink]++
		}
		for _, p := range down {
			next := down[end(p).Text()]
			if next == nil {
				continue
			}
			check(t, next.Geometry.Z[0] <= p.Geometry.Z[1]+1e-9, "what flows out of pipe %s flows on", p.ID)
			check(t, width(p).Int() == 200 || width(next).Int() >= width(p).Int(), "sewers do not narrow below pipe %s", p.ID)
		}
		require.GreaterOrEqual(t, len(reached), 5)
	}
}

// TestNoPipesOfOneKindCollide compares every pair of pipes of one kind that come
// close in plan and share no node.
func TestNoPipesOfOneKindCollide(t *testing.T) {
	for _, o := range []district.Options{{}, {Seed: 9, Width: 2600, Height: 2200}} {
		m := makeDistrict(t, o)
		kind, of, start, end := m.get(district.Pipes, "kind"), m.get(district.Pipes, "elevation_of"), m.get(district.Pipes, "start_node"), m.get(district.Pipes, "end_node")
		width, height := m.get(district.Pipes, "width"), m.get(district.Pipes, "height")
		type tube struct {
			f          *layers.Feature
			xy         []float64
			z0, z1     float64 // of the axis
			w, h       float64
			start, end string
		}
		type square struct {
			kind string
			x, y int
		}
		grid := make(map[square][]int)
		var tubes []tube
		crossings := 0
		for _, p := range m.features[district.Pipes] {
			half := float64(height(p).Int()) / 2000
			if of(p).Text() == "管顶" {
				half = -half
			}
			u := tube{p, metres(p.Geometry), p.Geometry.Z[0] + half, p.Geometry.Z[1] + half, float64(width(p).Int()) / 1000, float64(height(p).Int()) / 1000, start(p).Text(), end(p).Text()}
			near := make(map[int]bool)
			x0, x1 := min(u.xy[0], u.xy[2])-4, max(u.xy[0], u.xy[2])+4
			y0, y1 := min(u.xy[1], u.xy[3])-4, max(u.xy[1], u.xy[3])+4
			for x := int(math.Floor(x0 / 50)); x <= int(math.Floor(x1/50)); x++ {
				for y := int(math.Floor(y0 / 50)); y <= int(math.Floor(y1/50)); y++ {
					s := square{kind(p).Text(), x, y}
					for _, i := range grid[s] {
						near[i] = true
					}
					grid[s] = append(grid[s], len(tubes))
				}
			}
			for i := range near {
				v := &tubes[i]
				if v.start == u.start || v.start == u.end || v.end == u.start || v.end == u.end {
					continue
				}
				apart, s, r := closest(u.xy, v.xy)
				if apart > (u.w+v.w)/2 {
					continue
				}
				crossings++
				gap := math.Abs(u.z0+s*(u.z1-u.z0)-v.z0-r*(v.z1-v.z0)) - (u.h+v.h)/2
				check(t, gap > 0.1, "pipes %s and %s cross with %g m between them", u.f.ID, v.f.ID, gap)
			}
			tubes = append(tubes, u)
		}
		require.Greater(t, crossings, 100, "pipes of one kind cross over one another")
	}
}

// closest is the distance of two segments and how far along each it is.
func closest(a, b []float64) (d, s, r float64) {
	d = math.Inf(1)
	ux, uy, vx, vy := a[2]-a[0], a[3]-a[1], b[2]-b[0], b[3]-b[1]
	if det := ux*vy - uy*vx; math.Abs(det) > 1e-9 {
		wx, wy := b[0]-a[0], b[1]-a[1]
		p, q := (wx*vy-wy*vx)/det, (wx*uy-wy*ux)/det
		if p >= 0 && p <= 1 && q >= 0 && q <= 1 {
			return 0, p, q
		}
	}
	foot := func(px, py float64, l []float64) (float64, float64) {
		dx, dy := l[2]-l[0], l[3]-l[1]
		t := max(0, min(1, ((px-l[0])*dx+(py-l[1])*dy)/(dx*dx+dy*dy)))
		return math.Hypot(l[0]+t*dx-px, l[1]+t*dy-py), t
	}
	for _, k := range []float64{0, 1} {
		if e, q := foot(a[0]+k*ux, a[1]+k*uy, b); e < d {
			d, s, r = e, k, q
		}
		if e, p := foot(b[0]+k*vx, b[1]+k*vy, a); e < d {
			d, s, r = e, p, k
		}
	}
	return d, s, r
}

func TestPipeCodes(t *testing.T) {
	m := makeDistrict(t, district.Options{Width: 2000, Height: 2000})
	line, point := regexp.MustCompile(`^5[1-8]\d\d1000$`), regexp.MustCompile(`^5[12]\d\d2[12]\d\d$`)
	section := regexp.MustCompile(`^(DN\d+|\d+X\d+)$`)
	major := map[string]byte{"JS": '1', "PS": '2', "RQ": '3', "RL": '4', "DL": '5', "TX": '6', "GY": '7', "QT": '8'}
	kind, code, size := m.get(district.Pipes, "kind"), m.get(district.Pipes, "feature_code"), m.get(district.Pipes, "section")
	for _, p := range m.features[district.Pipes] {
		check(t, line.MatchString(code(p).Text()) && code(p).Text()[1] == major[kind(p).Text()], "%q", code(p).Text())
		check(t, section.MatchString(size(p).Text()), "%q", size(p).Text())
	}
	kind, code = m.get(district.Nodes, "kind"), m.get(district.Nodes, "feature_code")
	coded := 0
	for _, n := range m.features[district.Nodes] {
		if c := code(n); !c.IsNull() {
			check(t, point.MatchString(c.Text()) && c.Text()[1] == major[kind(n).Text()], "%q", c.Text())
			coded++
		}
	}
	require.Greater(t, coded, 1000)
}
