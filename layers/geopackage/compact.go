package geopackage

import (
	"context"

	"twind/internal/sqlite"
	"twind/layers"
)

// compactSteps is how many lines of the log one transaction of a compaction looks at.
const compactSteps = 20_000

// compactLater compacts the log in the background when it has grown to twice
// what is kept: see Options.KeepChanges.
func (s *Store) compactLater(head layers.Revision) {
	keep := s.o.KeepChanges
	if int64(head)-s.floor.Load() < 2*keep || !s.compacting.CompareAndSwap(false, true) {
		return
	}
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		defer s.compacting.Store(false)
		if err := s.compact(s.life, keep); err != nil && s.life.Err() == nil {
			s.log.Warn("the change log could not be compacted", "error", err)
		}
	}()
}

// compact removes lines of the log that are older than the last keep revisions
// and that nobody needs any more: those about whole layers, about features that
// are gone or have a later line, and those before the last load of their layer.
// What stays gives the living features their revisions. Changes then reaches
// back to the new floor.
func (s *Store) compact(ctx context.Context, keep int64) error {
	var next, floor int64
	err := s.db.Write(ctx, func(c *sqlite.Conn) error {
		last, err := head(c)
		if err != nil {
			return err
		}
		floor = max(0, int64(last)-keep)
		old, err := c.Int(`SELECT value FROM twind_meta WHERE key = 'floor'`)
		if err != nil || old >= floor {
			floor = old
			return err
		}
		return c.Exec(`UPDATE twind_meta SET value = ? WHERE key = 'floor'`, floor)
	})
	if err != nil {
		return err
	}
	s.floor.Store(floor)
	for next < floor {
		err := s.db.Write(ctx, func(c *sqlite.Conn) error {
			upTo, err := c.Int(`SELECT ifnull(max(seq), ?2) FROM (SELECT seq FROM twind_changes WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3)`, next, floor, compactSteps)
			if err != nil {
				return err
			}
			err = c.Exec(`DELETE FROM twind_changes WHERE seq > ?1 AND seq <= ?2 AND (fid IS NULL OR op = ?3
				OR seq <= ifnull((SELECT base_revision FROM twind_layers l WHERE l.id = twind_changes.layer), ?2)
				OR EXISTS (SELECT 1 FROM twind_changes n WHERE n.layer = twind_changes.layer AND n.fid = twind_changes.fid AND n.seq > twind_changes.seq))`,
				next, upTo, int64(layers.Deleted))
			next = upTo
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
