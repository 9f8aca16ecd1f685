package snapshot

import (
	"context"
	"encoding/binary"
	"errors"

	"twind/layers"
)

// A cursor says after which feature a page begins:
//
//	generation of the base │ 0 │ place, uvarint │ id of the last feature of the page before
//
// While the base is the same, its place counts. After the base was rebuilt, the
// page goes on after the feature of that id in the new order, or about there
// when that feature is gone: a feature that changed its place meanwhile may then
// be missed or met twice.

var errPageFull = errors.New("page full")

// Page is up to limit features that match q, in the order of Scan, after the
// place that a cursor names; "" is the beginning. next is the cursor of the page
// that follows, "" when there is none. It fails as Scan does, and with ErrInvalid
// for a cursor that no page gave.
func (v *View) Page(ctx context.Context, q layers.Query, cursor string, limit int) (features []layers.Feature, next string, err error) {
	from := uint64(0)
	if cursor != "" {
		if from, err = v.resume(cursor); err != nil {
			return nil, "", err
		}
	}
	if limit <= 0 {
		return nil, cursor, nil
	}
	hidden := hiddenColumns(v.layer.Schema, q.Policy.Hidden)
	var last placed
	err = v.each(ctx, q, from, func(p placed) error {
		if len(features) == limit {
			next = v.cursor(last)
			return errPageFull
		}
		var f layers.Feature
		v.fill(p.ref, hidden, &f)
		features = append(features, f)
		last = p
		return nil
	})
	if err != nil && !errors.Is(err, errPageFull) {
		return nil, "", err
	}
	return features, next, nil
}

func (v *View) cursor(last placed) string {
	b := append([]byte(v.base.meta.Generation), 0)
	b = binary.AppendUvarint(b, last.place)
	return string(append(b, v.segments[last.ref.Segment].ID(int(last.ref.Feature))...))
}

// resume is the place at which the page after a cursor begins.
func (v *View) resume(cursor string) (uint64, error) {
	b := []byte(cursor)
	for k, c := range b {
		if c != 0 {
			continue
		}
		place, n := binary.Uvarint(b[k+1:])
		if n <= 0 || place >= 1<<62 || k != len(v.base.meta.Generation) || layers.CheckFeatureID(string(b[k+1+n:])) != nil {
			break
		}
		if string(b[:k]) == v.base.meta.Generation {
			return place + 1, nil
		}
		if ref, ok := v.Find(string(b[k+1+n:])); ok {
			return v.place(ref) + 1, nil
		}
		return place, nil
	}
	return 0, layers.Errorf(layers.ErrInvalid, "the cursor is not one that a page of layer %s gave; ask for the first page again", v.layer.ID)
}
