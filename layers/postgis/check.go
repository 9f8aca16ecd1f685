package postgis

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"twind/layers"
)

// Check looks for layers without table, column, trigger or valid index, tables
// without layer, features that no layer may hold, and published tables that can
// no longer be read. It yields one sentence for each fault.
func (s *Store) Check(ctx context.Context, yield func(fault string) error) error {
	if !s.readOnly {
		if err := s.checkOwn(ctx, yield); err != nil {
			return err
		}
	}
	return s.checkPublished(ctx, yield)
}

func (s *Store) checkOwn(ctx context.Context, yield func(string) error) error {
	all, err := s.Layers(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		if s.published[l.ID] != nil {
			continue
		}
		src, err := s.source(ctx, l.ID)
		if err != nil {
			if err := yield(err.Error()); err != nil {
				return err
			}
			continue
		}
		var there bool
		if err := s.row(ctx, "check layer "+string(l.ID), "SELECT to_regclass($1) IS NOT NULL", []any{src.relation}, &there); err != nil {
			return err
		}
		if !there {
			if err := yield(fmt.Sprintf("layer %s has lost its table %s: restore it from a backup, or remove the layer with twind drop %s", l.ID, src.relation, l.ID)); err != nil {
				return err
			}
			continue
		}
		var triggers, indexes int
		var columns []string
		err = s.row(ctx, "check layer "+string(l.ID), `SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled <> 'D' AND tgfoid = to_regproc($2)),
			(SELECT count(*) FROM pg_index WHERE indrelid = c.oid AND indisvalid),
			(SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) FROM pg_class c WHERE c.oid = $1::regclass`,
			[]any{src.relation, s.sql("{s}._record")}, &triggers, &indexes, &columns)
		if err != nil {
			return err
		}
		var faults []string
		if triggers < 4 {
			faults = append(faults, fmt.Sprintf("layer %s has %d of its 4 triggers: edits by other programs are not noticed; export and load it again", l.ID, triggers))
		}
		if indexes < 3 {
			faults = append(faults, fmt.Sprintf("layer %s has lost an index of its table: reading and writing it is slow; export and load it again", l.ID))
		}
		have := map[string]bool{}
		for _, c := range columns {
			have[c] = true
		}
		for i, c := range src.columns {
			if !have[c] {
				faults = append(faults, fmt.Sprintf("layer %s has lost the column %s of property %q: restore it from a backup", l.ID, quote(c), l.Schema[i].Name))
			}
		}
		for _, f := range faults {
			if err := yield(f); err != nil {
				return err
			}
		}
		var strays int64
		if err := s.row(ctx, "check layer "+string(l.ID), s.sql("SELECT count(*) FROM {s}._surfaces x WHERE x.layer = $1 AND NOT EXISTS (SELECT FROM %s t WHERE t.id = x.feature)", src.relation), []any{string(l.ID)}, &strays); err != nil {
			return err
		}
		if strays > 0 {
			if err := yield(fmt.Sprintf("layer %s: %d rows of %s belong to no feature; delete them", l.ID, strays, s.sql("{s}._surfaces"))); err != nil {
				return err
			}
		}
		if len(faults) == 0 {
			if err := s.checkFeatures(ctx, src, yield); err != nil {
				return err
			}
		}
	}
	return s.checkStray(ctx, yield)
}

// checkFeatures reads every feature as a reader would.
func (s *Store) checkFeatures(ctx context.Context, src *source, yield func(string) error) error {
	return s.Scan(ctx, src.layer.ID, layers.Query{}, func(f *layers.Feature) error {
		if err := layers.CheckFeature(&src.layer, f); err != nil {
			return yield(fmt.Sprintf("layer %s, feature %q: %v", src.layer.ID, f.ID, err))
		}
		return nil
	})
}

// checkStray finds tables in the schema that belong to no layer.
func (s *Store) checkStray(ctx context.Context, yield func(string) error) error {
	rows, err := s.pool.Query(ctx, s.sql(`SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = '{n}'::regnamespace AND c.relkind IN ('r', 'p')
		AND NOT EXISTS (SELECT FROM {s}._layers WHERE id = c.relname) AND NOT EXISTS (SELECT FROM {s}._loads WHERE c.relname IN ('_load_' || number, '_load_' || number || '_surfaces'))
		AND c.relname NOT IN ('_store', '_layers', '_bases', '_changes', '_loads', '_published', '_pending', '_commits', '_surfaces') ORDER BY 1`))
	if err != nil {
		return s.wrap(err, "check the schema")
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return s.wrap(err, "check the schema")
	}
	for _, n := range names {
		if err := yield(fmt.Sprintf("table %s belongs to no layer: move it to another schema", s.table(n))); err != nil {
			return err
		}
	}
	return nil
}
