package postgis

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"

	"twind/layers"
)

// surfacesSQL makes the table of surfaces and the function that keeps it in line with
// the layers' tables; it may run again.
//
//go:embed surfaces.sql
var surfacesSQL string

// upgrade brings a schema of an older format to this one; processes take turns.
func (s *Store) upgrade(ctx context.Context, conn *pgx.Conn) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('twind.create', 0))"); err != nil {
			return err
		}
		if err := script(ctx, tx, s.sql(surfacesSQL+commitSQL)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, s.sql("UPDATE {s}._store SET format = $1 WHERE format < $1"), format)
		return err
	})
	if code(err) == "42501" {
		return layers.Errorf(layers.ErrReadOnly, "schema %s at %s was made by an older twind and must be brought up to date by its owner: open it once as that user", s.schema, s.address)
	}
	return err
}

// joinSurfaces is the SQL that finds the surfaces of the features t.
func (s *Store) joinSurfaces(id string) string {
	return s.sql(" LEFT JOIN {s}._surfaces x ON x.layer = " + literal(id) + " AND x.feature = t.id")
}

// writeSurfaces does what a transaction's feature says of its surfaces: see layers.Tx.
func (x *tx) writeSurfaces(ctx context.Context, src *source, f *layers.Feature) error {
	if f.Surfaces == nil {
		return nil
	}
	sql, args := "DELETE FROM {s}._surfaces WHERE layer = $1 AND feature = $2", []any{string(src.layer.ID), f.ID}
	if len(f.Surfaces) > 0 {
		sql = "INSERT INTO {s}._surfaces (layer, feature, classes, surfaces) VALUES ($1, $2, $3, $4) ON CONFLICT (layer, feature) DO UPDATE SET classes = excluded.classes, surfaces = excluded.surfaces"
		args = append(args, f.Surfaces.Classes(), f.Surfaces.WKB())
	}
	if _, err := x.conn.Exec(ctx, x.s.sql(sql), args...); err != nil {
		return x.fail(err)
	}
	return nil
}

// surfacesTable is where a load stages surfaces.
func (l *loader) surfacesTable() string { return l.s.table(l.name + "_surfaces") }

func (l *loader) surfacesTableSQL() string {
	return "CREATE TABLE " + l.surfacesTable() + ` (feature text COLLATE "C" NOT NULL, classes text NOT NULL, surfaces bytea NOT NULL)`
}

// appendSurfaces adds a row to the ones of surfaces; empty surfaces matter only where
// there are some to be taken away.
func (l *loader) appendSurfaces(dst []byte, id string, s layers.Surfaces) []byte {
	if s == nil || len(s) == 0 && l.mode != layers.Upsert {
		return dst
	}
	l.surfaces = true
	dst = binary.BigEndian.AppendUint16(dst, 3)
	dst = appendText(dst, id)
	dst = appendText(dst, s.Classes())
	return appendText(dst, string(s.WKB()))
}

// replaceSurfaces makes the staged surfaces those of the layer, which has no others.
func (l *loader) replaceSurfaces(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, l.s.sql("DELETE FROM {s}._surfaces WHERE layer = $1"), string(l.src.layer.ID)); err != nil {
		return err
	}
	return l.addSurfaces(ctx, tx)
}

func (l *loader) addSurfaces(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, l.s.sql("INSERT INTO {s}._surfaces (layer, feature, classes, surfaces) SELECT $1, feature, classes, surfaces FROM %s WHERE length(surfaces) > 0", l.surfacesTable()), string(l.src.layer.ID))
	return err
}

// forgetSurfaces takes them from the features to which the staged rows give another
// geometry; called before the rows are written.
func (l *loader) forgetSurfaces(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, l.s.sql("DELETE FROM {s}._surfaces x USING %s l, %s t WHERE x.layer = $1 AND x.feature = l.id AND t.id = l.id AND t.geom::{g}.geometry::bytea IS DISTINCT FROM l.geom::bytea", l.table, l.src.relation), string(l.src.layer.ID))
	return err
}

// mergeSurfaces brings the staged ones into the layer; called after its rows.
func (l *loader) mergeSurfaces(ctx context.Context, tx pgx.Tx) error {
	if !l.surfaces {
		return nil
	}
	if _, err := tx.Exec(ctx, l.s.sql("DELETE FROM {s}._surfaces x USING %s n WHERE x.layer = $1 AND x.feature = n.feature", l.surfacesTable()), string(l.src.layer.ID)); err != nil {
		return err
	}
	return l.addSurfaces(ctx, tx)
}

// sameSurfaces is the SQL that joins what the condition same needs to the staged rows
// l, and the condition: nothing is staged, or what is there already.
func (l *loader) sameSurfaces() (join, same string) {
	if !l.surfaces {
		return "", ""
	}
	join = fmt.Sprintf(" LEFT JOIN %s n ON n.feature = l.id%s", l.surfacesTable(),
		l.s.sql(" LEFT JOIN {s}._surfaces x ON x.layer = "+literal(string(l.src.layer.ID))+" AND x.feature = l.id"))
	return join, " AND (n.feature IS NULL OR n.surfaces = coalesce(x.surfaces, '') AND n.classes = coalesce(x.classes, ''))"
}
