package gltf

import (
	"bufio"
	"bytes"
	stdgzip "compress/gzip"
	"encoding/json"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"twind/spatial/mesh"
)

// cpu starts a clock of this process's CPU time.
func cpu() func() time.Duration {
	now := func() time.Duration {
		var u syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := now()
	return func() time.Duration { return now() - start }
}

type feature struct {
	ID         string
	Properties map[string]any
	Geometry   struct {
		Type        string
		Coordinates json.RawMessage
	}
}

// features reads a file of the demo city, one feature a line.
func features(tb testing.TB, name string) (list []feature) {
	tb.Helper()
	f, err := os.Open("../../testdata/city/" + name)
	require.NoError(tb, err)
	defer f.Close()
	z, err := stdgzip.NewReader(f)
	require.NoError(tb, err)
	s := bufio.NewScanner(z)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		line := strings.TrimSuffix(strings.TrimSpace(s.Text()), ",")
		if !strings.HasPrefix(line, `{"type":"Feature",`) {
			continue
		}
		var one feature
		require.NoError(tb, json.Unmarshal([]byte(line), &one))
		list = append(list, one)
	}
	require.NoError(tb, s.Err())
	require.NotEmpty(tb, list)
	return list
}

// footprint is a building in metres from the corner of its cell.
type footprint struct {
	solid        mesh.Solid
	height, base float64
	id, name     string
}

// cells groups Manhattan's buildings by squares of about 500 m.
func cells(tb testing.TB) (list [][]footprint, count int) {
	const lon0, lat0, size = -74.03, 40.69, 500.0
	byCell := map[[2]int]int{}
	for _, f := range features(tb, "new-york/buildings.geojson.gz") {
		var polygons [][][][]float64
		if f.Geometry.Type == "Polygon" {
			polygons = make([][][][]float64, 1)
			require.NoError(tb, json.Unmarshal(f.Geometry.Coordinates, &polygons[0]))
		} else {
			require.NoError(tb, json.Unmarshal(f.Geometry.Coordinates, &polygons))
		}
		p := footprint{id: f.ID}
		p.height, _ = f.Properties["height"].(float64)
		p.base, _ = f.Properties["min_height"].(float64)
		p.name, _ = f.Properties["name"].(string)
		first := polygons[0][0][0]
		x0, y0 := (first[0]-lon0)*84_300, (first[1]-lat0)*111_050
		cell := [2]int{int(math.Floor(x0 / size)), int(math.Floor(y0 / size))}
		p.solid = mesh.Solid{Base: p.base, Top: max(p.height, p.base+3), Eaves: math.NaN()}
		for _, polygon := range polygons {
			for _, ring := range polygon {
				for _, v := range ring {
					p.solid.XY = append(p.solid.XY, (v[0]-lon0)*84_300-float64(cell[0])*size, (v[1]-lat0)*111_050-float64(cell[1])*size)
				}
				p.solid.Ends = append(p.solid.Ends, int32(len(p.solid.XY)/2))
			}
			p.solid.Parts = append(p.solid.Parts, int32(len(p.solid.Ends)))
		}
		at, ok := byCell[cell]
		if !ok {
			at = len(list)
			byCell[cell] = at
			list = append(list, nil)
		}
		list[at] = append(list[at], p)
		count++
	}
	return list, count
}

// contents makes GLB contents of cells, with reused memory.
type contents struct {
	w          Writer
	extruder   mesh.Extruder
	roof, wall mesh.Mesh
	table      Table
	out        []byte
	zipped     bytes.Buffer
	gzip       *gzip.Writer
}

func newContents(columns mesh.Columns, level int) *contents {
	c := &contents{}
	c.roof.Columns, c.wall.Columns = columns, columns
	c.table = Table{Name: "buildings", Properties: []Property{{Name: "id"}, {Name: "name"}, {Name: "height", Type: Float64}, {Name: "base", Type: Float64}}}
	c.gzip, _ = gzip.NewWriterLevel(&c.zipped, level)
	return c
}

func (c *contents) make(tb testing.TB, cell []footprint) (raw, zipped int) {
	c.w.Reset()
	c.roof.Reset()
	c.wall.Reset()
	for i := range c.table.Properties {
		p := &c.table.Properties[i]
		p.Text, p.Ends, p.Floats, p.Null = p.Text[:0], p.Ends[:0], p.Floats[:0], p.Null[:0]
	}
	c.table.Rows = len(cell)
	id, name, height, base := &c.table.Properties[0], &c.table.Properties[1], &c.table.Properties[2], &c.table.Properties[3]
	for i := range cell {
		f := &cell[i]
		c.roof.Pen.Feature, c.wall.Pen.Feature = uint32(i), uint32(i)
		c.extruder.Extrude(mesh.Sinks{Roof: &c.roof, Wall: &c.wall}, &f.solid)
		id.Text = append(id.Text, f.id...)
		id.Ends = append(id.Ends, uint32(len(id.Text)))
		name.Text = append(name.Text, f.name...)
		name.Ends = append(name.Ends, uint32(len(name.Text)))
		name.Null = append(name.Null, f.name == "")
		height.Floats = append(height.Floats, f.height)
		base.Floats = append(base.Floats, f.base)
	}
	for _, p := range []*Property{id, height, base} {
		p.Null = nil
	}
	walls := c.w.Material(Material{Color: mesh.Color{200, 195, 185, 255}, Roughness: 0.9})
	roofs := c.w.Material(Material{Color: mesh.Color{170, 165, 160, 255}, Roughness: 1})
	t := c.w.Table(&c.table)
	c.w.Node(c.w.Mesh("buildings", true, t, Surface{&c.wall, walls}, Surface{&c.roof, roofs}))
	var err error
	c.out, err = c.w.Append(c.out[:0])
	require.NoError(tb, err)
	c.zipped.Reset()
	c.gzip.Reset(&c.zipped)
	_, err = c.gzip.Write(c.out)
	require.NoError(tb, err)
	require.NoError(tb, c.gzip.Close())
	return len(c.out), c.zipped.Len()
}

// BenchmarkBuildings makes GLB contents of all of Manhattan's buildings with
// four attributes, and compresses them.
func BenchmarkBuildings(b *testing.B) {
	list, count := cells(b)
	for _, v := range []struct {
		name    string
		columns mesh.Columns
		level   int
	}{
		{"normals/gzip1", mesh.WithNormals | mesh.WithFeatures, 1},
		{"normals/gzip5", mesh.WithNormals | mesh.WithFeatures, 5},
		{"normals/stored", mesh.WithNormals | mesh.WithFeatures, 0},
		{"shared/gzip1", mesh.WithFeatures, 1},
		{"shared/gzip5", mesh.WithFeatures, 5},
	} {
		b.Run(v.name, func(b *testing.B) {
			c := newContents(v.columns, v.level)
			raw, zipped := 0, 0
			b.ReportAllocs()
			spent := cpu()
			for b.Loop() {
				raw, zipped = 0, 0
				for _, cell := range list {
					r, z := c.make(b, cell)
					raw, zipped = raw+r, zipped+z
				}
			}
			b.ReportMetric(float64(count)*float64(b.N)/spent().Seconds(), "buildings/cpu-s")
			b.ReportMetric(float64(raw)/float64(count), "B/building")
			b.ReportMetric(float64(zipped)/float64(count), "gz-B/building")
		})
	}
}

// BenchmarkPipes makes the instanced form of Kamloops' storm mains.
func BenchmarkPipes(b *testing.B) {
	var paths [][]float64
	for _, f := range features(b, "kamloops/storm.geojson.gz") {
		var line [][]float64
		if f.Geometry.Type != "LineString" || json.Unmarshal(f.Geometry.Coordinates, &line) != nil {
			continue
		}
		var path []float64
		for _, v := range line {
			path = append(path, (v[0]+120.34)*70_400, (v[1]-50.68)*111_200, -2)
		}
		paths = append(paths, path)
	}
	require.NotEmpty(b, paths)
	var cylinder, ball mesh.Mesh
	cylinder.Columns, ball.Columns = mesh.WithNormals, mesh.WithNormals
	mesh.UnitCylinder(&cylinder, 8)
	mesh.UnitSphere(&ball, 8)
	var w Writer
	var tubes mesh.Tubes
	var out []byte
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, 5)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		tubes.Reset()
		for i, p := range paths {
			tubes.Append(p, mesh.Section{Width: 0.3}, uint32(i))
		}
		m := w.Material(Material{Roughness: 0.7})
		w.Instances(w.Mesh("", false, NoTable, Surface{&cylinder, m}), &tubes.Cylinders, NoTable)
		w.Instances(w.Mesh("", false, NoTable, Surface{&ball, m}), &tubes.Spheres, NoTable)
		out, err = w.Append(out[:0])
		require.NoError(b, err)
		zipped.Reset()
		z.Reset(&zipped)
		_, err = z.Write(out)
		require.NoError(b, err)
		require.NoError(b, z.Close())
	}
	b.ReportMetric(float64(len(out))/float64(len(paths)), "B/pipe")
	b.ReportMetric(float64(zipped.Len())/float64(len(paths)), "gz-B/pipe")
	b.ReportMetric(float64(tubes.Cylinders.Len())/float64(len(paths)), "segments/pipe")
}

// In the steady state a content is made without allocating.
func TestContentsAllocateNothing(t *testing.T) {
	cell := []footprint{}
	for i := range 40 {
		x := float64(10 * i)
		cell = append(cell, footprint{id: "way/1", height: 12.3, solid: mesh.Solid{XY: []float64{x, 0, x + 8, 0, x + 8, 9, x, 9}, Ends: []int32{4}, Top: 12.3}})
	}
	c := newContents(mesh.WithNormals|mesh.WithFeatures, 1)
	c.make(t, cell)
	var at mesh.Instances
	for i := range 10 {
		at.Append([3]float64{float64(i)}, mesh.Heading(10), [3]float64{1, 1, 1}, uint32(9-i))
	}
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() { c.make(t, cell) }), 1.0)
}
