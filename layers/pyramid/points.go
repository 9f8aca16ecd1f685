package pyramid

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
)

// clusters collect the points.
type clusters struct {
	side   uint64
	limit  int // of squares
	at     map[square]int
	list   []cluster
	counts map[classKey]uint32
}

// cluster is the points of one square.
type cluster struct {
	square
	x, y  float64 // sums
	count uint32
	of    candidate // the first
	n     int       // candidates
}

type classKey struct {
	square
	class uint32
}

// cluster adds a point, or a cluster of the zoom below.
func (b *builder) cluster(c candidate, count uint32) {
	in := b.inputs[c.input]
	x, y := center(in.seg.Box[c.feature])
	s := &b.clusters
	if s.at == nil {
		s.at, s.counts = map[square]int{}, map[classKey]uint32{}
	}
	at := squareAt(x, y, s.side)
	if _, ok := s.at[at]; !ok && len(s.list) >= s.limit {
		s.double()
		at = squareAt(x, y, s.side)
	}
	s.add(cluster{at, float64(x) * float64(count), float64(y) * float64(count), count, c, 1})
	if b.s.class < 0 {
		return
	}
	if in.cell == nil || in.cell.Role[c.feature] != RoleCluster {
		if class := b.class(c); class != 0 {
			s.counts[classKey{at, class}] += count
		}
		return
	}
	for k, class := range in.kinds {
		if class >= 0 && in.seg.Columns[k][c.feature] != 0 {
			s.counts[classKey{at, uint32(class)}] += uint32(in.seg.Property(k, int(c.feature), layers.Integer).Int())
		}
	}
}

func (s *clusters) add(c cluster) {
	k, ok := s.at[c.square]
	if !ok {
		s.at[c.square] = len(s.list)
		s.list = append(s.list, c)
		return
	}
	o := &s.list[k]
	o.x, o.y, o.count, o.n = o.x+c.x, o.y+c.y, o.count+c.count, o.n+c.n
}

// double joins four squares to one.
func (s *clusters) double() {
	list, counts := s.list, s.counts
	s.side, s.list, s.at, s.counts = 2*s.side, nil, map[square]int{}, map[classKey]uint32{}
	for _, c := range list {
		c.square = square{c.square.x / 2, c.square.y / 2}
		s.add(c)
	}
	for k, n := range counts {
		k.square = square{k.x / 2, k.y / 2}
		s.counts[k] += n
	}
}

// classes is the classes that are counted one by one, the most frequent first, and
// the number of all others.
func (b *builder) classes() (list []uint32, rest uint32) {
	total := map[uint32]uint64{}
	for k, n := range b.clusters.counts {
		total[k.class] += uint64(n)
	}
	for class := range total {
		list = append(list, class)
	}
	slices.SortFunc(list, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(total[y], total[x]), bytes.Compare(b.named.list[x-1], b.named.list[y-1]))
	})
	rest = b.named.of([]byte(otherClasses))
	if len(list) > maxClasses {
		list = list[:maxClasses]
		if !slices.Contains(list, rest) {
			list[maxClasses-1] = rest
		}
	}
	return list, rest
}

// otherClasses counts what is beyond maxClasses.
const otherClasses = "…"

// drawClusters draws single points as they are, and others as clusters.
func (b *builder) drawClusters() {
	list := b.clusters.list
	slices.SortFunc(list, func(c, o cluster) int {
		return cmp.Or(cmp.Compare(c.square.y, o.square.y), cmp.Compare(c.square.x, o.square.x))
	})
	if len(list) == 0 {
		return
	}
	classes, rest := b.classes()
	counted := map[uint32]bool{}
	for _, c := range classes {
		counted[c] = true
	}
	others := map[square]uint32{}
	for k, n := range b.clusters.counts {
		if !counted[k.class] {
			others[k.square] += n
		}
	}
	for i := range list {
		b.drawCluster(&list[i], classes, rest, others)
	}
}

func (b *builder) drawCluster(c *cluster, classes []uint32, rest uint32, others map[square]uint32) {
	g, in := &b.geom, b.inputs[c.of.input]
	g.reset()
	if c.count == 1 {
		for p := in.seg.FeaturePath[c.of.feature]; p < in.seg.FeaturePath[c.of.feature+1]; p++ {
			g.xy = append(g.xy, in.path(p)...)
			g.close(snapshot.PathPoints)
		}
		b.put(RoleFeature, c.of, 1, 0, func(column int) uint32 { return b.value(c.of, column) })
		return
	}
	x, y := uint32(math.Round(c.x/float64(c.count))), uint32(math.Round(c.y/float64(c.count)))
	g.xy = append(g.xy, x, y)
	g.close(snapshot.PathPoints)
	only := b.onlyClass(c)
	b.put(RoleCluster, c.of, c.count, 0, func(column int) uint32 {
		if column == b.s.class && only {
			return b.value(c.of, column)
		}
		return 0
	})
	s := &b.cell.Segment
	set := func(name string, n uint32) {
		k := b.derived(name)
		s.Columns[k][s.N-1] = b.number(b.count(n))
	}
	set(Count, c.count)
	for _, class := range classes {
		n := b.clusters.counts[classKey{c.square, class}]
		if class == rest {
			n += others[c.square]
		}
		if n > 0 {
			set(CountPrefix+string(b.named.list[class-1]), n)
		}
	}
}

// onlyClass tells whether all points of a cluster are of the first one's class.
func (b *builder) onlyClass(c *cluster) bool {
	class := b.class(c.of)
	return class != 0 && b.clusters.counts[classKey{c.square, class}] == c.count
}

// lengthOf is the length of a path in world units.
func lengthOf(xy []uint32) (sum float64) {
	for i := 2; i+1 < len(xy); i += 2 {
		sum += math.Hypot(float64(xy[i])-float64(xy[i-2]), float64(xy[i+1])-float64(xy[i-1]))
	}
	return sum
}
