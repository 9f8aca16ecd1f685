package postgis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"twind/layers"
	"twind/spatial"
)

// source is what SQL needs to know of a layer: where its features are and which
// expression gives each part of them.
type source struct {
	layer    layers.Layer
	columns  []string // names in the table
	number   int      // of twind's own
	relation string   // quoted, qualified
	id       string   // SQL expression of type text
	geometry string   // SQL expression of type geometry, in degrees
	extent   string   // SQL expression of type geometry whose index serves envelope queries; "" for none
	revision string   // SQL expression of type bigint
	values   []string // SQL expressions, of the types that columnType names
	join     string   // SQL after the relation "t" in FROM
	key      string   // SQL condition "… = ANY($n)" on the key, with %s for the parameter
	public   *published
}

// mark ends a statement that is prepared once: a layer that is dropped and made
// anew, perhaps with other types, has statements of its own.
func (src *source) mark() string { return fmt.Sprintf(" /* %d */", src.number) }

// Layers lists twind's own layers and the published ones, by id.
func (s *Store) Layers(ctx context.Context) ([]layers.Layer, error) {
	var out []layers.Layer
	if !s.readOnly {
		err := s.read(ctx, "list the layers", func(ctx context.Context, _ *bool) error {
			out = out[:0]
			rows, err := s.pool.Query(ctx, s.sql("SELECT id, description FROM {s}._layers"))
			if err != nil {
				return err
			}
			var id string
			var description []byte
			_, err = pgx.ForEachRow(rows, []any{&id, &description}, func() error {
				l, err := parseDescription(id, description)
				out = append(out, l)
				return err
			})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for _, p := range s.published {
		out = append(out, clone(p.source.layer))
	}
	slices.SortFunc(out, func(a, b layers.Layer) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out, nil
}

func parseDescription(id string, description []byte) (layers.Layer, error) {
	var l layers.Layer
	if err := json.Unmarshal(description, &l); err != nil || string(l.ID) != id {
		return l, layers.Errorf(layers.ErrCorrupt, "the description of layer %s is damaged: mend it in the table _layers", id)
	}
	if l.Schema == nil {
		l.Schema = []layers.Property{}
	}
	return l, nil
}

// Layer is one description.
func (s *Store) Layer(ctx context.Context, id layers.ID) (layers.Layer, error) {
	src, err := s.source(ctx, id)
	if err != nil {
		return layers.Layer{}, err
	}
	return clone(src.layer), nil
}

// clone copies a description for a caller, who may change it.
func clone(l layers.Layer) layers.Layer {
	l.Schema, l.Style = slices.Clone(l.Schema), slices.Clone(l.Style)
	return l
}

func notFound(id layers.ID) error {
	return layers.Errorf(layers.ErrNotFound, "there is no layer %q", string(id))
}

// source finds a layer.
func (s *Store) source(ctx context.Context, id layers.ID) (*source, error) {
	if p := s.published[id]; p != nil {
		return &p.source, nil
	}
	if s.readOnly {
		return nil, notFound(id)
	}
	var description []byte
	src := &source{}
	err := s.row(ctx, "read layer "+string(id), s.sql("SELECT number, description, columns FROM {s}._layers WHERE id = $1"), []any{string(id)},
		&src.number, &description, &src.columns)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, notFound(id)
	}
	if err != nil {
		return nil, err
	}
	return src, s.describe(src, string(id), description)
}

// describe fills in the source of a layer of twind's own.
func (s *Store) describe(src *source, id string, description []byte) (err error) {
	if src.layer, err = parseDescription(id, description); err != nil {
		return err
	}
	if len(src.columns) != len(src.layer.Schema) {
		return layers.Errorf(layers.ErrCorrupt, "layer %s has %d columns for %d properties: mend it in the table _layers", id, len(src.columns), len(src.layer.Schema))
	}
	src.relation, src.id, src.geometry, src.extent = s.table(id), "t.id", "t.geom", "t.geom"
	src.key = "t.id = ANY(%s::text[])"
	src.join = s.joinSurfaces(id)
	src.revision = s.sql("greatest(t.revision, (SELECT revision FROM {s}._bases WHERE layer = ") + literal(id) + "))"
	src.values = nil
	for _, c := range src.columns {
		src.values = append(src.values, "t."+quote(c))
	}
	return nil
}

// own is the source of a layer that may be written.
func (s *Store) own(ctx context.Context, id layers.ID) (*source, error) {
	src, err := s.source(ctx, id)
	if err != nil {
		return nil, err
	}
	if src.public != nil {
		return nil, layers.Errorf(layers.ErrReadOnly, "layer %s is published from %s and read-only: edit that table", id, src.public.name)
	}
	return src, nil
}

func (s *Store) writable() error {
	if s.readOnly {
		return layers.Errorf(layers.ErrReadOnly, "the store at %s is read-only: the database user %s has no schema %s to write to", s.address, s.user, s.schema)
	}
	return nil
}

// geometryNames are the types of geometry that PostGIS calls so.
func geometryNames(l *layers.Layer) []string {
	names := []string{strings.ToUpper(l.GeometryType.String())}
	if single := l.GeometryType.Single(); single != l.GeometryType {
		names = append(names, strings.ToUpper(single.String()))
	}
	return names
}

// tableSQL is the definition of a layer's table, or of its staging table, which
// gets its keys, index and triggers when it takes the other's place.
func (s *Store) tableSQL(name string, l *layers.Layer, columns []string) string {
	var b strings.Builder
	b.WriteString(s.sql("CREATE TABLE %s (id text COLLATE \"C\" NOT NULL DEFAULT nextval(%s)::text, geom {g}.geometry, revision bigint NOT NULL DEFAULT 0",
		s.table(name), literal(s.sql("{s}._feature_id"))))
	for i, c := range columns {
		fmt.Fprintf(&b, ", %s %s", quote(c), columnType(l.Schema[i].Type))
	}
	// In the form in which the view geometry_columns finds SRID and type.
	b.WriteString(s.sql(", CONSTRAINT enforce_srid_geom CHECK ({g}.st_srid(geom) = %d)", l.CRS))
	if l.GeometryType != spatial.Unknown {
		for i, n := range geometryNames(l) {
			if i == 0 {
				b.WriteString(s.sql(", CONSTRAINT enforce_geotype_geom CHECK ({g}.geometrytype(geom) = %s", literal(n)))
			} else {
				b.WriteString(s.sql(" OR {g}.geometrytype(geom) = %s", literal(n)))
			}
		}
		b.WriteString(")")
	}
	// Ids as layers.CheckFeatureID has them.
	b.WriteString(`, CONSTRAINT feature_id CHECK (octet_length(id) BETWEEN 1 AND 255 AND id !~ E'[\\u0001-\\u001f\\u007f/\\ufffd]'))`)
	return b.String()
}

// keysSQL gives a layer's table its primary key, its spatial index, and an index
// of the features that are nowhere, which match every envelope.
func (s *Store) keysSQL(name, prefix string) string {
	return fmt.Sprintf("ALTER TABLE %[1]s ADD CONSTRAINT %[2]s PRIMARY KEY (id); CREATE INDEX %[3]s ON %[1]s USING gist (geom); CREATE INDEX %[4]s ON %[1]s (id) WHERE %[5]s",
		s.table(name), quote(prefix+"_pkey"), quote(prefix+"_geom"), quote(prefix+"_nowhere"), nowhere(s, "geom"))
}

// recordingSQL makes the triggers that write a table's changes to the log. key is
// an SQL expression over the table's columns.
func (s *Store) recordingSQL(table, prefix string, id layers.ID, key string) string {
	var b strings.Builder
	for _, t := range [][2]string{
		{"insert", "REFERENCING NEW TABLE AS new_rows"}, {"update", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"},
		{"delete", "REFERENCING OLD TABLE AS old_rows"}, {"truncate", ""}} {
		fmt.Fprintf(&b, "CREATE OR REPLACE TRIGGER %s AFTER %s ON %s %s FOR EACH STATEMENT WHEN (current_setting('twind.recording', true) IS DISTINCT FROM 'off') EXECUTE FUNCTION %s(%s, %s);\n",
			quote(prefix+"_"+t[0]), strings.ToUpper(t[0]), table, t[1], s.sql("{s}._record"), literal(string(id)), literal(key))
	}
	return b.String()
}

// script runs several statements without parameters.
func script(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// note logs a change of a whole layer when the transaction ends.
func (s *Store) note(ctx context.Context, tx pgx.Tx, id layers.ID, op layers.ChangeOp) error {
	_, err := tx.Exec(ctx, s.sql("SELECT {s}._note($1, $2)"), string(id), int16(op))
	return err
}

// CreateLayer makes a layer's table.
func (s *Store) CreateLayer(ctx context.Context, l layers.Layer) error {
	if err := s.writable(); err != nil {
		return err
	}
	if err := l.Validate(); err != nil {
		return err
	}
	if err := checkText(&l); err != nil {
		return err
	}
	what := "create layer " + string(l.ID)
	exists := layers.Errorf(layers.ErrExists, "layer %s exists already: choose another id, or drop it first", l.ID)
	if s.published[l.ID] != nil {
		return exists
	}
	l.ReadOnly = false
	description, err := json.Marshal(l)
	if err != nil {
		return layers.Errorf(layers.ErrInvalid, "%s: %w", what, err)
	}
	columns := columnNames(l.Schema, nil)
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var number int
		err := tx.QueryRow(ctx, s.sql("INSERT INTO {s}._layers (id, description, columns) VALUES ($1, $2, $3) RETURNING number"), string(l.ID), string(description), columns).Scan(&number)
		if code(err) == "23505" {
			return exists
		}
		if err != nil {
			return err
		}
		prefix := fmt.Sprintf("_%d", number)
		if err := script(ctx, tx, s.tableSQL(string(l.ID), &l, columns)+";"+s.keysSQL(string(l.ID), prefix)+";"+s.recordingSQL(s.table(string(l.ID)), prefix, l.ID, "id")); err != nil {
			if code(err) == "42P07" {
				return layers.Errorf(layers.ErrExists, "schema %s has a table %s already that is not a layer: rename it or choose another id", s.schema, l.ID)
			}
			return err
		}
		return s.note(ctx, tx, l.ID, layers.LayerCreated)
	})
	return s.wrap(err, what)
}

// checkText refuses what PostgreSQL cannot keep.
func checkText(l *layers.Layer) error {
	b, err := json.Marshal(l)
	if err != nil {
		return layers.Errorf(layers.ErrInvalid, "layer %s: %w", l.ID, err)
	}
	if strings.Contains(string(b), `\u0000`) {
		return layers.Errorf(layers.ErrInvalid, "the description of layer %s holds a zero byte", l.ID)
	}
	return nil
}

// UpdateLayer replaces a description; new properties become columns.
func (s *Store) UpdateLayer(ctx context.Context, l layers.Layer) error {
	if err := s.writable(); err != nil {
		return err
	}
	if err := l.Validate(); err != nil {
		return err
	}
	if err := checkText(&l); err != nil {
		return err
	}
	src, err := s.own(ctx, l.ID)
	if err != nil {
		return err
	}
	what := "update layer " + string(l.ID)
	l.ReadOnly = false
	description, err := json.Marshal(l)
	if err != nil {
		return layers.Errorf(layers.ErrInvalid, "%s: %w", what, err)
	}
	change := func(tx pgx.Tx) error {
		var now source
		var was []byte
		err := tx.QueryRow(ctx, s.sql("SELECT number, description, columns FROM {s}._layers WHERE id = $1 FOR UPDATE"), string(l.ID)).Scan(&now.number, &was, &now.columns)
		if errors.Is(err, pgx.ErrNoRows) {
			return notFound(l.ID)
		}
		if err != nil {
			return err
		}
		if err := s.describe(&now, string(l.ID), was); err != nil {
			return err
		}
		if err := sameShape(&now.layer, &l); err != nil {
			return err
		}
		if len(l.Schema) > len(src.layer.Schema) && len(now.columns) != len(src.columns) {
			return layers.Errorf(layers.ErrConflict, "layer %s gained properties meanwhile: read it again", l.ID)
		}
		columns := columnNames(l.Schema, now.columns)
		for i := len(now.columns); i < len(columns); i++ {
			if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", now.relation, quote(columns[i]), columnType(l.Schema[i].Type))); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, s.sql("UPDATE {s}._layers SET description = $2, columns = $3 WHERE id = $1"), string(l.ID), string(description), columns); err != nil {
			return err
		}
		return s.note(ctx, tx, l.ID, layers.LayerUpdated)
	}
	if len(l.Schema) > len(src.layer.Schema) {
		return s.busy(ctx, what, src.relation, patience, change)
	}
	return s.wrap(pgx.BeginFunc(ctx, s.pool, change), what)
}

// sameShape tests that next is was with nothing but what UpdateLayer may change.
func sameShape(was, next *layers.Layer) error {
	if was.GeometryType != next.GeometryType || was.CRS != next.CRS {
		return layers.Errorf(layers.ErrInvalid, "layer %s: geometry type %v and CRS %d stay: make a new layer", was.ID, was.GeometryType, was.CRS)
	}
	if len(next.Schema) < len(was.Schema) {
		return layers.Errorf(layers.ErrInvalid, "layer %s: %d properties stay: make a new layer without them", was.ID, len(was.Schema))
	}
	for i, p := range was.Schema {
		if n := next.Schema[i]; n.Name != p.Name || n.Type != p.Type {
			return layers.Errorf(layers.ErrInvalid, "layer %s: property %d stays %q (%v): new ones stand at the end", was.ID, i+1, p.Name, p.Type)
		}
	}
	return nil
}

// DropLayer removes a layer's table.
func (s *Store) DropLayer(ctx context.Context, id layers.ID) error {
	src, err := s.own(ctx, id)
	if err != nil {
		return err
	}
	what := "drop layer " + string(id)
	table := src.relation
	var there bool // a layer that has lost its table can be dropped too
	if err := s.row(ctx, what, "SELECT to_regclass($1) IS NOT NULL", []any{table}, &there); err != nil {
		return err
	}
	if !there {
		table = ""
	}
	err = s.busy(ctx, what, table, patience, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, s.sql("DELETE FROM {s}._layers WHERE id = $1"), string(id))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return notFound(id)
		}
		if _, err := tx.Exec(ctx, s.sql("DELETE FROM {s}._surfaces WHERE layer = $1"), string(id)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+src.relation); err != nil {
			if code(err) == "2BP01" {
				return layers.Errorf(layers.ErrConflict, "%s: others depend on its table (%s): drop those first", what, cause(err))
			}
			return err
		}
		return s.note(ctx, tx, id, layers.LayerDropped)
	})
	if errors.Is(err, layers.ErrNotFound) { // dropped by another meanwhile
		return notFound(id)
	}
	return err
}
