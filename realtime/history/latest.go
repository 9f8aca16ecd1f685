package history

import (
	"context"
	"slices"

	"twind/layers"
	"twind/realtime"
)

// Latest implements realtime.Recording. It reads from the newest block back and
// does not look into blocks whose entities are all known later.
func (l *Log) Latest(ctx context.Context, layer layers.ID, from, to int64, yield func(*realtime.Believed) error) error {
	q := ask(KindPosition, string(layer))
	q.receivedFrom, q.receivedTo = from, to
	segments, journals, blocks := l.sources(&q)
	defer l.release(journals)
	latest := map[string]realtime.Believed{}
	s := scanner{
		ctx: ctx, q: &q, reverse: true, t: tables.Get().(*table), buf: blockBuffers.Get().(*[]byte),
		useful: func(ref *blockRef, t *table) bool {
			return slices.ContainsFunc(t.texts[colID].words, func(id string) bool {
				known, ok := latest[id]
				return !ok || known.Time < ref.time.max
			})
		},
		yield: func(t *table, row int) error {
			known, ok := latest[t.texts[colID].at(row)]
			at, received := t.ints[colTime][row], t.ints[colReceived][row]
			if ok && (known.Time > at || known.Time == at && known.Received >= received) {
				return nil
			}
			t.position(row, &known)
			latest[known.ID] = known
			return nil
		},
	}
	defer tables.Put(s.t)
	defer blockBuffers.Put(s.buf)
	for i, j := range slices.Backward(journals) {
		if err := s.file(j.path, nil, blocks[i]); err != nil {
			return err
		}
	}
	for _, g := range slices.Backward(segments) {
		if err := s.segment(g); err != nil {
			return err
		}
	}
	for _, b := range latest {
		if err := yield(&b); err != nil {
			return err
		}
	}
	return nil
}
