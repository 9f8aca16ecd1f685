package snapshot

import (
	"cmp"
	"context"
	"slices"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
)

// The order of scans. Every feature has a place: its row in the base, or for one
// that joined since, the base's length plus the first row it had in the edits.
// A feature keeps its place when it is edited, so that pages of one base follow
// each other without a gap or a double, whatever is edited in between.

// placed is a living feature and its place.
type placed struct {
	place uint64
	ref   Ref
}

// Scan calls yield with each feature that matches q, in an order that is the same
// for all views of one base. The feature and its slices are lent until yield
// returns; an error of yield ends the scan and is returned. It fails with
// ErrUnsupported for a time, and with ErrInvalid for a filter that does not fit
// the layer.
func (v *View) Scan(ctx context.Context, q layers.Query, yield func(*layers.Feature) error) error {
	var f layers.Feature
	hidden := hiddenColumns(v.layer.Schema, q.Policy.Hidden)
	return v.each(ctx, q, 0, func(p placed) error {
		v.fill(p.ref, hidden, &f)
		return yield(&f)
	})
}

// Count is the number of features that match q; see Scan.
func (v *View) Count(ctx context.Context, q layers.Query) (int64, error) {
	if q.Time.IsZero() && q.Envelope == nil && q.IDs == nil && q.Filter == nil && !q.Policy.Deny && q.Policy.Rows == nil {
		return int64(v.Len()), nil
	}
	n := int64(0)
	err := v.each(ctx, q, 0, func(placed) error { n++; return nil })
	return n, err
}

// fill makes a feature without the hidden properties.
func (v *View) fill(ref Ref, hidden []bool, f *layers.Feature) {
	v.Feature(ref, f)
	for c, h := range hidden {
		if h {
			f.Properties[c] = layers.Value{}
		}
	}
}

// checkEvery is how many features are looked at between two looks at the context.
const checkEvery = 1024

// each calls yield with the features that match q from a place on, in order.
func (v *View) each(ctx context.Context, q layers.Query, from uint64, yield func(placed) error) error {
	if !q.Time.IsZero() {
		return layers.Errorf(layers.ErrUnsupported, "layer %s keeps no history; ask for the current state", v.layer.ID)
	}
	if q.Policy.Deny {
		return ctx.Err()
	}
	match, err := NewMatch(v.layer, q.Filter, q.Policy)
	if err != nil {
		return err
	}
	looked := 0
	take := func(p placed) error {
		if looked++; looked%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if q.IDs != nil && q.Envelope != nil && !v.inEnvelope(p.ref, *q.Envelope) {
			return nil
		}
		if !match.Feature(v.segments[p.ref.Segment].Segment, int(p.ref.Feature)) {
			return nil
		}
		return yield(p)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	switch {
	case q.IDs != nil:
		return v.eachID(q.IDs, from, take)
	case q.Envelope != nil:
		return v.eachIn(*q.Envelope, from, take)
	}
	return v.all(from, take)
}

// all walks the whole view.
func (v *View) all(from uint64, yield func(placed) error) error {
	base, rows := &v.segments[0], &v.segments[1]
	for i := from; i < uint64(base.N); i++ {
		ref := Ref{0, uint32(i)}
		if !base.Alive(int(i)) {
			// Deleted, or living on in the edits.
			row, ok := v.table.find(rows.Segment, borrow(base.ID(int(i))))
			if !ok || !rows.Alive(row) {
				continue
			}
			ref = Ref{1, uint32(row)}
		}
		if err := yield(placed{i, ref}); err != nil {
			return err
		}
	}
	for i := max(from, uint64(base.N)) - uint64(base.N); i < uint64(rows.N); i++ {
		if place := uint64(base.N) + i; v.births[i] == place {
			row, ok := v.table.find(rows.Segment, borrow(rows.ID(int(i))))
			if !ok || !rows.Alive(row) {
				continue
			}
			if err := yield(placed{place, Ref{1, uint32(row)}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// place is the place of a living feature.
func (v *View) place(ref Ref) uint64 {
	if ref.Segment == 0 {
		return uint64(ref.Feature)
	}
	return v.births[ref.Feature]
}

func (v *View) eachID(ids []string, from uint64, yield func(placed) error) error {
	list := make([]placed, 0, len(ids))
	for _, id := range ids {
		if ref, ok := v.Find(id); ok {
			if p := v.place(ref); p >= from {
				list = append(list, placed{p, ref})
			}
		}
	}
	slices.SortFunc(list, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	for i, p := range list {
		if i > 0 && p == list[i-1] {
			continue
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

// eachIn walks the features whose exact envelope intersects env, and those
// without vertices.
func (v *View) eachIn(env spatial.Envelope, from uint64, yield func(placed) error) error {
	rows := v.rowsIn(env)
	i := 0
	before := func(place uint64) error {
		for ; i < len(rows) && rows[i].place < place; i++ {
			if rows[i].place >= from {
				if err := yield(rows[i]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	base := &v.segments[0]
	visit := func(n uint32) error {
		if uint64(n) < from || !base.Alive(int(n)) {
			return nil
		}
		if err := before(uint64(n)); err != nil {
			return err
		}
		return yield(placed{uint64(n), Ref{0, n}})
	}
	box, inner := queryBoxes(env)
	for _, n := range base.packed.Search(box, nil) {
		if !encloses(inner, base.Box[n]) && !base.Envelope(int(n)).Intersects(env) {
			continue
		}
		if err := visit(n); err != nil {
			return err
		}
	}
	for n := v.base.located; n < base.N; n++ {
		if err := visit(uint32(n)); err != nil {
			return err
		}
	}
	return before(1<<64 - 1)
}

// rowsIn is the living features of the edits that env concerns, by place.
func (v *View) rowsIn(env spatial.Envelope) []placed {
	rows := &v.segments[1]
	if rows.N == 0 {
		return nil
	}
	var list []placed
	box, _ := queryBoxes(env)
	for _, n := range rows.Search(box, nil) {
		if rows.Envelope(int(n)).Intersects(env) {
			list = append(list, placed{v.births[n], Ref{1, n}})
		}
	}
	for n := range rows.N {
		if rows.Box[n] == EmptyBox && rows.Alive(n) {
			list = append(list, placed{v.births[n], Ref{1, uint32(n)}})
		}
	}
	slices.SortFunc(list, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	return list
}

// inEnvelope tells whether the feature's exact envelope intersects env or is empty.
func (v *View) inEnvelope(ref Ref, env spatial.Envelope) bool {
	e := v.Envelope(ref)
	return e.IsEmpty() || e.Intersects(env)
}

// Search calls yield with each feature that has vertices and whose exact envelope
// intersects env (in degrees, borders included), those of the base first, until
// yield returns false.
func (v *View) Search(env spatial.Envelope, yield func(Ref) bool) {
	box, inner := queryBoxes(env)
	if env.IsEmpty() {
		return
	}
	for k := range v.Segments() {
		s := &v.segments[k]
		for _, n := range s.Search(box, nil) {
			if (encloses(inner, s.Box[n]) || s.Envelope(int(n)).Intersects(env)) && !yield(Ref{uint32(k), n}) {
				return
			}
		}
	}
}

// queryBoxes is an envelope in world units, rounded outward by a unit more than
// needed, so that every feature in it has a box that intersects outer; and inward,
// so that every feature whose box lies in inner is in it. inner may be empty.
func queryBoxes(env spatial.Envelope) (outer, inner tile.WorldBox) {
	if env.IsEmpty() {
		return EmptyBox, EmptyBox
	}
	const most = 1<<32 - 1
	b := outward(env)
	outer = tile.WorldBox{MinX: b.MinX - min(b.MinX, 1), MinY: b.MinY - min(b.MinY, 1), MaxX: b.MaxX + min(most-b.MaxX, 1), MaxY: b.MaxY + min(most-b.MaxY, 1)}
	// Where the world ends, positions beyond it are clamped: nothing there is sure.
	inner = tile.WorldBox{MinX: b.MinX + min(most-b.MinX, 2), MinY: b.MinY + min(most-b.MinY, 2), MaxX: b.MaxX - min(b.MaxX, 2), MaxY: b.MaxY - min(b.MaxY, 2)}
	return outer, inner
}

// encloses tells whether the inner box of queryBoxes holds a feature's box.
func encloses(inner, b tile.WorldBox) bool {
	return inner.MinX <= b.MinX && inner.MinY <= b.MinY && inner.MaxX >= b.MaxX && inner.MaxY >= b.MaxY
}
