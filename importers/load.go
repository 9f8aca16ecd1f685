package importers

import (
	"errors"
	"io"
	"iter"

	"twind/layers"
)

// load reads every data set again and writes what the check accepted.
func (r *run) load() (err error) {
	if r.existing == nil {
		if err := r.store.CreateLayer(r.ctx, r.layer); err != nil {
			return err
		}
		defer func() {
			if err != nil { // an empty layer must not stay behind, even when the run was cancelled
				ctx, cancel := withoutCancel(r.ctx)
				defer cancel()
				if e := r.store.DropLayer(ctx, r.layer.ID); e != nil {
					err = errors.Join(err, e)
				}
				r.report.Created = false
			}
		}()
	} else if len(r.layer.Schema) > len(r.existing.Schema) {
		if err := r.store.UpdateLayer(r.ctx, r.layer); err != nil {
			return err
		}
	}
	mode := map[Mode]layers.LoadMode{Append: layers.Append, Replace: layers.Replace, Upsert: layers.Upsert}[r.report.Mode]
	clear(r.ids)
	r.before = 0
	res, err := r.store.Load(r.ctx, r.layer.ID, mode, r.features())
	if err != nil {
		return err
	}
	r.report.Inserted, r.report.Updated, r.report.Unchanged, r.report.Revision = res.Inserted, res.Updated, res.Unchanged, res.Revision
	if t := r.plan.Title; t != nil && *t != r.layer.Title { // of a layer that was there; what failed leaves its name
		r.layer.Title = *t
		return r.store.UpdateLayer(r.ctx, r.layer)
	}
	return nil
}

// features are the accepted records of all data sets, in order, as features of
// the layer. Each feature owns its memory.
func (r *run) features() iter.Seq2[*layers.Feature, error] {
	return func(yield func(*layers.Feature, error) bool) {
		loaded := int64(0)
		for i := range r.sets {
			more, n, err := r.loadSet(&r.sets[i], yield)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				return
			}
			loaded += n
			r.before += r.sets[i].size
		}
		if loaded != r.report.Accepted {
			yield(nil, layers.Errorf(layers.ErrConflict, "%s changed while it was being imported: %d features were accepted and %d read again; nothing was written", r.names(), r.report.Accepted, loaded))
		}
	}
}

func (r *run) loadSet(s *dataSet, yield func(*layers.Feature, error) bool) (more bool, loaded int64, err error) {
	src, err := r.open(s, r.report.Files[s.report].Encoding, false)
	if err != nil {
		return false, 0, err
	}
	defer src.Close()
	tr, err := toDegrees(s.from)
	if err != nil {
		return false, 0, err
	}
	s.cols, s.again = s.cols[:0], false
	var to []int // position in the layer's schema of each field, −1 for none
	for n := int64(1); ; n++ {
		var rec Record
		refusal, err := r.next(src, &rec)
		if errors.Is(err, io.EOF) {
			return true, loaded, nil
		}
		if err != nil {
			return false, loaded, err
		}
		r.progress("load", s, src, n)
		fields := src.Fields()
		r.mapFields(s, fields)
		for len(to) < len(fields) {
			p := -1
			if c := s.cols[len(to)]; c >= 0 {
				p = r.layer.PropertyIndex(r.columns.list[c].name)
			}
			to = append(to, p)
		}
		if refusal != nil || r.admit(&rec, s, src, tr) != nil {
			continue
		}
		f := &layers.Feature{ID: rec.ID, Geometry: rec.Geometry, Properties: make([]layers.Value, len(r.layer.Schema))}
		if rec.Surfaces != nil {
			if f.Surfaces, err = rec.Surfaces.encode(); err != nil { // the check has told
				f.Surfaces = layers.Surfaces{}
			}
		}
		for i, v := range rec.Values {
			if to[i] >= 0 {
				// The check and the types it decided on leave no value that does not convert.
				f.Properties[to[i]], _ = convert(v, r.layer.Schema[to[i]].Type)
			}
		}
		loaded++
		if !yield(f, nil) {
			return false, loaded, nil
		}
	}
}
