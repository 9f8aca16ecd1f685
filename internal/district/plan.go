package district

import (
	"fmt"
	"math"
)

// class is a street's rank.
type class uint8

const (
	arterial class = iota
	secondary
	branch
)

// classes are the ranks' facts: the width between the red lines, lanes, speed.
var classes = [...]struct {
	name     string
	half     float64 // from the axis to the red line, metres
	road     float64 // from the axis to the kerb, metres
	lanes    int64
	maxspeed int64 // km/h
}{
	arterial:  {"主干路", 25, 16, 8, 60},
	secondary: {"次干路", 18, 10.5, 4, 50},
	branch:    {"支路", 10, 5.5, 2, 30},
}

// line is the axis of a street that runs straight through the plan.
type line struct {
	at    float64 // u of a north–south street, v of an east–west one
	class class
	name  string
}

func (l *line) half() float64 { return classes[l.class].half }

// plan is the district's skeleton. Even lines bound superblocks of about 430 m;
// each odd line is a branch street that may be missing in a superblock.
//
//	vs[2] ═══╤═══════╦═══════╤═══    ═ arterial or secondary: all there
//	         │       ║               ─ branch: there in some superblocks
//	vs[1] ───┼───────╫
//	         │       ║
//	vs[0] ═══╧═══════╩═══════╧═══    the street along the river
//	       us[1]   us[2]   us[3]
type plan struct {
	plane
	o            Options
	us, vs       []line // north–south streets by u, east–west ones by v
	cols, rows   int    // superblocks
	branchV      []bool // by superblock (row·cols + col): has its north–south branch street
	branchH      []bool // … its east–west one
	use          []landUse
	subdistricts []subdistrict
	communities  []community
	communityOf  []int // by superblock
}

// margin is what lies outside of the outermost streets, riverBed south of the
// street along the river, superblock the ideal side; metres.
const (
	margin     = 30.0
	riverBed   = 150.0
	superblock = 430.0
)

func newPlan(o Options) *plan {
	pl := &plan{plane: newPlane(o), o: o}
	deal := newNames(stream(o.Seed, forNames, 0, 0))
	pl.us, pl.cols = streetLines(o.Seed, 0, -o.Width/2+margin, o.Width/2-margin, deal, "街")
	pl.vs, pl.rows = streetLines(o.Seed, 1, -o.Height/2+riverBed, o.Height/2-margin, deal, "路")
	pl.vs[0].class, pl.vs[0].name = secondary, "滨江路"
	n := pl.cols * pl.rows
	pl.branchV, pl.branchH, pl.use = make([]bool, n), make([]bool, n), make([]landUse, n)
	for row := range pl.rows {
		for col := range pl.cols {
			r := stream(o.Seed, forBlocks, col, row)
			k := row*pl.cols + col
			pl.branchV[k], pl.branchH[k] = r.Float64() < 0.85, r.Float64() < 0.85
			pl.use[k] = pl.zone(r, col, row)
		}
	}
	pl.administer(deal)
	return pl
}

// streetLines makes an odd number of lines from low to high: superblock
// boundaries, by turns arterial and secondary, with a branch street between two.
func streetLines(seed uint64, axis int, low, high float64, deal *names, suffix string) (lines []line, superblocks int) {
	n := max(1, int(math.Round((high-low)/superblock)))
	r := stream(seed, forPlan, axis, 0)
	step := (high - low) / float64(n)
	bounds := make([]float64, n+1)
	for i := range bounds {
		bounds[i] = low + float64(step*float64(i))
		if i > 0 && i < n {
			bounds[i] += between(r, -0.08, 0.08) * step
		}
		bounds[i] = math.Round(bounds[i]*10) / 10
	}
	for i, at := range bounds {
		l := line{at: at, class: arterial, name: deal.take() + "大道"}
		if i%2 == 1 {
			l.class, l.name = secondary, deal.take()+"路"
		}
		lines = append(lines, l)
		if i < n {
			mid := (at + bounds[i+1]) / 2
			mid = math.Round((mid+between(r, -0.06, 0.06)*step)*10) / 10
			lines = append(lines, line{at: mid, class: branch, name: deal.take() + suffix})
		}
	}
	return lines, n
}

// superblockAt is the superblock that holds the piece behind line i of each axis.
func (pl *plan) superblockAt(i, j int) int {
	return min(max(j/2, 0), pl.rows-1)*pl.cols + min(max(i/2, 0), pl.cols-1)
}

// hasV tells whether street us[i] is there between vs[j] and vs[j+1].
func (pl *plan) hasV(i, j int) bool {
	if j < 0 || j >= len(pl.vs)-1 || i < 0 || i >= len(pl.us) {
		return false
	}
	return i%2 == 0 || pl.branchV[pl.superblockAt(i, j)]
}

// hasH tells whether street vs[j] is there between us[i] and us[i+1].
func (pl *plan) hasH(i, j int) bool {
	if i < 0 || i >= len(pl.us)-1 || j < 0 || j >= len(pl.vs) {
		return false
	}
	return j%2 == 0 || pl.branchH[pl.superblockAt(i, j)]
}

// meets tells whether us[i] and vs[j] cross or touch.
func (pl *plan) meets(i, j int) bool {
	return (pl.hasV(i, j-1) || pl.hasV(i, j)) && (pl.hasH(i-1, j) || pl.hasH(i, j))
}

// piece is a stretch of a street between two others.
type piece struct {
	vertical bool
	line     int // of us if vertical, else of vs
	from, to int // lines of the other axis
}

// pieces calls yield for each stretch of street between two crossings.
func (pl *plan) pieces(yield func(piece)) {
	for i := range pl.us {
		start := -1
		for j := range pl.vs {
			if start >= 0 && (pl.meets(i, j) || !pl.hasV(i, j)) {
				yield(piece{true, i, start, j})
				start = -1
			}
			if start < 0 && pl.hasV(i, j) {
				start = j
			}
		}
	}
	for j := range pl.vs {
		start := -1
		for i := range pl.us {
			if start >= 0 && (pl.meets(i, j) || !pl.hasH(i, j)) {
				yield(piece{false, j, start, i})
				start = -1
			}
			if start < 0 && pl.hasH(i, j) {
				start = i
			}
		}
	}
}

// street is the line that a piece belongs to.
func (pl *plan) street(p piece) *line {
	if p.vertical {
		return &pl.us[p.line]
	}
	return &pl.vs[p.line]
}

// ends are the places of a piece's ends along it.
func (pl *plan) ends(p piece) (from, to float64) {
	if p.vertical {
		return pl.vs[p.from].at, pl.vs[p.to].at
	}
	return pl.us[p.from].at, pl.us[p.to].at
}

// along is the place at s along a street and aside metres to the east of a
// north–south street or to the north of an east–west one.
func along(vertical bool, at, s, aside float64) point {
	if vertical {
		return point{at + aside, s}
	}
	return point{s, at + aside}
}

// locate finds the superblock of a place; places in the margins belong to the
// nearest one.
func (pl *plan) locate(at point) int {
	i := 0
	for i < pl.cols-1 && pl.us[2*(i+1)].at <= at.u {
		i++
	}
	j := 0
	for j < pl.rows-1 && pl.vs[2*(j+1)].at <= at.v {
		j++
	}
	return j*pl.cols + i
}

func (pl *plan) String() string {
	return fmt.Sprintf("%d by %d superblocks", pl.cols, pl.rows)
}
