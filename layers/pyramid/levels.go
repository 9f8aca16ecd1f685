package pyramid

import (
	"cmp"
	"context"
	"crypto/sha256"
	"maps"
	"slices"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/spatial/index"
	"twind/spatial/tile"
)

// View is a published state of a layer: a *snapshot.View.
type View interface {
	Source
	Identity() string
	Revision() layers.Revision
	TileRevision(box tile.WorldBox) layers.Revision
	Release()
}

// ref is a cell of a level and where it is stored.
type ref struct {
	id      tile.ID
	content tile.WorldBox // snapshot.EmptyBox: nothing is drawn
	hash    [16]byte
	in      *store
	at      int64
	size    uint32
}

// level is the cells of one zoom. It is immutable.
type level struct {
	refs  []ref            // along the Hilbert curve by their content, empty ones last
	byID  []int32          // numbers of refs, by id
	index index.Packed     // over the content of refs
	over  map[tile.ID]*ref // cells made since, nil: gone
}

func newLevel(refs []ref) *level {
	boxes := make([]tile.WorldBox, len(refs))
	for i := range refs {
		boxes[i] = refs[i].content
	}
	order, located := index.Order(boxes)
	l := &level{refs: make([]ref, len(refs)), byID: make([]int32, len(refs))}
	sorted := make([]tile.WorldBox, located)
	for k, i := range order {
		l.refs[k] = refs[i]
		l.byID[k] = int32(k)
		if k < located {
			sorted[k] = boxes[i]
		}
	}
	l.index, _ = index.NewPacked(sorted, index.Pack(sorted)) // the numbers fit by construction
	slices.SortFunc(l.byID, func(a, b int32) int { return compareID(l.refs[a].id, l.refs[b].id) })
	return l
}

// get is a cell's place, nil without one.
func (l *level) get(id tile.ID) *ref {
	if r, ok := l.over[id]; ok {
		return r
	}
	if k, ok := slices.BinarySearchFunc(l.byID, id, func(k int32, id tile.ID) int { return compareID(l.refs[k].id, id) }); ok {
		return &l.refs[l.byID[k]]
	}
	return nil
}

// find appends the cells whose content meets a box, in an order of their own.
func (l *level) find(box tile.WorldBox, dst []*ref) []*ref {
	var buf [64]uint32
	for _, k := range l.index.Search(box, buf[:0]) {
		r := &l.refs[k]
		if _, ok := l.over[r.id]; !ok {
			dst = append(dst, r)
		}
	}
	for _, r := range l.over {
		if r != nil && r.content.Intersects(box) {
			dst = append(dst, r)
		}
	}
	slices.SortFunc(dst, func(a, b *ref) int { return compareID(a.id, b.id) })
	return dst
}

// compareID orders the cells of a zoom.
func compareID(a, b tile.ID) int {
	return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
}

// each calls f with every cell.
func (l *level) each(f func(*ref)) {
	for i := range l.refs {
		if _, ok := l.over[l.refs[i].id]; !ok {
			f(&l.refs[i])
		}
	}
	for _, r := range l.over {
		if r != nil {
			f(r)
		}
	}
}

// maxOver is the number of cells made since, beyond which a level is put together anew.
const maxOver = 1024

// with is the level with cells exchanged; nil takes one away.
func (l *level) with(changed map[tile.ID]*ref) *level {
	if len(changed) == 0 {
		return l
	}
	n := *l
	n.over = maps.Clone(l.over)
	if n.over == nil {
		n.over = map[tile.ID]*ref{}
	}
	maps.Copy(n.over, changed)
	if len(n.over) <= maxOver {
		return &n
	}
	refs := make([]ref, 0, len(l.refs)+len(changed))
	n.each(func(r *ref) { refs = append(refs, *r) })
	return newLevel(refs)
}

// Pyramid is the generalised levels of one state of a layer. It is immutable.
type Pyramid struct {
	spec     *spec
	hash     string // of the spec
	identity string // of the views
	revision layers.Revision
	levels   []*level // from spec.min
}

func (p *Pyramid) level(z uint8) *level { return p.levels[z-p.spec.min] }

// maker makes the cells of one pyramid.
type maker struct {
	ctx   context.Context
	spec  *spec
	view  View
	cells *cache
	store func() (*store, error) // to write to
	buf   []byte
	made  int
}

// revisionOf is the revision up to which a view holds every change of its layer.
func revisionOf(v View) layers.Revision {
	return max(v.Revision(), v.TileRevision(boxOf(tile.ID{})))
}

// keep stores a cell; nil for one that stands for nothing.
func (m *maker) keep(c *Cell) (*ref, error) {
	m.made++
	if c.Total == 0 {
		return nil, nil
	}
	m.buf = c.Encode(m.buf[:0])
	sum := sha256.Sum256(m.buf)
	in, err := m.store()
	if err != nil {
		return nil, err
	}
	r := &ref{id: c.ID, content: c.Content, hash: [16]byte(sum[:16]), in: in, size: uint32(len(m.buf))}
	if r.at, err = in.append(m.buf); err != nil {
		return nil, err
	}
	m.cells.put(r, c)
	return r, nil
}

// lowest makes a cell of the features.
func (m *maker) lowest(id tile.ID) (*ref, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	return m.keep(fromLayer(m.spec, m.view, id))
}

// upper makes a cell of its children in the level below.
func (m *maker) upper(id tile.ID, below *level) (*ref, error) {
	if err := m.ctx.Err(); err != nil {
		return nil, err
	}
	var parts [4]*Cell
	for k, child := range children(id) {
		r := below.get(child)
		if r == nil {
			continue
		}
		var err error
		if parts[k], err = m.cells.get(r); err != nil {
			return nil, err
		}
	}
	return m.keep(fromCells(m.spec, id, parts))
}

// build makes a whole pyramid of the view.
func (m *maker) build() (*Pyramid, error) {
	p := &Pyramid{spec: m.spec, hash: m.spec.hash(), identity: m.view.Identity(), revision: revisionOf(m.view), levels: make([]*level, m.spec.max-m.spec.min+1)}
	ids := occupied(m.view, m.spec.max, func(*snapshot.Segment, int) bool { return true })
	var below *level
	for z := int(m.spec.max); z >= int(m.spec.min); z-- {
		refs := make([]ref, 0, len(ids))
		for _, id := range ids {
			var r *ref
			var err error
			if below == nil {
				r, err = m.lowest(id)
			} else {
				r, err = m.upper(id, below)
			}
			if err != nil {
				return nil, err
			}
			if r != nil {
				refs = append(refs, *r)
			}
		}
		below = newLevel(refs)
		p.levels[z-int(m.spec.min)] = below
		ids = parents(ids)
	}
	return p, nil
}

// occupied lists the cells of a zoom that features belong to for which want holds,
// along the Hilbert curve.
func occupied(v View, z uint8, want func(*snapshot.Segment, int) bool) (ids []tile.ID) {
	seen := map[tile.ID]struct{}{}
	segments := v.Segments()
	for k := range segments {
		s := &segments[k]
		last := tile.ID{Z: 255}
		for i := range s.N {
			if !want(s.Segment, i) || s.Box[i] == snapshot.EmptyBox || !s.Alive(i) {
				continue
			}
			x, y := center(s.Box[i])
			id := cellAt(x, y, z)
			if id == last {
				continue
			}
			last = id
			if _, ok := seen[id]; !ok {
				seen[id] = struct{}{}
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, func(a, b tile.ID) int { return cmp.Compare(place64(a), place64(b)) })
	return ids
}

// place64 is a cell's place on the Hilbert curve: the children of a cell follow
// each other.
func place64(id tile.ID) uint64 {
	b := boxOf(id)
	return index.Hilbert(b.MinX, b.MinY)
}

func parents(ids []tile.ID) (out []tile.ID) {
	seen := map[tile.ID]struct{}{}
	for _, id := range ids {
		if id.Z == 0 {
			return nil
		}
		p := parent(id)
		if _, ok := seen[p]; !ok {
			seen[p] = struct{}{}
			out = append(out, p)
		}
	}
	return out
}

// update makes the next pyramid, of a later view with the same identity and
// spec: cells in which something changed are made anew, and those above a cell
// that came out different.
func (m *maker) update(p *Pyramid) (*Pyramid, error) {
	next := *p
	next.revision = revisionOf(m.view)
	next.levels = slices.Clone(p.levels)
	z := m.spec.max
	ids := m.dirty(p)
	for {
		old := next.level(z)
		changed := map[tile.ID]*ref{}
		for _, id := range ids {
			var r *ref
			var err error
			if z == m.spec.max {
				r, err = m.lowest(id)
			} else {
				r, err = m.upper(id, next.level(z+1))
			}
			if err != nil {
				return nil, err
			}
			before := old.get(id)
			if (before == nil) != (r == nil) || r != nil && before.hash != r.hash {
				changed[id] = r
			}
		}
		next.levels[z-m.spec.min] = old.with(changed)
		if z == m.spec.min {
			return &next, nil
		}
		ids = ids[:0]
		for id := range changed {
			ids = append(ids, id)
		}
		slices.SortFunc(ids, func(a, b tile.ID) int { return cmp.Compare(place64(a), place64(b)) })
		ids = parents(ids)
		z--
	}
}

// dirty lists the lowest cells that the view's changes since a pyramid touch.
func (m *maker) dirty(p *Pyramid) []tile.ID {
	ids := occupied(m.view, m.spec.max, func(s *snapshot.Segment, i int) bool { return s.Revision[i] > int64(p.revision) })
	seen := map[tile.ID]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	p.level(m.spec.max).each(func(r *ref) {
		if seen[r.id] {
			return
		}
		box := boxOf(r.id)
		if m.spec.shared && r.content != snapshot.EmptyBox {
			grow(&box, widened(r.content, uint32(2*pixel(r.id.Z)))) // a neighbour's border may have changed
		}
		if m.view.TileRevision(box) > p.revision {
			ids = append(ids, r.id)
		}
	})
	return ids
}

// widened is a box grown on each side, within the world.
func widened(b tile.WorldBox, by uint32) tile.WorldBox {
	const most = 1<<32 - 1
	return tile.WorldBox{MinX: b.MinX - min(b.MinX, by), MinY: b.MinY - min(b.MinY, by), MaxX: b.MaxX + min(most-b.MaxX, by), MaxY: b.MaxY + min(most-b.MaxY, by)}
}
