package district

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"twind/layers"
	"twind/spatial"
)

// building is a footprint in metres around its centre, turned with the plan.
type building struct {
	at        point
	shape     []float64 // closed ring, metres from the centre, anticlockwise
	floors    int
	height    float64 // metres
	name      string
	usage     string
	structure string
}

// setback is the least distance of a building from the red line, metres.
const setback = 8.0

// buildings calls yield for each building, block by block.
func (d *District) buildings(yield func(*layers.Feature) bool) {
	pl := d.plan
	id := 0
	for i := range d.blocks {
		b := &d.blocks[i]
		r := stream(pl.o.Seed, forBuildings, i, 0)
		year := 1988 + r.IntN(37)
		address := d.address(b)
		for n, h := range b.fill(r) {
			id++
			ox, oy := pl.xy(h.at)
			ex, ey := pl.east(h.at)
			ring := make([]float64, 0, len(h.shape))
			for k := 0; k < len(h.shape); k += 2 {
				x, y := h.shape[k], h.shape[k+1]
				lon, lat := pl.degrees(ox+float64(x*ex)-float64(y*ey), oy+float64(x*ey)+float64(y*ex))
				ring = append(ring, lon, lat)
			}
			s, c := pl.of(b.superblock)
			cell, _ := d.grid.at(h.at, 0)
			where := address
			if h.name == "" {
				h.name = fmt.Sprintf("%s%d栋", b.name, n+1)
				where = fmt.Sprintf("%s%d栋", address, n+1)
			}
			f := &layers.Feature{ID: strconv.Itoa(id), Geometry: spatial.NewPolygon(ring), Properties: []layers.Value{
				layers.StringValue(h.name), layers.StringValue(where), layers.StringValue(h.usage), layers.IntValue(int64(h.floors)), layers.FloatValue(h.height),
				layers.FloatValue(pl.ground(h.at)), layers.StringValue(h.structure), layers.IntValue(int64(min(2025, year+r.IntN(3)))),
				layers.StringValue(s.name), layers.StringValue(c.name), layers.StringValue(cell),
			}}
			if !yield(f) {
				return
			}
		}
	}
}

// address is the block's number on the street to its south: odd numbers stand on
// the northern side and grow by two every 20 m from the west.
func (d *District) address(b *block) string {
	if b.lines[1] < 0 {
		return ""
	}
	l := &d.plan.vs[b.lines[1]]
	return fmt.Sprintf("%s%d号", l.name, 2*int((b.u0+d.plan.o.Width/2)/20)+1)
}

// rectangle is a ring of width by depth metres around the origin.
func rectangle(w, d float64) []float64 {
	w, d = w/2, d/2
	return []float64{-w, -d, w, -d, w, d, -w, d, -w, -d}
}

// ell is a rectangle without its north-eastern quarter.
func ell(w, d float64) []float64 {
	w, d = w/2, d/2
	return []float64{-w, -d, w, -d, w, 0, 0, 0, 0, d, -w, d, -w, -d}
}

// court is a rectangle with a court that opens to the south.
func court(w, d, wing float64) []float64 {
	w, d = w/2, d/2
	return []float64{-w, -d, -w + wing, -d, -w + wing, d - wing, w - wing, d - wing, w - wing, -d, w, -d, w, d, -w, d, -w, -d}
}

// tower is a rectangle with its four corners cut in, as towers of flats have.
func tower(w, d float64) []float64 {
	c := w / 6
	w, d = w/2, d/2
	return []float64{
		-w + c, -d, w - c, -d, w - c, -d + c, w, -d + c, w, d - c, w - c, d - c, w - c, d,
		-w + c, d, -w + c, d - c, -w, d - c, -w, -d + c, -w + c, -d + c, -w + c, -d,
	}
}

// fill builds up a block after its use. Buildings keep at least 5 m between one
// another.
func (b *block) fill(r *rand.Rand) []building {
	u0, v0, u1, v1 := b.u0+setback, b.v0+setback, b.u1-setback, b.v1-setback
	switch b.use {
	case residential:
		return b.homes(r, u0, v0, u1, v1)
	case business:
		return lots(r, u0, v0, u1, v1, 58, func(r *rand.Rand) building { return highRise(r, "办公") })
	case commerce:
		return lots(r, u0, v0, u1, v1, 72, func(r *rand.Rand) building {
			if r.Float64() < 0.35 {
				return highRise(r, "酒店")
			}
			floors := 3 + r.IntN(4)
			return building{shape: ell(between(r, 46, 62), between(r, 44, 60)), floors: floors, height: metres(float64(floors)*5 + 1.2), usage: "商业", structure: "框架"}
		})
	case education:
		return lots(r, u0, v0, u1, v1, 60, func(r *rand.Rand) building {
			floors := 4 + r.IntN(3)
			return building{shape: court(between(r, 40, 50), between(r, 36, 46), 12), floors: floors, height: metres(float64(floors)*3.9 + 0.9), usage: "教学", structure: "框架"}
		})
	case medical:
		return lots(r, u0, v0, u1, v1, 64, func(r *rand.Rand) building {
			floors := 5 + r.IntN(13)
			return building{shape: rectangle(between(r, 42, 56), between(r, 20, 26)), floors: floors, height: metres(float64(floors)*4 + 1.2), usage: "医疗", structure: "框架剪力墙"}
		})
	case government:
		return lots(r, u0, v0, u1, v1, 70, func(r *rand.Rand) building {
			floors := 5 + r.IntN(8)
			return building{shape: court(between(r, 48, 60), between(r, 34, 44), 14), floors: floors, height: metres(float64(floors)*3.8 + 1.2), usage: "行政办公", structure: "框架"}
		})
	case industry:
		return lots(r, u0, v0, u1, v1, 62, func(r *rand.Rand) building {
			return building{shape: rectangle(between(r, 42, 54), between(r, 28, 46)), floors: 1, height: metres(between(r, 9, 14)), usage: "厂房", structure: "钢结构"}
		})
	case park:
		return lots(r, u0, v0, u1, v1, 90, func(r *rand.Rand) building {
			return building{shape: rectangle(between(r, 9, 14), between(r, 9, 14)), floors: 1, height: metres(between(r, 4, 6)), usage: "园林建筑", structure: "砖木"}
		})
	}
	return nil
}

func metres(v float64) float64 { return math.Round(v*10) / 10 }

func highRise(r *rand.Rand, usage string) building {
	floors := 14 + int(r.ExpFloat64()*12)
	floors = min(floors, 68)
	side := between(r, 26, 38)
	return building{shape: tower(side, side), floors: floors, height: metres(float64(floors)*4.1 + between(r, 2, 8)), usage: usage, structure: "框架核心筒"}
}

// lots divides a rectangle into squares of about side metres, each with one
// building in its middle; some stay empty.
func lots(r *rand.Rand, u0, v0, u1, v1, side float64, design func(*rand.Rand) building) []building {
	cols, rows := max(1, int((u1-u0)/side)), max(1, int((v1-v0)/side))
	w, h := (u1-u0)/float64(cols), (v1-v0)/float64(rows)
	var out []building
	for j := range rows {
		for i := range cols {
			b := design(r)
			empty := r.Float64() < 0.12
			bw, bd := size(b.shape)
			if empty || bw+5 > w || bd+5 > h {
				continue
			}
			b.at = point{u0 + (float64(i)+0.5)*w, v0 + (float64(j)+0.5)*h}
			out = append(out, b)
		}
	}
	return out
}

// size is the extent of a ring around the origin.
func size(ring []float64) (w, d float64) {
	for i := 0; i < len(ring); i += 2 {
		w, d = max(w, 2*math.Abs(ring[i])), max(d, 2*math.Abs(ring[i+1]))
	}
	return w, d
}

// homes lays out a residential block: shops along its south, and behind them
// rows of houses that face south, as far apart as the winter sun asks.
func (b *block) homes(r *rand.Rand, u0, v0, u1, v1 float64) []building {
	type model struct {
		floors     int
		w, d       float64
		gap, aside float64 // to the next row and to the next house, metres
		shape      func(w, d float64) []float64
		structure  string
	}
	m := pick(r, []model{
		{6, 46, 12.5, 16, 9, rectangle, "砖混"},
		{11, 36, 14, 23, 12, rectangle, "框架剪力墙"},
		{18, 28, 17, 30, 15, tower, "剪力墙"},
		{33, 32, 22, 38, 20, tower, "剪力墙"},
	}, []float64{34, 26, 24, 16})
	var out []building
	shops := func(v float64, gaps float64) {
		for u := u0 + 12; u+12 <= u1; u += 30 {
			if r.Float64() < gaps {
				continue
			}
			floors := 2 + r.IntN(2)
			out = append(out, building{at: point{u, v}, shape: rectangle(24, 10), floors: floors, height: metres(float64(floors)*3.6 + 0.6), usage: "底商", structure: "框架"})
		}
	}
	shops(v0+5, 0.2)
	v0 += 10 + 12
	if r.Float64() < 0.4 {
		shops(v1-5, 0.3)
		v1 -= 10 + 12
	}
	cols := int((u1 - u0 + m.aside) / (m.w + m.aside))
	if cols == 0 {
		return out
	}
	step := (u1 - u0 + m.aside) / float64(cols)
	for v := v0 + m.d/2; v+m.d/2 <= v1; v += m.d + m.gap {
		for i := range cols {
			if r.Float64() < 0.06 {
				continue // a court or playground
			}
			floors := m.floors
			if r.Float64() < 0.2 {
				floors -= r.IntN(2)
			}
			out = append(out, building{
				at: point{u0 + m.w/2 + float64(i)*step, v}, shape: m.shape(m.w, m.d), floors: floors,
				height: metres(float64(floors)*3 + 1.1), usage: "住宅", structure: m.structure,
			})
		}
	}
	return out
}
