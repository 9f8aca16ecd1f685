package district

import (
	"math"
	"math/rand/v2"
	"strconv"

	"twind/layers"
	"twind/spatial"
)

// landUse is what a block is for, named as in GB 50137.
type landUse string

const (
	residential landUse = "居住用地"
	business    landUse = "商务用地"
	commerce    landUse = "商业用地"
	education   landUse = "教育科研用地"
	medical     landUse = "医疗卫生用地"
	government  landUse = "行政办公用地"
	industry    landUse = "工业用地"
	park        landUse = "公园绿地"
	river       landUse = "水域"
)

// zone chooses the main use of a superblock: business in the middle, industry in
// the north-east, homes elsewhere.
func (pl *plan) zone(r *rand.Rand, col, row int) landUse {
	x := (float64(col)+0.5)/float64(pl.cols) - 0.5
	y := (float64(row)+0.5)/float64(pl.rows) - 0.5
	switch {
	case x > 0.17 && y > 0.17 && pl.cols > 2:
		return industry
	case x*x+y*y < 0.035:
		return pick(r, []landUse{business, commerce, government}, []float64{5, 4, 1})
	}
	return residential
}

// block is a piece of land between streets: a rectangle of the plan.
type block struct {
	u0, v0, u1, v1 float64 // at the red lines
	lines          [4]int  // the streets to the west, south, east and north: us, vs, us, vs
	superblock     int
	use            landUse
	name           string
}

// blocks divides each superblock by its branch streets, from south to north and
// west to east; the last block is the river.
func (pl *plan) blocks() []block {
	deal := newNames(stream(pl.o.Seed, forNames, 1, 0))
	var out []block
	for row := range pl.rows {
		for col := range pl.cols {
			k := row*pl.cols + col
			is := []int{2 * col, 2*col + 1, 2*col + 2}
			js := []int{2 * row, 2*row + 1, 2*row + 2}
			if !pl.branchV[k] {
				is = []int{2 * col, 2*col + 2}
			}
			if !pl.branchH[k] {
				js = []int{2 * row, 2*row + 2}
			}
			r := stream(pl.o.Seed, forBlocks, col, row+1<<20)
			for b := range len(js) - 1 {
				for a := range len(is) - 1 {
					w, s, e, n := is[a], js[b], is[a+1], js[b+1]
					use := pl.use[k]
					if use == residential {
						use = pick(r, []landUse{residential, commerce, education, medical, government, park}, []float64{80, 6, 7, 2, 2, 6})
					}
					out = append(out, block{
						u0: pl.us[w].at + pl.us[w].half(), v0: pl.vs[s].at + pl.vs[s].half(),
						u1: pl.us[e].at - pl.us[e].half(), v1: pl.vs[n].at - pl.vs[n].half(),
						lines: [4]int{w, s, e, n}, superblock: k, use: use, name: blockName(r, use, deal.take()),
					})
				}
			}
		}
	}
	return append(out, block{
		u0: -pl.o.Width / 2, v0: -pl.o.Height / 2, u1: pl.o.Width / 2, v1: pl.vs[0].at - pl.vs[0].half() - 15,
		lines: [4]int{-1, -1, -1, -1}, use: river, name: deal.take()[:3] + "水",
	})
}

func blockName(r *rand.Rand, use landUse, stem string) string {
	one := func(suffixes ...string) string { return stem + suffixes[r.IntN(len(suffixes))] }
	switch use {
	case residential:
		return one("花园", "小区", "家园", "公馆", "雅苑", "新村", "府")
	case business:
		return one("中心", "国际", "商务港", "金融城")
	case commerce:
		return one("广场", "商业城", "天地", "市集")
	case education:
		return one("小学", "中学", "实验学校", "职业学院")
	case medical:
		return one("医院", "人民医院", "社区卫生服务中心")
	case government:
		return one("政务中心", "机关大院", "服务中心")
	case industry:
		return one("产业园", "科技园", "物流园", "机械厂")
	}
	return stem + "公园"
}

// blockFeatures calls yield for each block.
func (d *District) blockFeatures(yield func(*layers.Feature) bool) {
	for i := range d.blocks {
		b := &d.blocks[i]
		ring := d.ring(b.u0, b.v0, b.u1, b.v1)
		subdistrict, community := layers.Value{}, layers.Value{}
		if b.use != river {
			s, c := d.plan.of(b.superblock)
			subdistrict, community = layers.StringValue(s.name), layers.StringValue(c.name)
		}
		f := &layers.Feature{ID: strconv.Itoa(i + 1), Geometry: spatial.NewPolygon(ring), Properties: []layers.Value{
			layers.StringValue(b.name), layers.StringValue(string(b.use)), layers.FloatValue(math.Round(d.ringArea(ring)*10) / 10), subdistrict, community,
		}}
		if !yield(f) {
			return
		}
	}
}
