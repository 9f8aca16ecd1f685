//go:build proof

package tiles3d_test

import (
	"context"
	"math"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/demo"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

// city is the demo city as it is served.
type city struct {
	catalog *snapshot.Catalog
	service *tiles3d.Service
}

func openCity(t testing.TB) *city {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	store, err := geopackage.Open(ctx, filepath.Join(dir, "demo.gpkg"), geopackage.Options{Create: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	require.NoError(t, demo.Load(ctx, store, nil))
	catalog, err := snapshot.Open(ctx, store, snapshot.Options{Dir: filepath.Join(dir, "snapshot")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, catalog.Close()) })
	service, err := tiles3d.New(tiles3d.Options{Views: tiles3d.From(catalog)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	return &city{catalog, service}
}

// features reads a layer as the API shows it, apart from how 3D reads it.
func (c *city) features(t *testing.T, id layers.ID) (*layers.Layer, map[string]*layers.Feature) {
	t.Helper()
	v, err := c.catalog.View(id)
	require.NoError(t, err)
	defer v.Release()
	all := map[string]*layers.Feature{}
	require.NoError(t, v.Scan(t.Context(), layers.Query{}, func(f *layers.Feature) error {
		all[f.ID] = f.Clone()
		return nil
	}))
	return v.Layer(), all
}

// number is a property's value; NaN where it is null or not there.
func number(l *layers.Layer, f *layers.Feature, name string) float64 {
	c := l.PropertyIndex(name)
	if c < 0 || f.Properties[c].IsNull() {
		return math.NaN()
	}
	return f.Properties[c].Float()
}

func text(l *layers.Layer, f *layers.Feature, name string) string {
	c := l.PropertyIndex(name)
	if c < 0 {
		return ""
	}
	return f.Properties[c].Text()
}

// TestCity walks every 3D layer of the demo city and compares it with the records.
func TestCity(t *testing.T) {
	c := openCity(t)
	for _, l := range c.catalog.Layers() {
		if !tiles3d.Has(&l) {
			continue
		}
		t.Run(string(l.ID), func(t *testing.T) { c.compare(t, l.ID) })
	}
	t.Run("first view of Manhattan", c.firstView)
}

// compare checks that each feature that should be drawn is, where it should be,
// with its attributes.
func (c *city) compare(t *testing.T, id layers.ID) {
	l, all := c.features(t, id)
	var mu sync.Mutex
	placed := map[string]int{}
	w := &walker{t: t, service: c.service, request: tiles3d.Request{Layer: id}, visit: func(_ tiles3d.Cell, _ *tileDoc, k *content) {
		mu.Lock()
		defer mu.Unlock()
		c.attributes(t, l, all, k, placed)
		source := func(row int) *layers.Feature { return all[k.values["id"][row].(string)] }
		switch l.Kind {
		case layers.KindBuilding:
			compareBuildings(t, l, k, source)
		case layers.KindPipe:
			comparePipes(t, l, k, source)
		default:
			compareParts(t, l, k, source)
		}
	}}
	w.walk()
	want := 1
	if l.Kind == layers.KindPipe {
		want = 2 // far and near
	}
	missing := 0
	for id, f := range all {
		switch n := placed[id]; {
		case n == 0 && !expected(l, f):
		case n == 0:
			missing++
		default:
			require.Equal(t, want, n, "feature %s of %s", id, l.ID)
		}
	}
	require.Zero(t, missing, "features of %s that are nowhere", l.ID)
	require.Less(t, w.largest, 64<<10, "no tileset is large")
	t.Logf("%s: %d features, %d drawn, %d contents and tilesets, largest tileset %d bytes, contents %d bytes", l.ID, len(all), len(placed), len(w.uris), w.largest, w.bytes)
}

// expected tells whether a feature should be drawn.
func expected(l *layers.Layer, f *layers.Feature) bool {
	switch l.Kind {
	case layers.KindBuilding:
		return l.PropertyIndex("has_parts") < 0 || !f.Properties[l.PropertyIndex("has_parts")].Bool()
	}
	return true
}

func (c *city) attributes(t *testing.T, l *layers.Layer, all map[string]*layers.Feature, k *content, placed map[string]int) {
	for row := range k.rows {
		id, _ := k.values["id"][row].(string)
		f := all[id]
		require.NotNil(t, f, "feature %q of %s", id, l.ID)
		placed[id]++
		for p := range l.Schema {
			column, there := k.values[l.Schema[p].Name]
			v := f.Properties[p]
			switch {
			case v.IsNull():
				require.True(t, !there || column[row] == nil, "%s of %s is null", l.Schema[p].Name, id)
				continue
			case !there:
				require.Fail(t, "a property is missing", "%s of %s", l.Schema[p].Name, id)
			}
			switch l.Schema[p].Type {
			case layers.Boolean:
				require.Equal(t, v.Bool(), column[row] == 1.0, "%s of %s", l.Schema[p].Name, id)
			case layers.Integer, layers.Number:
				require.Equal(t, v.Float(), column[row], "%s of %s", l.Schema[p].Name, id)
			default:
				require.Equal(t, v.Text(), column[row], "%s of %s", l.Schema[p].Name, id)
			}
		}
	}
}

// compareBuildings: the lowest and highest vertex of each solid, and every vertex
// of walls and flat roofs in plan, to 1 cm.
func compareBuildings(t *testing.T, l *layers.Layer, k *content, source func(int) *layers.Feature) {
	type span struct{ low, high, worst float64 }
	require.Zero(t, k.flipped, "winding")
	spans := make([]span, k.rows)
	for i := range spans {
		spans[i] = span{math.Inf(1), math.Inf(-1), 0}
	}
	for i := range k.triangles {
		f := &k.triangles[i]
		s, src := &spans[f.row], source(f.row)
		pitched := text(l, src, "roof_shape") != "" && text(l, src, "roof_shape") != "flat"
		for _, p := range f.corners {
			lon, lat, h := geodesic.Geodetic(p)
			s.low, s.high = min(s.low, h), max(s.high, h)
			if !pitched {
				s.worst = max(s.worst, nearestVertex(src.Geometry.XY, lon, lat))
			}
		}
	}
	for row := range spans {
		f := source(row)
		ground := number(l, f, "ground_elevation")
		if math.IsNaN(ground) {
			ground = 0
		}
		base := number(l, f, "base")
		if math.IsNaN(base) {
			base = 0
		}
		offset := 0.0
		if l.Heights != nil {
			offset = l.Heights.EllipsoidOffset
		}
		s := spans[row]
		if math.IsInf(s.low, 1) { // left out: the report names it
			continue
		}
		if h := number(l, f, "height"); h > 0 && base < h {
			require.InDelta(t, ground+base+offset, s.low, 0.01, "the foot of %s", f.ID)
			require.InDelta(t, ground+h+offset, s.high, 0.01, "the top of %s", f.ID)
		} else {
			require.EqualValues(t, 1, k.values["heightAssumed"][row], "%s", f.ID)
		}
		require.Less(t, s.worst, 0.01, "%s in plan", f.ID)
	}
}

func nearestVertex(xy []float64, lon, lat float64) float64 {
	nearest := math.Inf(1)
	scale := math.Cos(lat * math.Pi / 180)
	for i := 0; i < len(xy); i += 2 {
		nearest = min(nearest, math.Hypot((xy[i]-lon)*scale*111320, (xy[i+1]-lat)*111200))
	}
	return nearest
}

// comparePipes: the ends of instanced axes and the crown of tubes of straight
// pipes; for others that each vertex of the record lies on the drawn axis.
func comparePipes(t *testing.T, l *layers.Layer, k *content, source func(int) *layers.Feature) {
	ends := make([][]geodesic.Vec3, k.rows)
	for i := range k.instances {
		in := &k.instances[i]
		if in.mesh != "sphere" {
			ends[in.row] = append(ends[in.row], in.matrix.at(0, 0, in.lo[2]), in.matrix.at(0, 0, in.hi[2]))
		}
	}
	high := make([]float64, k.rows)
	low := make([]float64, k.rows)
	for row := range high {
		high[row], low[row] = math.Inf(-1), math.Inf(1)
	}
	for i := range k.triangles {
		f := &k.triangles[i]
		for _, p := range f.corners {
			_, _, h := geodesic.Geodetic(p)
			high[f.row], low[f.row] = max(high[f.row], h), min(low[f.row], h)
		}
	}
	for row := range k.rows {
		f := source(row)
		z, tall, known := pipeAxis(l, f)
		require.Equal(t, !known, k.values["elevationAssumed"][row] == 1.0, "%s", f.ID)
		if len(k.instances) > 0 {
			for v, h := range z {
				onAxis(t, f, ends[row], geodesic.ECEF(f.Geometry.XY[2*v], f.Geometry.XY[2*v+1], h))
			}
			continue
		}
		if math.IsInf(low[row], 1) {
			continue // no length: the report names it
		}
		top, bottom := math.Inf(-1), math.Inf(1)
		for _, h := range z {
			top, bottom = max(top, h+tall/2), min(bottom, h-tall/2)
		}
		require.InDelta(t, top, high[row], 0.01+steep(f, z)*tall, "the crown of %s: cover depth", f.ID)
		require.InDelta(t, bottom, low[row], 0.01+steep(f, z)*tall, "the invert of %s", f.ID)
	}
}

// steep is how much a tube's section, square to its axis, may differ from upright.
func steep(f *layers.Feature, z []float64) (slope float64) {
	for v := 1; v < len(z); v++ {
		d := geodesic.Distance(f.Geometry.XY[2*v-2], f.Geometry.XY[2*v-1], f.Geometry.XY[2*v], f.Geometry.XY[2*v+1])
		slope = max(slope, min(1, math.Abs(z[v]-z[v-1])/max(d, 0.01)))
	}
	return slope
}

func onAxis(t *testing.T, f *layers.Feature, ends []geodesic.Vec3, p geodesic.Vec3) {
	best := math.Inf(1)
	for i := 0; i+1 < len(ends); i += 2 {
		d := ends[i+1].Sub(ends[i])
		share := max(0, min(1, p.Sub(ends[i]).Dot(d)/max(d.Dot(d), 1e-9)))
		best = min(best, p.Sub(ends[i].Add(d.Scale(share))).Norm())
	}
	require.Less(t, best, 0.4, "a vertex of pipe %s lies on its axis, seen from afar", f.ID)
}

// pipeAxis is where the axis of a pipe should lie, one height a vertex, after the
// descriptions of the demo's layers.
func pipeAxis(l *layers.Layer, f *layers.Feature) (z []float64, tall float64, known bool) {
	tall = number(l, f, "diameter") / 1000
	if math.IsNaN(tall) {
		tall = number(l, f, "DIAMETER") / 1000
	}
	if l.ID == "demo_pipes" {
		tall = number(l, f, "height") / 1000
	}
	if !(tall > 0) {
		tall = 0.2
	}
	n := len(f.Geometry.XY) / 2
	z = make([]float64, n)
	a, b := number(l, f, "upstream_invert"), number(l, f, "downstream_invert")
	switch {
	case f.Geometry.Z != nil:
		copy(z, f.Geometry.Z)
		for i := range z {
			if text(l, f, "elevation_of") == "管底" {
				z[i] += tall / 2
			} else {
				z[i] -= tall / 2
			}
		}
		known = true
	case !math.IsNaN(a) || !math.IsNaN(b):
		if math.IsNaN(a) {
			a = b
		}
		if math.IsNaN(b) {
			b = a
		}
		interpolate(f.Geometry, z, a+tall/2, b+tall/2)
		known = true
	default:
		for i := range z {
			z[i] = -1.5 - tall/2
		}
	}
	if l.Heights != nil {
		for i := range z {
			z[i] += l.Heights.EllipsoidOffset
		}
	}
	return z, tall, known
}

func interpolate(g spatial.Geometry, z []float64, a, b float64) {
	at := make([]float64, len(z))
	for v := 1; v < len(z); v++ {
		at[v] = at[v-1] + geodesic.Distance(g.XY[2*v-2], g.XY[2*v-1], g.XY[2*v], g.XY[2*v+1])
	}
	for v := range z {
		z[v] = a
		if total := at[len(at)-1]; total > 0 {
			z[v] += (b - a) * at[v] / total
		}
	}
}

// compareParts: each part has an instance whose point is its own, to 1 cm in plan, and
// manholes one at the height of their rim.
func compareParts(t *testing.T, l *layers.Layer, k *content, source func(int) *layers.Feature) {
	tops := make([]float64, k.rows)
	for row := range tops {
		tops[row] = math.Inf(-1)
	}
	for i := range k.instances {
		in := &k.instances[i]
		f := source(in.row)
		lon, lat, h := geodesic.Geodetic(in.matrix.at(0, 0, 0))
		require.Less(t, nearestVertex(f.Geometry.XY, lon, lat), 0.01, "%s in plan", f.ID)
		tops[in.row] = max(tops[in.row], h)
	}
	offset := 0.0
	if l.Heights != nil {
		offset = l.Heights.EllipsoidOffset
	}
	for row, top := range tops {
		f := source(row)
		require.False(t, math.IsInf(top, -1), "%s has a model", f.ID)
		if rim := number(l, f, "rim"); l.ID == "manholes" && !math.IsNaN(rim) {
			require.InDelta(t, rim+offset, top, 0.01, "the rim of %s", f.ID)
		}
	}
	require.Empty(t, k.triangles)
}

// BenchmarkContent3DCity says what the layers of the demo city weigh, in gzip as
// it is served at first: all far contents of a layer, with the ids only and with
// all attributes.
func BenchmarkContent3DCity(b *testing.B) {
	c := openCity(b)
	for _, id := range []layers.ID{"buildings", "water", "demo_pipes", "demo_buildings", "demo_parts"} {
		b.Run(string(id), func(b *testing.B) {
			b.ReportAllocs()
			v, err := c.catalog.View(id)
			require.NoError(b, err)
			features := float64(v.Len())
			v.Release()
			var ids, whole, near int
			begin := processorTime()
			for b.Loop() {
				ids, _ = c.weigh(b, tiles3d.Request{Layer: id, AcceptEncoding: "gzip", Properties: []string{}})
				whole, near = c.weigh(b, tiles3d.Request{Layer: id, AcceptEncoding: "gzip"})
			}
			b.ReportMetric(float64(ids)/features, "B/feature-ids-only")
			b.ReportMetric(float64(whole)/features, "B/feature")
			b.ReportMetric(float64(near)/features, "B/feature-near")
			b.ReportMetric(float64(whole)/float64(max(ids, 1)), "x-ids-only")
			b.ReportMetric((processorTime() - begin).Seconds(), "cpu-s")
		})
	}
}

// weigh is the bytes of all contents of a layer, those of level 17 of pipes apart.
func (c *city) weigh(b *testing.B, r tiles3d.Request) (far, near int) {
	b.Helper()
	for _, cell := range cells(b, c.service, r) {
		a, err := c.service.Content(b.Context(), r, cell)
		require.NoError(b, err)
		if cell.Level == tiles3d.BottomLevel {
			near += len(a.Bytes)
		} else {
			far += len(a.Bytes)
		}
	}
	return far, near
}
