package geopackage

import (
	"context"

	"twind/internal/sqlite"
	"twind/layers"
)

// compactLines is how many lines of the log one step of a compaction looks at.
const compactLines = 20_000

// compaction removes lines of the log that are older than the last keep revisions
// and that nobody needs any more: those about whole layers, about features that
// are gone or have a later line, and those before the last load of their layer.
// What stays gives the living features their revisions. Changes then reaches
// back to the new floor. It belongs to the goroutine that follows the file and
// goes on by one short transaction at a time.
type compaction struct {
	s           *Store
	last, floor int64 // the log's end and the revision after which it is whole, as last known
	next, until int64 // lines after next up to until are still to be looked at
}

// wants tells whether there is something to do, given the log's end: see
// Options.KeepChanges.
func (k *compaction) wants(head int64) bool {
	k.last = max(k.last, head)
	return k.next < k.until || k.last-k.floor >= 2*k.s.o.KeepChanges
}

// step does a little of it.
func (k *compaction) step(ctx context.Context) error {
	return k.s.db.Write(ctx, func(c *sqlite.Conn) error {
		if k.next >= k.until {
			return k.begin(c)
		}
		upTo, err := c.Int(`SELECT ifnull(max(seq), ?2) FROM (SELECT seq FROM twind_changes WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3)`, k.next, k.until, compactLines)
		if err != nil {
			return err
		}
		err = c.Exec(`DELETE FROM twind_changes WHERE seq > ?1 AND seq <= ?2 AND (fid IS NULL OR op = ?3
			OR seq <= ifnull((SELECT base_revision FROM twind_layers l WHERE l.id = twind_changes.layer), ?2)
			OR EXISTS (SELECT 1 FROM twind_changes n WHERE n.layer = twind_changes.layer AND n.fid = twind_changes.fid AND n.seq > twind_changes.seq))`,
			k.next, upTo, int64(layers.Deleted))
		k.next = upTo
		return err
	})
}

// begin raises the floor, unless another process has.
func (k *compaction) begin(c *sqlite.Conn) error {
	rev, err := head(c)
	if err != nil {
		return err
	}
	if k.floor, err = c.Int(`SELECT value FROM twind_meta WHERE key = 'floor'`); err != nil {
		return err
	}
	k.last = int64(rev)
	if k.last-k.floor < 2*k.s.o.KeepChanges {
		return nil
	}
	k.floor = k.last - k.s.o.KeepChanges
	k.next, k.until = 0, k.floor
	return c.Exec(`UPDATE twind_meta SET value = ? WHERE key = 'floor'`, k.floor)
}
