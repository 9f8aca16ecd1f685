package geopackage

import (
	"context"
	"iter"

	"twind/layers"
)

// Load (first form).
func (s *Store) Load(ctx context.Context, id layers.ID, mode layers.LoadMode, features iter.Seq2[*layers.Feature, error]) (res layers.LoadResult, err error) {
	res.Revision, err = s.Update(ctx, func(x layers.Tx) error {
		if mode == layers.Replace {
			var ids []string
			t, err := x.(*tx).k.find(id)
			if err != nil {
				return err
			}
			if err := x.(*tx).c.Exec("DELETE FROM " + q(t.name)); err != nil {
				return err
			}
			_ = ids
		}
		for f, err := range features {
			if err != nil {
				return err
			}
			if mode == layers.Upsert && f.ID != "" {
				err = x.Replace(ctx, id, f)
				if err == nil {
					res.Updated++
					continue
				}
			}
			if err := x.Insert(ctx, id, f); err != nil {
				return err
			}
			res.Inserted++
		}
		return nil
	})
	return res, err
}
