package geopackage

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// The R-tree is built whole by writing its nodes (https://sqlite.org/rtree.html
// §6, "shadow tables"), which is several times as fast as inserting, and packs
// neighbours together (sort-tile-recursive, Leutenegger 1997):
//
//	<rtree>_node    nodeno │ depth u16 (root only) │ cells u16 │ cells × (id i64, minx, maxx, miny, maxy f32), big-endian
//	<rtree>_parent  nodeno │ parent node
//	<rtree>_rowid   id     │ leaf node
const (
	cellBytes = 24
	rootNode  = 1
)

// entry is one box of the R-tree, rounded outward.
type entry struct {
	id                     int64 // a fid, or above the leaves a node
	minX, maxX, minY, maxY float32
}

func newEntry(fid int64, e spatial.Envelope) entry {
	return entry{fid, floor32(e.MinX), ceil32(e.MaxX), floor32(e.MinY), ceil32(e.MaxY)}
}

// floor32 and ceil32 round outward to the 32 bits of the R-tree.
func floor32(v float64) float32 {
	f := float32(v)
	if float64(f) > v {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

func ceil32(v float64) float32 {
	f := float32(v)
	if float64(f) < v {
		f = math.Nextafter32(f, float32(math.Inf(1)))
	}
	return f
}

// rtreeNode is one node: cells[lo:hi] of its level.
type rtreeNode struct {
	number int64
	parent int64
	data   []byte
}

// steps32 is the n-th number of 32 bits above v, or below for a negative n.
func steps32(v float32, n int) float64 {
	to := float32(math.Inf(n))
	for range max(n, -n) {
		v = math.Nextafter32(v, to)
	}
	return float64(v)
}

// packNodes arranges entries, which it reorders, in nodes of at most capacity
// cells. leaf is the leaf node of each entry of the reordered slice. The root
// comes last; nodeBytes is the size of every node.
func packNodes(entries []entry, nodeBytes int) (nodes []rtreeNode, leaf []int64) {
	capacity := (nodeBytes - 4) / cellBytes
	fill := max(2, capacity*9/10) // room for edits before a node must be split
	leaf = make([]int64, len(entries))
	next := int64(rootNode + 1)
	level := entries
	depth := 0
	for len(level) > capacity {
		tileSort(level, fill)
		var upper []entry
		for lo := 0; lo < len(level); {
			hi := min(lo+fill, len(level))
			if rest := len(level) - hi; rest > 0 && rest < fill/3 {
				hi = lo + (len(level)-lo+1)/2 // no nearly empty last node
			}
			up := level[lo]
			up.id = next
			for _, e := range level[lo+1 : hi] {
				up.minX, up.maxX = min(up.minX, e.minX), max(up.maxX, e.maxX)
				up.minY, up.maxY = min(up.minY, e.minY), max(up.maxY, e.maxY)
			}
			upper = append(upper, up)
			nodes = append(nodes, rtreeNode{number: next, data: encodeNode(level[lo:hi], 0, nodeBytes)})
			if depth == 0 {
				for i := lo; i < hi; i++ {
					leaf[i] = next
				}
			} else {
				for _, e := range level[lo:hi] {
					nodes[e.id-rootNode-1].parent = next
				}
			}
			next++
			lo = hi
		}
		level = upper
		depth++
	}
	for i, e := range level {
		if depth == 0 {
			leaf[i] = rootNode
		} else {
			nodes[e.id-rootNode-1].parent = rootNode
		}
	}
	return append(nodes, rtreeNode{number: rootNode, data: encodeNode(level, depth, nodeBytes)}), leaf
}

// tileSort orders boxes by their middle: in slices of x, and by y in each.
func tileSort(e []entry, fill int) {
	leaves := (len(e) + fill - 1) / fill
	perSlice := int(math.Ceil(math.Sqrt(float64(leaves)))) * fill
	slices.SortFunc(e, func(a, b entry) int { return cmp.Compare(a.minX+a.maxX, b.minX+b.maxX) })
	for lo := 0; lo < len(e); lo += perSlice {
		slices.SortFunc(e[lo:min(lo+perSlice, len(e))], func(a, b entry) int { return cmp.Compare(a.minY+a.maxY, b.minY+b.maxY) })
	}
}

func encodeNode(cells []entry, depth, nodeBytes int) []byte {
	b := make([]byte, 0, nodeBytes)
	b = binary.BigEndian.AppendUint16(b, uint16(depth))
	b = binary.BigEndian.AppendUint16(b, uint16(len(cells)))
	for _, e := range cells {
		b = binary.BigEndian.AppendUint64(b, uint64(e.id))
		for _, v := range [...]float32{e.minX, e.maxX, e.minY, e.maxY} {
			b = binary.BigEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	return b[:nodeBytes]
}

// inTransactions runs fn for one transaction after the other until it is done.
type inTransactions func(fn func(c *sqlite.Conn) (done bool, err error)) error

// within runs all in the transaction that c is in already.
func within(c *sqlite.Conn) inTransactions {
	return func(fn func(*sqlite.Conn) (bool, error)) error {
		for {
			if done, err := fn(c); done || err != nil {
				return err
			}
		}
	}
}

// shortly runs each call in a write transaction of its own.
func (s *Store) shortly(ctx context.Context) inTransactions {
	return func(fn func(*sqlite.Conn) (bool, error)) error {
		for {
			var done bool
			err := s.db.Write(ctx, func(c *sqlite.Conn) (err error) { done, err = fn(c); return err })
			if done || err != nil {
				return err
			}
		}
	}
}

// fillRTree writes entries, which it reorders, into an R-tree that is empty, at
// most stepRows of them in a transaction.
func fillRTree(run inTransactions, stepRows int64, rtree string, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	var nodeBytes int64
	err := run(func(c *sqlite.Conn) (done bool, err error) {
		nodeBytes, err = c.Int("SELECT length(data) FROM " + q(rtree+"_node") + " WHERE nodeno = 1")
		return true, err
	})
	if err != nil {
		return err
	}
	if nodeBytes < 4+4*cellBytes || nodeBytes > 1<<16 {
		return layers.Errorf(layers.ErrCorrupt, "the R-tree %s has nodes of %d bytes", rtree, nodeBytes)
	}
	nodes, leaf := packNodes(entries, int(nodeBytes))
	err = run(func(c *sqlite.Conn) (bool, error) {
		over := timer()
		n := 0
		for _, node := range nodes[:min(len(nodes), int(stepRows/20+1))] {
			if n++; over() {
				n--
				break
			}
			if err := c.Exec("INSERT OR REPLACE INTO "+q(rtree+"_node")+" (nodeno, data) VALUES (?, ?)", node.number, node.data); err != nil {
				return false, err
			}
			if node.number == rootNode {
				continue
			}
			if err := c.Exec("INSERT INTO "+q(rtree+"_parent")+" (nodeno, parentnode) VALUES (?, ?)", node.number, node.parent); err != nil {
				return false, err
			}
		}
		nodes = nodes[n:]
		return len(nodes) == 0, nil
	})
	if err != nil {
		return err
	}
	// In the order of ids the table is only appended to.
	type place struct{ id, leaf int64 }
	places := make([]place, len(entries))
	for i, e := range entries {
		places[i] = place{e.id, leaf[i]}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.id, b.id) })
	return run(func(c *sqlite.Conn) (bool, error) {
		st, err := c.Prepare("INSERT INTO " + q(rtree+"_rowid") + " (rowid, nodeno) VALUES (?, ?)")
		if err != nil {
			return false, err
		}
		over := timer()
		n := 0
		for _, p := range places[:min(len(places), int(stepRows))] {
			if n++; over() {
				n--
				break
			}
			if err := sqlite.Bind(st, p.id, p.leaf); err != nil {
				return false, err
			}
			if err := st.Exec(); err != nil {
				return false, err
			}
		}
		places = places[n:]
		return len(places) == 0, nil
	})
}

// rtreeEntries reads the boxes of all rows that have one.
func rtreeEntries(c *sqlite.Conn, t *table) ([]entry, error) {
	var out []entry
	err := c.Query(func(r *sqlite.Stmt) error {
		if e := blobEnvelope(r.ColumnRawBlob(1)); !e.IsEmpty() {
			out = append(out, newEntry(r.ColumnInt64(0), e))
		}
		return nil
	}, "SELECT "+q(t.fid)+", "+q(t.geom)+" FROM "+q(t.name)+" WHERE "+q(t.geom)+" IS NOT NULL")
	return out, err
}

// rootEnvelope is the box around all entries, from the root node alone; nil for
// an empty tree.
func rootEnvelope(c *sqlite.Conn, rtree string) (*entry, error) {
	var box *entry
	err := c.Query(func(r *sqlite.Stmt) error {
		b := r.ColumnRawBlob(0)
		f32 := func(i int) float32 { return math.Float32frombits(binary.BigEndian.Uint32(b[i:])) }
		if len(b) < 4 || int(binary.BigEndian.Uint16(b[2:]))*cellBytes > len(b)-4 {
			return layers.Errorf(layers.ErrCorrupt, "the root of the R-tree %s is damaged", rtree)
		}
		for i := range int(binary.BigEndian.Uint16(b[2:])) {
			at := 4 + i*cellBytes + 8
			e := entry{minX: f32(at), maxX: f32(at + 4), minY: f32(at + 8), maxY: f32(at + 12)}
			if box == nil {
				box = &e
				continue
			}
			box.minX, box.maxX = min(box.minX, e.minX), max(box.maxX, e.maxX)
			box.minY, box.maxY = min(box.minY, e.minY), max(box.maxY, e.maxY)
		}
		return nil
	}, "SELECT data FROM "+q(rtree+"_node")+" WHERE nodeno = 1")
	return box, err
}
