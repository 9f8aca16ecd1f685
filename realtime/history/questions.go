package history

import (
	"context"
	"slices"
	"strings"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// MaxEntities bounds the entities that one question about a box looks at.
const MaxEntities = 1_000_000

// Track lists the positions of an entity by the source's time, from ≤ t ≤ to
// (ms since 1970), at most limit; more says that the next begins after the last.
func (l *Log) Track(ctx context.Context, layer layers.ID, id string, from, to int64, limit int) (rows []realtime.Believed, more bool, err error) {
	q := ask(KindPosition, string(layer))
	q.id, q.timeFrom, q.timeTo = id, from, to+1
	keep := func() { // the first limit+1 by time; of equal times the one received last
		slices.SortStableFunc(rows, func(a, b realtime.Believed) int {
			switch {
			case a.Time != b.Time:
				return compare(a.Time, b.Time)
			default:
				return compare(b.Received, a.Received)
			}
		})
		rows = slices.CompactFunc(rows, func(a, b realtime.Believed) bool { return a.Time == b.Time })
		rows = rows[:min(len(rows), limit+1)]
	}
	err = l.scan(ctx, q, func(t *table, row int) error {
		var b realtime.Believed
		t.position(row, &b)
		if rows = append(rows, b); len(rows) > 2*limit+1000 {
			keep()
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	keep()
	if len(rows) > limit {
		return rows[:limit], true, nil
	}
	return rows, false, nil
}

func compare(a, b int64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// At is the latest position, by the source's time, of each entity of a layer
// that was taken in at−within < t ≤ at (ms), if that lies in one of the
// envelopes (degrees, borders included; none: anywhere), ordered by id. It fails
// with layers.ErrInvalid when over MaxEntities were on the move.
func (l *Log) At(ctx context.Context, layer layers.ID, boxes []spatial.Envelope, at, within int64) ([]realtime.Believed, error) {
	q := ask(KindPosition, string(layer))
	q.timeFrom, q.timeTo = at-within+1, at+1
	latest := map[string]realtime.Believed{}
	err := l.scan(ctx, q, func(t *table, row int) error {
		// The box must not be asked before: it is the latest place that counts.
		id := t.texts[colID].at(row)
		known, ok := latest[id]
		if ok && known.Time > t.ints[colTime][row] {
			return nil
		}
		if !ok && len(latest) >= MaxEntities {
			return tooMany(layer)
		}
		t.position(row, &known)
		latest[id] = known
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]realtime.Believed, 0, len(latest))
	for _, b := range latest {
		if inside(boxes, &b) {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b realtime.Believed) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

func tooMany(layer layers.ID) error {
	return layers.Errorf(layers.ErrInvalid, "more than %d entities of layer %s were there; ask for a shorter time", MaxEntities, layer)
}

// Visit is an entity's stay in a box: its first and last position there, and
// how many there were between them, both included.
type Visit struct {
	First, Last realtime.Believed
	Positions   int
}

func inside(boxes []spatial.Envelope, b *realtime.Believed) bool {
	return len(boxes) == 0 || slices.ContainsFunc(boxes, func(e spatial.Envelope) bool { return e.ContainsPoint(b.Lon, b.Lat) })
}

// Visits lists the entities of a layer that were in one of the envelopes at
// from ≤ t ≤ to (ms) by the source's time, ordered by id. admit decides row by
// row who may be seen there. It fails as At does.
func (l *Log) Visits(ctx context.Context, layer layers.ID, boxes []spatial.Envelope, from, to int64, admit func(*realtime.Believed) bool) ([]Visit, error) {
	q := ask(KindPosition, string(layer))
	q.timeFrom, q.timeTo = from, to+1
	if len(boxes) == 1 {
		q.box = &boxes[0]
	}
	found := map[string]*Visit{}
	err := l.scan(ctx, q, func(t *table, row int) error {
		var b realtime.Believed
		t.position(row, &b)
		if !inside(boxes, &b) || !admit(&b) {
			return nil
		}
		v := found[b.ID]
		if v == nil {
			if len(found) >= MaxEntities {
				return tooMany(layer)
			}
			found[b.ID] = &Visit{First: b, Last: b, Positions: 1}
			return nil
		}
		v.Positions++
		if b.Time < v.First.Time {
			v.First = b
		}
		if b.Time >= v.Last.Time {
			v.Last = b
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]Visit, 0, len(found))
	for _, v := range found {
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b Visit) int { return strings.Compare(a.First.ID, b.First.ID) })
	return out, nil
}

// Since lists the positions of a layer that the server received in
// after < t < before (ms since 1970), in the order of receipt, in one of the
// envelopes (none: anywhere) and of one entity ("": any). It ends with a whole
// millisecond once it has limit rows: the next begins after the last.
func (l *Log) Since(ctx context.Context, layer layers.ID, boxes []spatial.Envelope, id string, after, before int64, limit int) (rows []realtime.Believed, more bool, err error) {
	q := ask(KindPosition, string(layer))
	q.id, q.receivedFrom, q.receivedTo = id, after+1, before
	if len(boxes) == 1 {
		q.box = &boxes[0]
	}
	keep := func() {
		slices.SortStableFunc(rows, func(a, b realtime.Believed) int {
			if c := compare(a.Received, b.Received); c != 0 {
				return c
			}
			if c := compare(a.Time, b.Time); c != 0 {
				return c
			}
			return strings.Compare(a.ID, b.ID)
		})
		n := limit
		for n > 0 && n < len(rows) && rows[n].Received == rows[limit-1].Received {
			n++
		}
		if n < len(rows) {
			more = true
			rows = rows[:n]
		}
	}
	err = l.scan(ctx, q, func(t *table, row int) error {
		var b realtime.Believed
		if t.position(row, &b); inside(boxes, &b) {
			if rows = append(rows, b); len(rows) > 2*limit+1000 {
				keep()
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	keep()
	return rows, more, nil
}
