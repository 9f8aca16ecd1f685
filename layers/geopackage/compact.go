package geopackage

import (
	"context"

	"twind/internal/sqlite"
	"twind/layers"
)

// compactLines is how many lines of the log one step of a compaction looks at.
const compactLines = 20_000

// compaction removes lines of the log that are older than the last keep lines
// and that nobody needs any more: those about whole layers, about features that
// are gone or have a later line, and those before the last load of their layer.
// What stays gives the living features their revisions. Changes then reaches
// back to the new floor. It belongs to the goroutine that follows the file and
// goes on by one short transaction at a time.
type compaction struct {
	s           *Store
	last, lines int64 // the log's end, as last seen, and its lines from the floor up to there
	next, until int64 // lines after next up to until are still to be looked at
}

// step does a little of it where there is something to do, given the log's end:
// see Options.KeepChanges.
func (k *compaction) step(ctx context.Context, head int64) error {
	if k.next >= k.until {
		if err := k.count(ctx, head); err != nil || k.lines < 2*k.s.o.KeepChanges {
			return err
		}
	}
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

// count counts the lines that were added since it last did.
func (k *compaction) count(ctx context.Context, head int64) error {
	if head <= k.last {
		return nil
	}
	return k.s.db.Read(ctx, func(c *sqlite.Conn) error {
		n, err := c.Int(`SELECT count(*) FROM twind_changes WHERE seq > max(?1, (SELECT value FROM twind_meta WHERE key = 'floor')) AND seq <= ?2`, k.last, head)
		if err == nil {
			k.lines, k.last = k.lines+n, head
		}
		return err
	})
}

// begin raises the floor, unless another process has.
func (k *compaction) begin(c *sqlite.Conn) error {
	k.last, k.lines = 0, 0 // to be counted anew
	floor, err := c.Int(`SELECT value FROM twind_meta WHERE key = 'floor'`)
	if err != nil {
		return err
	}
	keep := k.s.o.KeepChanges
	lines, err := c.Int(`SELECT count(*) FROM twind_changes WHERE seq > ?`, floor)
	if err != nil || lines < 2*keep {
		return err
	}
	if floor, err = c.Int(`SELECT seq FROM twind_changes ORDER BY seq DESC LIMIT 1 OFFSET ?`, keep); err != nil {
		return err
	}
	k.next, k.until = 0, floor
	return c.Exec(`UPDATE twind_meta SET value = ? WHERE key = 'floor'`, floor)
}
