package postgis

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"twind/layers"
)

// rollbackTimeout is how long a rollback may take before the connection is given up.
const rollbackTimeout = 5 * time.Second

// headSQL is the last revision that was committed.
const headSQL = "SELECT greatest((SELECT max(revision) FROM {s}._changes), (SELECT pruned FROM {s}._store))"

// Head is the last revision committed by any process.
func (s *Store) Head(ctx context.Context) (head layers.Revision, err error) {
	if s.readOnly {
		return s.local.head(), nil
	}
	err = s.row(ctx, "read the revision", s.sql(headSQL), nil, (*int64)(&head))
	return head, err
}

// Changes yields the log after a revision, in order, all of one state. It fails
// with ErrNotFound when lines after that revision have been removed, or when the
// revision has never been reached (an older state was restored). Tables that only
// other processes publish are left out.
func (s *Store) Changes(ctx context.Context, after layers.Revision, yield func(layers.Record) error) error {
	if s.readOnly {
		return s.local.changes(after, yield)
	}
	mine := []string{}
	for id := range s.published {
		mine = append(mine, string(id))
	}
	var pruned, head int64
	// One statement, one state: the first row carries the log's reach.
	err := s.read(ctx, "read the change log", func(ctx context.Context, begun *bool) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rows, err := s.pool.Query(ctx, s.sql(`SELECT s.pruned, greatest(s.pruned, (SELECT max(revision) FROM {s}._changes)), c.revision, c.layer, c.feature, c.op, c.time
			FROM {s}._store s LEFT JOIN {s}._changes c ON c.revision > $1 AND (c.layer = ANY($2)
				OR NOT EXISTS (SELECT FROM {s}._published p WHERE p.layer = c.layer AND NOT EXISTS (SELECT FROM {s}._layers l WHERE l.id = p.layer)))
			ORDER BY c.revision`), int64(after), mine)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var rev *int64
			var layer, feature *string
			var op *int16
			var at *time.Time
			if err := rows.Scan(&pruned, &head, &rev, &layer, &feature, &op, &at); err != nil {
				return err
			}
			if int64(after) < pruned || int64(after) > head {
				cancel()
				return layers.Errorf(layers.ErrNotFound, "the change log at %s reaches from revision %d to %d, not back to %d: read the layers again", s.address, pruned, head, after)
			}
			if rev == nil {
				return nil
			}
			r := layers.Record{Revision: layers.Revision(*rev), Layer: layers.ID(*layer), Op: layers.ChangeOp(*op), Time: at.UTC()}
			if feature != nil {
				r.Feature = *feature
			}
			*begun = true
			if err := yield(r); err != nil {
				cancel()
				return err
			}
		}
		return rows.Err()
	})
	return err
}

// prune removes the oldest part of the log.
func (s *Store) prune(ctx context.Context) {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// One process at a time, and none while it would wait for a commit.
		_, err := tx.Exec(ctx, s.sql(`WITH bound AS (
				SELECT revision FROM {s}._changes ORDER BY revision DESC OFFSET $1 LIMIT 1
			), moved AS (
				UPDATE {s}._store SET pruned = bound.revision FROM bound WHERE pruned < bound.revision RETURNING pruned
			)
			DELETE FROM {s}._changes USING moved WHERE revision <= moved.pruned`), s.options.KeepChanges)
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.log.Warn("the change log could not be shortened", "error", s.wrap(err, "shorten the change log"))
	}
}
