package tiles3d_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

// buildings is a layer of footprints around a place with geoid and ground.
func buildings() *layers.Layer {
	return &layers.Layer{ID: "buildings", Kind: layers.KindBuilding, CRS: 4326, GeometryType: spatial.MultiPolygon,
		VerticalDatum: "EPSG:5737", Heights: &layers.Heights{EllipsoidOffset: -9.25},
		Schema: []layers.Property{
			{Name: "name", Type: layers.String}, {Name: "height", Type: layers.Number, Unit: "m"}, {Name: "floors", Type: layers.Integer},
			{Name: "base", Type: layers.Number}, {Name: "ground_elevation", Type: layers.Number}, {Name: "roof_shape", Type: layers.String},
			{Name: "has_parts", Type: layers.Boolean}, {Name: "年份", Type: layers.Integer}, {Name: "listed", Type: layers.Date},
		}}
}

const lon0, lat0 = 116.3905, 39.9205

// box is a closed footprint of some metres, its south-west corner so far east and
// north of the place.
func box(east, north, width, depth float64) spatial.Geometry {
	return spatial.NewPolygon(rectangle(east, north, width, depth))
}

func rectangle(east, north, width, depth float64) []float64 {
	at := func(x, y float64) (float64, float64) {
		return lon0 + x/(111320*math.Cos(lat0*math.Pi/180)), lat0 + y/111000
	}
	var xy []float64
	for _, c := range [5][2]float64{{0, 0}, {width, 0}, {width, depth}, {0, depth}, {0, 0}} {
		x, y := at(east+c[0], north+c[1])
		xy = append(xy, x, y)
	}
	return xy
}

func building(id string, g spatial.Geometry, values map[string]layers.Value) *layers.Feature {
	l := buildings()
	f := &layers.Feature{ID: id, Geometry: g, Properties: make([]layers.Value, len(l.Schema)), Revision: 1}
	for name, v := range values {
		f.Properties[l.PropertyIndex(name)] = v
	}
	return f
}

func metres(v float64) map[string]layers.Value {
	return map[string]layers.Value{"height": layers.FloatValue(v)}
}

// town is some footprints of all sizes over four kilometres.
func town() (list []*layers.Feature) {
	for i := range 120 {
		x, y := float64(i%11)*380, float64(i/11)*410
		size := 6 + float64(i*i%150)
		list = append(list, building(fmt.Sprintf("b%d", i), box(x, y, size, size/2+3), map[string]layers.Value{
			"name": layers.StringValue(fmt.Sprintf("楼 %d", i)), "height": layers.FloatValue(3 + float64(i*7%90)), "ground_elevation": layers.FloatValue(40 + float64(i)/10),
			"年份": layers.IntValue(int64(1900 + i)),
		}))
	}
	return list
}

func TestEveryBuildingStandsOnceWhereItIs(t *testing.T) {
	c := &catalog{}
	all := town()
	c.put(t, buildings(), 1, all[:90], all[90:])
	s := newService(t, c)
	byID := map[string]*layers.Feature{}
	for _, f := range all {
		byID[f.ID] = f
	}
	levels := map[uint8]int{}
	w := &walker{t: t, service: s, request: tiles3d.Request{Layer: "buildings"}, visit: func(cell tiles3d.Cell, _ *tileDoc, k *content) {
		levels[cell.Level]++
		for row := range k.rows {
			id := k.values["id"][row].(string)
			f := byID[id]
			require.NotNil(t, f, "%s stands once", id)
			delete(byID, id)
			require.Equal(t, f.Properties[0].Text(), k.values["name"][row])
			require.InDelta(t, f.Properties[1].Float(), k.values["height"][row], 0)
			require.InDelta(t, f.Properties[7].Float(), k.values["年份"][row], 0)
			require.NotContains(t, k.values, "listed", "columns that are null everywhere are left out")
		}
		checkSolids(t, k, func(row int) (spatial.Geometry, float64, float64) {
			for _, f := range all {
				if f.ID == k.values["id"][row] {
					ground := f.Properties[4].Float() - 9.25
					return f.Geometry, ground, ground + f.Properties[1].Float()
				}
			}
			panic(row)
		})
	}}
	w.walk()
	require.Empty(t, byID, "every building stands somewhere")
	require.Greater(t, len(levels), 3, "large ones are seen from farther: %v", levels)
}

// checkSolids compares every vertex with the footprint, and the heights, to 1 cm.
func checkSolids(t *testing.T, k *content, source func(row int) (g spatial.Geometry, bottom, top float64)) {
	t.Helper()
	type span struct{ low, high float64 }
	require.Zero(t, k.flipped, "winding")
	spans := map[int]*span{}
	ground := map[int]float64{} // area of upward faces
	for _, f := range k.triangles {
		g, bottom, top := source(f.row)
		s := spans[f.row]
		if s == nil {
			s = &span{math.Inf(1), math.Inf(-1)}
			spans[f.row] = s
		}
		for _, p := range f.corners {
			lon, lat, h := geodesic.Geodetic(p)
			s.low, s.high = min(s.low, h), max(s.high, h)
			nearest := math.Inf(1)
			for i := 0; i < len(g.XY); i += 2 {
				dy := (lat - g.XY[i+1]) * 111200
				dx := (lon - g.XY[i]) * 111320 * math.Cos(lat*math.Pi/180)
				nearest = min(nearest, math.Hypot(dx, dy))
			}
			require.Less(t, nearest, 0.01, "a corner stands on its footprint")
		}
		ground[f.row] += upward(&f)
		_, _ = bottom, top
	}
	for row := range k.rows {
		g, bottom, top := source(row)
		require.NotNil(t, spans[row], "row %d is drawn", row)
		require.InDelta(t, bottom, spans[row].low, 0.01)
		require.InDelta(t, top, spans[row].high, 0.01)
		require.InEpsilon(t, planArea(g), ground[row], 0.01, "the roof covers the footprint, seen from above")
	}
}

// upward is the area of a triangle in plan, negative when it is seen from below,
// nought for walls.
func upward(f *triangle) float64 {
	lon, lat, _ := geodesic.Geodetic(f.corners[0])
	frame := geodesic.NewLocal(lon, lat, 0)
	return cross(f.corners[1].Sub(f.corners[0]), f.corners[2].Sub(f.corners[0])).Dot(frame.Up) / 2
}

// planArea is the area of polygons in square metres.
func planArea(g spatial.Geometry) (area float64) {
	from := int32(0)
	for _, end := range g.Ends {
		ring := g.XY[2*from : 2*end]
		from = end
		frame := geodesic.NewLocal(ring[0], ring[1], 0)
		twice := 0.0
		for i := 0; i+3 < len(ring); i += 2 {
			x0, y0, _ := frame.Place(ring[i], ring[i+1], 0)
			x1, y1, _ := frame.Place(ring[i+2], ring[i+3], 0)
			twice += x0*y1 - x1*y0
		}
		area += math.Abs(twice) / 2 // the tests have no holes
	}
	return area
}
