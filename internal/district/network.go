package district

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// network is every pipe of the district and the nodes where they end.
type network struct {
	nodes []node
	pipes []pipe
}

// node is where pipes end.
type node struct {
	at         point
	sub        *subkind
	street     string
	feature    string // 特征; a node has a feature or a subsidiary, never both
	subsidiary string // 附属物
	z          float64
	year       int16
	degree     uint8
	serial     int32 // within the subkind, from 1
}

// pipe runs from node a to node b; gravity sewers fall from a to b.
type pipe struct {
	a, b          int32
	za, zb        float64 // metres: of the invert of gravity sewers, of the top of all else
	sub           *subkind
	width, height int32 // mm
	material      string
	street        string
	year          int16
	serial        int32 // within the subkind, from 1
}

// builder makes a network.
type builder struct {
	pl      *plan
	network *network
	serials map[string]int32
}

func newNetwork(pl *plan) *network {
	b := &builder{pl: pl, network: &network{}, serials: make(map[string]int32)}
	storm := b.storm()
	b.sanitary(storm)
	b.grates(storm)
	for _, m := range []*subkind{jp, ss, tr, rs, gd, ld, xx, dq, zh} {
		b.mains(m)
	}
	b.strays()
	return b.network
}

// pointID is the number of a node on the map: its subkind and six digits.
func (n *node) pointID() string { return fmt.Sprintf("%s%06d", n.sub.code, n.serial) }

// name is the feature or subsidiary.
func (n *node) name() string { return n.feature + n.subsidiary }

func (b *builder) addNode(n node) int32 {
	b.serials["node "+n.sub.code]++
	n.serial = b.serials["node "+n.sub.code]
	b.network.nodes = append(b.network.nodes, n)
	return int32(len(b.network.nodes) - 1)
}

func (b *builder) addPipe(p pipe) int32 {
	b.serials["pipe "+p.sub.code]++
	p.serial = b.serials["pipe "+p.sub.code]
	b.network.nodes[p.a].degree++
	b.network.nodes[p.b].degree++
	b.network.pipes = append(b.network.pipes, p)
	return int32(len(b.network.pipes) - 1)
}

// builtIn is when the pipes of a subkind under a street were laid.
func (b *builder) builtIn(s *subkind, vertical bool, line int) int16 {
	return int16(1994 + b.lineRandom(s, vertical, line).IntN(30))
}

func (b *builder) lineRandom(s *subkind, vertical bool, line int) *rand.Rand {
	k := int(s.code[0])<<8 | int(s.code[1])
	if vertical {
		k |= 1 << 16
	}
	return stream(b.pl.o.Seed, forNetwork, k, line)
}

// aside is where a subkind runs under a street: metres to the east of a
// north–south one or to the north of an east–west one.
func (s *subkind) aside(vertical bool, c class) float64 {
	if vertical {
		return s.offset[c]
	}
	return -s.offset[c]
}

// crossing is where the subkind's pipes under us[i] and vs[j] meet.
func (b *builder) crossing(s *subkind, i, j int) point {
	u, v := &b.pl.us[i], &b.pl.vs[j]
	return point{u.at + s.aside(true, u.class), v.at + s.aside(false, v.class)}
}

func millimetre(v float64) float64 { return math.Round(v*1000) / 1000 }

// top is the height of the top of a main with its cover.
func (b *builder) top(s *subkind, at point) float64 { return millimetre(b.pl.ground(at) - s.cover) }
