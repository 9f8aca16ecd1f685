package realtime

import (
	"math"
	"slices"
	"strings"
	"sync"

	"twind/layers"
	"twind/spatial/tile"
)

// Neighbour is an entity at a distance.
type Neighbour struct {
	Entity
	Metres float64
}

// Near is a question for what is nearest to a position in degrees.
type Near struct {
	Lon, Lat  float64
	K         int     // how many, at most
	MaxMetres float64 // not farther away; 0: anywhere
}

// check fails with layers.ErrInvalid for a position that is none.
func (n *Near) check() error {
	if !(n.Lon >= -180 && n.Lon <= 180 && n.Lat >= -90 && n.Lat <= 90) || math.IsNaN(n.MaxMetres) {
		return layers.Errorf(layers.ErrInvalid, "nearest to %v, %v: expected degrees within ±180 and ±90", n.Lon, n.Lat)
	}
	if n.MaxMetres <= 0 {
		n.MaxMetres = math.Inf(1)
	}
	return nil
}

// Nearest lists the k entities nearest to a position, at most maxMetres away
// (0: anywhere), by distance on the mean sphere and, at equal distance, by id.
// The sphere's distance differs from the spheroid's by at most 0.6 %. Fails with
// layers.ErrNotFound, and ErrInvalid for a position that is none.
func (h *Hub) Nearest(layer layers.ID, lon, lat float64, k int, maxMetres float64) ([]Neighbour, error) {
	return h.AppendNearest(nil, layer, Near{lon, lat, k, maxMetres})
}

// AppendNearest appends to dst what Nearest lists, and allocates nothing where
// dst has room.
func (h *Hub) AppendNearest(dst []Neighbour, layer layers.ID, near Near) ([]Neighbour, error) {
	l, err := h.layer(layer)
	if err != nil {
		return dst, err
	}
	if err := near.check(); err != nil {
		return dst, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.appendNearest(dst, near), nil
}

// candidate is a slot at a distance.
type candidate struct {
	metres float64
	slot   uint32
	id     string
}

// compare orders candidates by distance, then id.
func (c candidate) compare(d candidate) int {
	switch {
	case c.metres < d.metres:
		return -1
	case c.metres > d.metres:
		return 1
	}
	return strings.Compare(c.id, d.id)
}

// neighbours is a search that runs.
type neighbours struct {
	l     *layer
	near  Near
	limit float64 // metres: nothing beyond is wanted
	// best is a heap of at most near.K, the farthest first.
	best                 []candidate
	metresLon, metresLat float64 // least metres of a degree
	tileMetres           float64 // least metres of a tile's width
	mostTileMetres       float64 // and most
}

// nearRings is how many rings of tiles stay within half a degree of latitude.
const nearRings = 20

// searches holds the memory of searches.
var searches = sync.Pool{New: func() any { return new(neighbours) }}

// appendNearest appends the nearest. Caller holds mu.
func (l *layer) appendNearest(dst []Neighbour, near Near) []Neighbour {
	near.K = min(near.K, l.alive)
	if near.K <= 0 {
		return dst
	}
	n := searches.Get().(*neighbours)
	*n = neighbours{l: l, near: near, limit: near.MaxMetres, best: n.best[:0]}
	n.scale()
	n.search()
	slices.SortFunc(n.best, candidate.compare)
	dst = slices.Grow(dst, len(n.best))
	for _, f := range n.best {
		dst = append(dst, Neighbour{l.entity(l.all, f.slot), f.metres})
	}
	clear(n.best) // what it holds on to
	n.l = nil
	searches.Put(n)
	return dst
}

// scale finds what a degree and a tile measure near the position.
func (n *neighbours) scale() {
	// Within one degree, a way on the sphere is at least as long as in the plane
	// in which a degree of longitude is as short as one degree further from the
	// equator; sin x ≥ x − x³/6 leaves 1.3e-5 to be taken off.
	const degree = earthRadius * math.Pi / 180
	const across = 1 << GridZoom
	lat := math.Abs(n.near.Lat)
	n.metresLat = degree * (1 - 1e-4)
	n.metresLon = n.metresLat * max(0, math.Cos(min(lat+1, 90)*math.Pi/180))
	n.tileMetres = n.metresLon * 360 / across
	n.mostTileMetres = degree * (1 + 1e-4) * math.Cos(max(lat-1, 0)*math.Pi/180) * 360 / across
}

// search looks at rings of tiles outwards until no nearer entity is possible.
func (n *neighbours) search() {
	const across = 1 << GridZoom
	v := n.l.all
	center, fx, fy := locate(n.near.Lon, n.near.Lat)
	cx, cy := center.xy()
	for ring := int64(0); ring < across; ring++ {
		if ring > 0 && ringMetres(cx, cy, fx, n.near.Lat, uint32(ring)) > n.limit {
			return
		}
		if side := int(2*ring + 1); side*side > 4*len(v.tiles)+64 {
			// The tiles are far apart: looking at all of them is cheaper.
			n.best, n.limit = n.best[:0], n.near.MaxMetres
			for _, t := range v.tiles {
				n.look(t)
			}
			return
		}
		for dy := -ring; dy <= ring; dy++ {
			y := int64(cy) + dy
			if y < 0 || y >= across {
				continue
			}
			step := max(2*ring, 1) // the first and last column; whole rows above and below
			if dy == -ring || dy == ring {
				step = 1
			}
			for dx := -ring; dx <= ring; dx += step {
				if ring <= nearRings && math.Hypot(gap(dx, fx), gap(dy, fy))*n.tileMetres > n.limit {
					continue
				}
				t := v.tiles[keyOf(uint32(int64(cx)+dx)&(across-1), uint32(y))]
				switch {
				case t == nil:
				case ring <= nearRings:
					n.lookNear(t, float32(dx)-fx, float32(dy)-fy)
				default:
					n.look(t)
				}
			}
		}
	}
}

// gap is how many tiles lie between a place in a tile, at the fraction f of it,
// and the tile d further.
func gap(d int64, f float32) float64 {
	switch {
	case d < 0:
		return float64(-d) - 1 + float64(f)
	case d > 0:
		return float64(d) - float64(f)
	}
	return 0
}

// lookNear considers the entities of a tile whose corner is dx, dy tiles from the
// position, within nearRings: most are out of reach by their place in the tile.
func (n *neighbours) lookNear(t *liveTile, dx, dy float32) {
	if len(n.best) == 0 {
		n.guess(t, dx, dy)
	}
	reach := n.reach()
	for i, p := range t.points {
		x, y := p.x+dx, p.y+dy
		if x*x+y*y > reach {
			continue
		}
		if n.consider(t.members[i]) {
			reach = n.reach()
		}
	}
}

// guess lowers the limit to a distance within which the tile has enough
// entities, so that few of them need to be measured.
func (n *neighbours) guess(t *liveTile, dx, dy float32) {
	var nearest [32]float32 // squares of distances in tiles, ascending
	k := n.near.K
	if k > len(nearest) || k > len(t.points) {
		return
	}
	found := nearest[:0]
	for _, p := range t.points {
		x, y := p.x+dx, p.y+dy
		d := x*x + y*y
		if len(found) == k {
			if d >= found[k-1] {
				continue
			}
			found = found[:k-1]
		}
		i := len(found)
		found = found[:i+1]
		for ; i > 0 && found[i-1] > d; i-- {
			found[i] = found[i-1]
		}
		found[i] = d
	}
	n.limit = min(n.limit, math.Sqrt(float64(found[k-1]))*n.mostTileMetres*(1+1e-5)+1e-2)
}

// reach is the square of the distance in tiles beyond which nothing is wanted,
// with room for the rounding of float32.
func (n *neighbours) reach() float32 {
	r := n.limit/n.tileMetres*(1+1e-5) + 4e-6
	return float32(r * r)
}

// look considers the entities of a tile.
func (n *neighbours) look(t *liveTile) {
	for _, s := range t.members {
		dx, dy := n.l.e[s].lon-n.near.Lon, n.l.e[s].lat-n.near.Lat
		if dx > -1 && dx < 1 && dy > -1 && dy < 1 {
			if dx, dy = dx*n.metresLon, dy*n.metresLat; dx*dx+dy*dy > n.limit*n.limit {
				continue
			}
		}
		n.consider(s)
	}
}

// consider measures an entity and tells whether the limit changed.
func (n *neighbours) consider(s uint32) bool {
	e := &n.l.e[s]
	m := haversine(n.near.Lon, n.near.Lat, e.lon, e.lat)
	if m > n.limit {
		return false
	}
	full := len(n.best) == n.near.K
	c := candidate{m, s, n.l.id[s]}
	if full && c.compare(n.best[0]) >= 0 {
		return false
	}
	if full {
		n.best[0] = c
		n.sink()
	} else {
		n.best = append(n.best, c)
		n.rise()
		full = len(n.best) == n.near.K
	}
	if full {
		n.limit = n.best[0].metres
	}
	return full
}

// rise puts the last of the heap where it belongs.
func (n *neighbours) rise() {
	h := n.best
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[i].compare(h[up]) <= 0 {
			return
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// sink puts the first of the heap where it belongs.
func (n *neighbours) sink() {
	h := n.best
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h[child+1].compare(h[child]) > 0 {
			child++
		}
		if h[i].compare(h[child]) >= 0 {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// ringMetres bounds from below the distance in metres from a position, at the
// fraction fx of tile (cx, cy), to all that lies at least ring ≥ 1 columns or
// rows of tiles away.
func ringMetres(cx, cy uint32, fx float32, lat float64, ring uint32) float64 {
	const n, rad = 1 << GridZoom, math.Pi / 180
	// No point of the meridian d away is nearer than asin(cos φ · sin d).
	columns := float64(ring) - 1 + float64(min(fx, 1-fx))
	d := min(columns/n*2*math.Pi, math.Pi/2)
	angle := math.Asin(math.Cos(lat*rad) * math.Sin(d))
	// No point of the parallel at another latitude is nearer than the difference.
	toRow := func(y int64) {
		if y < 0 || y > n {
			return
		}
		_, edge := tile.LonLat(0, float64(y)*(tile.WorldSize/n))
		angle = min(angle, math.Abs(edge-lat)*rad)
	}
	toRow(int64(cy) - int64(ring) + 1)
	toRow(int64(cy) + int64(ring))
	return angle * earthRadius
}
