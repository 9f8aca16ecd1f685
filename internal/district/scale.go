package district

import (
	"iter"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"

	"twind/layers"
	"twind/spatial"
)

// Scale is a plain city of any number of buildings, streets and points for
// benchmarks: dense in some middles and thin between them, as cities are. It is
// made square by square while it is read, so it takes no memory to speak of.
type Scale struct {
	Seed      uint64  // 20261121
	Buildings int     // 1,000,000
	Streets   int     // 200,000
	Points    int     // 300,000
	Lon, Lat  float64 // centre, degrees; Lon, Lat
	Side      float64 // metres; 30,000. Grown where the buildings need more room
}

// The ids of the benchmarks' layers.
const (
	ScaleBuildings layers.ID = "scale_buildings"
	ScaleStreets   layers.ID = "scale_streets"
	ScalePoints    layers.ID = "scale_points"
)

// EnsureDefaults fills what is zero; a count that is negative becomes 0.
func (s *Scale) EnsureDefaults() {
	def := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
		*n = max(0, *n)
	}
	def(&s.Buildings, 1_000_000)
	def(&s.Streets, 200_000)
	def(&s.Points, 300_000)
	if s.Seed == 0 {
		s.Seed = 20261121
	}
	if s.Lon == 0 && s.Lat == 0 {
		s.Lon, s.Lat = Lon, Lat
	}
	if s.Side == 0 {
		s.Side = 30_000
	}
	// At most two thirds of all lots are built on.
	s.Side = max(s.Side, math.Sqrt(float64(s.Buildings)*1.5)*lot, 2*scaleSquare)
}

// ScaleLayers describes the benchmarks' layers.
func ScaleLayers() []layers.Layer {
	l := func(id layers.ID, kind layers.Kind, t spatial.Type, minZoom uint8, title layers.Text, schema ...layers.Property) layers.Layer {
		return layers.Layer{ID: id, Kind: kind, GeometryType: t, CRS: 4326, Provenance: layers.Generated, Title: title, Label: "name", ClassBy: "class", MinZoom: minZoom, MaxZoom: 16, Schema: schema}
	}
	return []layers.Layer{
		l(ScaleBuildings, layers.KindBuilding, spatial.Polygon, 8, text("基准建筑物", "Benchmark buildings"),
			prop("name", layers.String, "名称", "Name"), prop("class", layers.String, "类别", "Class"), prop("usage", layers.String, "用途", "Usage"),
			prop("height", layers.Number, "高度", "Height", "m"), prop("floors", layers.Integer, "层数", "Floors"), prop("year", layers.Integer, "建成年份", "Year built")),
		l(ScaleStreets, layers.KindStreet, spatial.LineString, 6, text("基准道路", "Benchmark streets"),
			prop("name", layers.String, "名称", "Name"), prop("class", layers.String, "等级", "Class"), prop("lanes", layers.Integer, "车道数", "Lanes"),
			prop("maxspeed", layers.Integer, "限速", "Speed limit", "km/h"), prop("oneway", layers.Boolean, "单行", "One-way")),
		l(ScalePoints, layers.KindPart, spatial.Point, 9, text("基准部件", "Benchmark points"),
			prop("name", layers.String, "名称", "Name"), prop("class", layers.String, "类别", "Class"), prop("status", layers.String, "状态", "Status"),
			prop("value", layers.Number, "数值", "Value")),
	}
}

// Buildings stand on lots of lot metres, lots in squares of scaleSquare metres.
const (
	lot         = 18.0
	lotsAcross  = 28
	scaleSquare = lot * lotsAcross
)

// middle is a place where the city is dense.
type middle struct{ x, y, reach, weight, turn float64 }

// scaleCity is what all squares share.
type scaleCity struct {
	Scale
	plane   plane
	across  int // squares along a side
	weights []float64
	turns   []float64 // of the streets in each square, radians
	order   []int     // of the squares
}

func (s Scale) city() *scaleCity {
	s.EnsureDefaults()
	c := &scaleCity{Scale: s, plane: newPlane(Options{Seed: s.Seed, Lon: s.Lon, Lat: s.Lat}), across: int(math.Ceil(s.Side / scaleSquare))}
	r := stream(s.Seed, forScale, -1, -1)
	var middles []middle
	for i := range 48 {
		m := middle{between(r, 0.1, 0.9), between(r, 0.1, 0.9), between(r, 0.015, 0.07), 0.15 + 0.5*r.ExpFloat64(), r.Float64() * math.Pi / 2}
		if i < 5 { // the core
			m.x, m.y, m.reach, m.weight = between(r, 0.4, 0.6), between(r, 0.4, 0.6), 0.06, 2.5
		}
		middles = append(middles, m)
	}
	c.weights, c.turns = make([]float64, c.across*c.across), make([]float64, c.across*c.across)
	for k := range c.weights {
		x, y := (float64(k%c.across)+0.5)/float64(c.across), (float64(k/c.across)+0.5)/float64(c.across)
		w, best := 0.02, 0.0
		for _, m := range middles {
			d2 := ((x-m.x)*(x-m.x) + (y-m.y)*(y-m.y)) / (m.reach * m.reach)
			g := m.weight * math.Exp(-d2/2)
			if w += g; g > best {
				best, c.turns[k] = g, m.turn
			}
		}
		c.weights[k] = w
	}
	c.order = r.Perm(len(c.weights))
	return c
}

// quotas shares n among the squares by weight, at most limit for each.
func (c *scaleCity) quotas(n, limit int) []int {
	out := make([]int, len(c.weights))
	open := make([]int, len(c.weights))
	for i := range open {
		open[i] = i
	}
	for left := n; left > 0 && len(open) > 0; {
		sum := 0.0
		for _, i := range open {
			sum += c.weights[i]
		}
		type rest struct {
			square int
			part   float64
		}
		var rests []rest
		given := 0
		for _, i := range open {
			share := float64(left) * c.weights[i] / sum
			k := min(int(share), limit-out[i])
			out[i] += k
			given += k
			rests = append(rests, rest{i, share - float64(k)})
		}
		sort.SliceStable(rests, func(a, b int) bool { return rests[a].part > rests[b].part })
		for _, x := range rests {
			if given == left {
				break
			}
			if out[x.square] < limit {
				out[x.square]++
				given++
			}
		}
		left -= given
		still := open[:0]
		for _, i := range open {
			if out[i] < limit {
				still = append(still, i)
			}
		}
		open = still
	}
	return out
}

// Features yields the features of one of the benchmarks' layers, always the same
// in the same order. The caller owns them.
func (s Scale) Features(id layers.ID) iter.Seq[*layers.Feature] {
	return func(yield func(*layers.Feature) bool) {
		c := s.city()
		var n, limit int
		var square func(r *rand.Rand, k, count int, first int64, yield func(*layers.Feature) bool) bool
		switch id {
		case ScaleBuildings:
			n, limit, square = c.Buildings, lotsAcross*lotsAcross, c.buildings
		case ScaleStreets:
			n, limit, square = c.Streets, c.Streets, c.streets
		case ScalePoints:
			n, limit, square = c.Points, c.Points, c.points
		default:
			return
		}
		quotas := c.quotas(n, limit)
		next := int64(1)
		for _, k := range c.order {
			if quotas[k] == 0 {
				continue
			}
			r := stream(c.Seed, forScale, int(id[6]), k) // the letter after "scale_"
			if !square(r, k, quotas[k], next, yield) {
				return
			}
			next += int64(quotas[k])
		}
	}
}

// corner is the south-western corner of a square, metres from the centre.
func (c *scaleCity) corner(k int) (x, y float64) {
	half := float64(c.across) * scaleSquare / 2
	return float64(k%c.across)*scaleSquare - half, float64(k/c.across)*scaleSquare - half
}

var (
	scaleClasses  = []string{"住宅", "公寓", "商业", "零售", "工业", "学校", "医院", "办公", "仓储", "公共"}
	scaleUsages   = []string{"自用", "出租", "混合", "空置", "市属"}
	scaleRoads    = []string{"支路", "次干路", "主干路", "快速路", "街巷"}
	scaleKinds    = []string{"路灯", "井盖", "监控", "消火栓", "公交站", "垃圾箱", "行道树", "水表"}
	scaleStatuses = []string{"完好", "完好", "完好", "完好", "破损", "离线"}
)

// footprints are outlines of five to eight corners within ±1.
var footprints = [][]float64{
	{-1, -1, 1, -1, 1, 0.4, 0.5, 1, -1, 1},
	{-1, -1, 1, -1, 1, 0, 0.1, 0, 0.1, 1, -1, 1},
	{-1, -1, 1, -1, 1, 0, 0.1, 0, 0.1, 1, -0.6, 1, -1, 0.6},
	{-1, -1, 1, -1, 1, 0, 0.4, 0, 0.4, 1, -0.4, 1, -0.4, 0, -1, 0},
}

func (c *scaleCity) buildings(r *rand.Rand, k, count int, first int64, yield func(*layers.Feature) bool) bool {
	x0, y0 := c.corner(k)
	sin, cos := math.Sincos(c.turns[k])
	lots := r.Perm(lotsAcross * lotsAcross)[:count]
	sort.Ints(lots)
	for i, l := range lots {
		x, y := x0+(float64(l%lotsAcross)+0.5)*lot, y0+(float64(l/lotsAcross)+0.5)*lot
		a, b := between(r, 3.6, 6.2), between(r, 3.6, 6.2) // turned anyhow they stay on their lot
		shape := footprints[r.IntN(len(footprints))]
		ring := make([]float64, 0, len(shape)+2)
		for j := 0; j < len(shape); j += 2 {
			dx, dy := shape[j]*a, shape[j+1]*b
			lon, lat := c.plane.degrees(x+float64(dx*cos)-float64(dy*sin), y+float64(dx*sin)+float64(dy*cos))
			ring = append(ring, lon, lat)
		}
		ring = append(ring, ring[0], ring[1])
		floors := min(80, 1+int(r.ExpFloat64()*4))
		id := first + int64(i)
		if !yield(&layers.Feature{ID: strconv.FormatInt(id, 10), Geometry: spatial.NewPolygon(ring), Properties: []layers.Value{
			layers.StringValue("建筑" + strconv.FormatInt(id, 10)), layers.StringValue(scaleClasses[r.IntN(len(scaleClasses))]), layers.StringValue(scaleUsages[r.IntN(len(scaleUsages))]),
			layers.FloatValue(metres(float64(floors)*3.1 + r.Float64())), layers.IntValue(int64(floors)), layers.IntValue(int64(1950 + r.IntN(76))),
		}}) {
			return false
		}
	}
	return true
}

func (c *scaleCity) streets(r *rand.Rand, k, count int, first int64, yield func(*layers.Feature) bool) bool {
	x0, y0 := c.corner(k)
	for i := range count {
		x, y := x0+r.Float64()*scaleSquare, y0+r.Float64()*scaleSquare
		heading := c.turns[k] + float64(r.IntN(4))*math.Pi/2
		n := 2 + r.IntN(11)
		xy := make([]float64, 0, 2*n)
		for range n {
			lon, lat := c.plane.degrees(x, y)
			xy = append(xy, lon, lat)
			step := between(r, 15, 60)
			heading += r.NormFloat64() * 0.08
			sin, cos := math.Sincos(heading)
			x, y = x+step*cos, y+step*sin
		}
		class := r.IntN(len(scaleRoads))
		if !yield(&layers.Feature{ID: strconv.FormatInt(first+int64(i), 10), Geometry: spatial.NewLineString(xy), Properties: []layers.Value{
			layers.StringValue(strconv.Itoa(r.IntN(20000)) + "号路"), layers.StringValue(scaleRoads[class]), layers.IntValue(int64(1 + r.IntN(6))),
			layers.IntValue(int64(20 + 10*r.IntN(9))), layers.BoolValue(r.IntN(3) == 0),
		}}) {
			return false
		}
	}
	return true
}

func (c *scaleCity) points(r *rand.Rand, k, count int, first int64, yield func(*layers.Feature) bool) bool {
	x0, y0 := c.corner(k)
	for i := range count {
		lon, lat := c.plane.degrees(x0+r.Float64()*scaleSquare, y0+r.Float64()*scaleSquare)
		id := first + int64(i)
		if !yield(&layers.Feature{ID: strconv.FormatInt(id, 10), Geometry: spatial.NewPoint(lon, lat), Properties: []layers.Value{
			layers.StringValue("P-" + strconv.FormatInt(id, 10)), layers.StringValue(scaleKinds[r.IntN(len(scaleKinds))]), layers.StringValue(scaleStatuses[r.IntN(len(scaleStatuses))]),
			layers.FloatValue(math.Round(r.NormFloat64()*1000) / 100),
		}}) {
			return false
		}
	}
	return true
}
