package geopackage

import (
	"context"
	"time"

	"twind/internal/sqlite"
	"twind/layers"
)

// Changes yields the log after a revision, in order, all of one state. It fails
// with ErrNotFound when lines after that revision have been removed, or when
// the revision has never been reached (the file was put back to an older state).
func (s *Store) Changes(ctx context.Context, after layers.Revision, yield func(layers.Record) error) error {
	return s.explain(s.db.Read(ctx, func(c *sqlite.Conn) error {
		floor, err := c.Int(`SELECT value FROM twind_meta WHERE key = 'floor'`)
		if err != nil {
			return err
		}
		last, err := head(c)
		if err != nil {
			return err
		}
		if after < layers.Revision(floor) || after > last {
			return layers.Errorf(layers.ErrNotFound, "the change log of %s reaches from revision %d to %d, not back to %d; read the layers again", s.path, floor, last, after)
		}
		return c.Query(func(r *sqlite.Stmt) error {
			return yield(layers.Record{
				Revision: layers.Revision(r.ColumnInt64(0)),
				Layer:    layers.ID(r.ColumnText(1)),
				Feature:  r.ColumnText(2),
				Op:       layers.ChangeOp(r.ColumnInt64(3)),
				Time:     time.UnixMilli(r.ColumnInt64(4)).UTC(),
			})
		}, `SELECT seq, layer, id, op, time FROM twind_changes WHERE seq > ? ORDER BY seq`, int64(after))
	}))
}
