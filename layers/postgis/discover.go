package postgis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"twind/layers"
	"twind/spatial"
)

// relation is a candidate for publication.
type relation struct {
	OID          uint32
	Schema, Name string
	Kind         string
	Partition    bool
	Comment      string
}

// column is one of a relation's.
type column struct {
	Name     string
	Type     string // of pg_type, that under a domain
	Category string
	TypeKind string
	Mod      int32 // precision and scale of numeric
	NotNull  bool
	Comment  string
}

// publish finds the tables of Options.Published and makes sources of them.
func (s *Store) publish(ctx context.Context) error {
	s.published = map[layers.ID]*published{}
	if len(s.options.Published) == 0 {
		return nil
	}
	all, err := s.relations(ctx)
	if err != nil {
		return err
	}
	for _, entry := range s.options.Published {
		found, pattern, err := s.find(entry, all)
		if err != nil {
			return err
		}
		for _, r := range found {
			p, err := s.inspect(ctx, entry, r)
			if err == nil && s.published[p.source.layer.ID] != nil {
				err = p.fault(layers.ErrInvalid, "the layer id %s is that of %s already: give one of them another with layer:", p.source.layer.ID, s.published[p.source.layer.ID].name)
			}
			if err == nil {
				err = s.adopt(ctx, p)
			}
			if err != nil && pattern && !isDead(err) {
				s.log.Warn("not published", "table", r.Schema+"."+r.Name, "reason", err)
				continue
			}
			if err != nil {
				return err
			}
			s.published[p.source.layer.ID] = p
		}
	}
	return s.follow(ctx)
}

// relations lists what could be published: nothing of system schemas and twind's own.
func (s *Store) relations(ctx context.Context) ([]relation, error) {
	rows, err := s.pool.Query(ctx, `SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition, coalesce(obj_description(c.oid, 'pg_class'), '')
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', $1) ORDER BY n.nspname, c.relname`, s.schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
}

// find picks the relations that an entry names.
func (s *Store) find(entry Published, all []relation) (found []relation, pattern bool, err error) {
	schema, table, pattern, err := entry.names()
	if err != nil {
		return nil, false, err
	}
	if !pattern {
		for _, fold := range []bool{false, true} { // as it is in the catalogue, else as SQL would read it
			if fold {
				schema, table = strings.ToLower(schema), strings.ToLower(table)
			}
			for _, r := range all {
				if r.Schema == schema && r.Name == table {
					return []relation{r}, false, nil
				}
			}
		}
		return nil, false, layers.Errorf(layers.ErrNotFound, "published table %s: there is no such table or view in the database at %s: mend the name in the configuration", entry.Table, s.address)
	}
	inSchema, inTable := glob(schema), glob(table)
	named := map[string]bool{} // those with an entry of their own
	for _, other := range s.options.Published {
		if a, b, p, err := other.names(); err == nil && !p {
			named[strings.ToLower(a+"\x00"+b)] = true
		}
	}
	for _, r := range all {
		if inSchema.MatchString(r.Schema) && inTable.MatchString(r.Name) && !r.Partition && !named[strings.ToLower(r.Schema+"\x00"+r.Name)] &&
			r.Name != "geometry_columns" && r.Name != "geography_columns" && r.Name != "spatial_ref_sys" && !strings.HasPrefix(r.Name, "raster_") {
			found = append(found, r)
		}
	}
	return found, true, nil
}

// inspect finds out how a relation is to be read.
func (s *Store) inspect(ctx context.Context, entry Published, r relation) (*published, error) {
	p := &published{entry: entry, name: r.Schema + "." + r.Name, oid: r.OID, kind: r.Kind[0]}
	src := &p.source
	src.public = p
	src.relation = quote(r.Schema) + "." + quote(r.Name)
	var readable bool
	if err := s.pool.QueryRow(ctx, "SELECT has_schema_privilege($1, 'USAGE') AND has_table_privilege($2::oid, 'SELECT')", r.Schema, r.OID).Scan(&readable); err != nil {
		return nil, err
	}
	if !readable {
		return nil, p.fault(layers.ErrReadOnly, "the database user %s may not read it: GRANT SELECT ON %s TO %s", s.user, src.relation, s.user)
	}
	rows, err := s.pool.Query(ctx, `SELECT a.attname, b.typname, b.typcategory::text, b.typtype::text, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
			a.attnotnull, coalesce(col_description(a.attrelid, a.attnum), '')
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, r.OID)
	if err != nil {
		return nil, err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		return nil, err
	}
	l := &src.layer
	l.ID = entry.Layer
	if l.ID == "" {
		l.ID = layerID(r.Name)
	}
	if err := s.inspectGeometry(ctx, p, r, columns); err != nil {
		return nil, err
	}
	if err := s.inspectKey(ctx, p, columns); err != nil {
		return nil, err
	}
	if err := s.inspectProperties(p, columns); err != nil {
		return nil, err
	}
	l.Title, l.Description, l.Kind = entry.Title, entry.Description, entry.Kind
	if l.Title == (layers.Text{}) {
		l.Title = text(r.Name)
	}
	if l.Description == (layers.Text{}) {
		l.Description = text(r.Comment)
	}
	if l.Kind == "" {
		l.Kind = layers.KindFeature
	}
	l.VerticalDatum, l.Owner, l.Attribution, l.Licence, l.Provenance = entry.VerticalDatum, entry.Owner, entry.Attribution, entry.Licence, entry.Provenance
	l.MinZoom, l.MaxZoom, l.Label, l.ClassBy, l.Style = entry.MinZoom, entry.MaxZoom, entry.Label, entry.ClassBy, entry.Style
	l.Generalization = entry.Generalization
	if l.MaxZoom == 0 {
		l.MaxZoom = max(16, l.MinZoom)
	}
	l.ReadOnly = true
	for what, name := range map[string]string{"label": l.Label, "classBy": l.ClassBy} {
		if name != "" && l.PropertyIndex(name) < 0 {
			return nil, p.fault(layers.ErrInvalid, "%s: there is no property %q", what, name)
		}
	}
	if err := l.Validate(); err != nil {
		return nil, p.fault(layers.ErrInvalid, "%v", err)
	}
	return p, s.inspectReliance(ctx, p)
}

// text is a name or comment in the language that it seems to be in.
func text(s string) layers.Text {
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return layers.Text{ZH: s}
	}
	return layers.Text{EN: s}
}

func pick(columns []column, name string) (column, bool) {
	i := slices.IndexFunc(columns, func(c column) bool { return c.Name == name })
	if i < 0 {
		return column{}, false
	}
	return columns[i], true
}

func isSpatial(c column) bool { return c.Type == "geometry" || c.Type == "geography" }

// inspectGeometry finds the geometry column, its type and system.
func (s *Store) inspectGeometry(ctx context.Context, p *published, r relation, columns []column) error {
	var spatials []string
	for _, c := range columns {
		if isSpatial(c) {
			spatials = append(spatials, c.Name)
		}
	}
	name := p.entry.Geometry
	switch c, ok := pick(columns, name); {
	case name == "" && len(spatials) == 0:
		return p.fault(layers.ErrInvalid, "it has no geometry column")
	case name == "" && len(spatials) > 1:
		return p.fault(layers.ErrInvalid, "it has %d geometry columns (%s): name one with geometry:", len(spatials), strings.Join(spatials, ", "))
	case name == "":
		name = spatials[0]
	case !ok || !isSpatial(c):
		return p.fault(layers.ErrInvalid, "%q is not a geometry column of it; it has: %s", name, strings.Join(spatials, ", "))
	}
	src, l := &p.source, &p.source.layer
	geometry := "t." + quote(name)
	kind, dimension, srid, sure := "GEOMETRY", 2, 0, true
	view := "geometry_columns WHERE f_geometry_column"
	if c, _ := pick(columns, name); c.Type == "geography" {
		view, geometry = "geography_columns WHERE f_geography_column", s.sql("%s::{g}.geometry", geometry)
	}
	err := s.pool.QueryRow(ctx, s.sql("SELECT upper(type), coord_dimension, srid FROM {g}."+view+" = $3 AND f_table_schema = $1 AND f_table_name = $2"), r.Schema, r.Name, name).Scan(&kind, &dimension, &srid)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if srid == 0 { // the column does not say; do the rows? They need not agree
		sure = false
		err := s.pool.QueryRow(ctx, s.sql("SELECT {g}.st_srid(%[1]s) FROM %[2]s t WHERE %[1]s IS NOT NULL LIMIT 1", geometry, src.relation)).Scan(&srid)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
	}
	switch want := p.entry.SRID; {
	case srid == 0 && want == 0:
		return p.fault(layers.ErrInvalid, "nothing says in which coordinate system its geometries are: give the EPSG code with srid:")
	case srid == 0:
		srid, geometry, sure = want, s.sql("{g}.st_setsrid(%s, %d)", geometry, want), true
	case want != 0 && want != srid:
		return p.fault(layers.ErrInvalid, "srid: %d, but its geometries are in EPSG:%d", want, srid)
	}
	var known bool
	if err := s.pool.QueryRow(ctx, s.sql("SELECT EXISTS (SELECT FROM {g}.spatial_ref_sys WHERE srid = $1)"), srid).Scan(&known); err != nil {
		return err
	}
	if !known {
		return p.fault(layers.ErrInvalid, "the database does not know the coordinate system %d: add it to spatial_ref_sys", srid)
	}
	p.srid = srid
	// Where PostGIS's box of the column is that of the degrees, it can narrow down.
	if sure && (srid == 4326 || srid == 4490 || srid == 3857) {
		src.extent = geometry
	}
	typ := strings.TrimRight(kind, "ZM")
	switch typ {
	case "CIRCULARSTRING", "COMPOUNDCURVE":
		typ, geometry = "LINESTRING", s.sql("{g}.st_curvetoline(%s)", geometry)
	case "CURVEPOLYGON":
		typ, geometry = "POLYGON", s.sql("{g}.st_curvetoline(%s)", geometry)
	case "MULTICURVE":
		typ, geometry = "MULTILINESTRING", s.sql("{g}.st_curvetoline(%s)", geometry)
	case "MULTISURFACE":
		typ, geometry = "MULTIPOLYGON", s.sql("{g}.st_curvetoline(%s)", geometry)
	case "GEOMETRY":
		geometry = s.sql("{g}.st_curvetoline(%s)", geometry)
	}
	var ok bool
	if l.GeometryType, ok = spatial.ParseType(typ); !ok {
		return p.fault(layers.ErrUnsupported, "its geometries are of type %s: publish a view that makes polygons or lines of them", kind)
	}
	l.HasZ = dimension >= 3 && (dimension == 4 || !strings.HasSuffix(kind, "M"))
	l.CRS, l.SourceCRS = 4326, srid
	switch {
	case sure && srid == 4490:
		l.CRS = 4490
	case sure && srid == 4326:
	case s.readOnly:
		geometry = s.sql("{g}.st_transform(%s, 4326)", geometry)
	default:
		geometry = s.sql("{s}._degrees(%s)", geometry)
	}
	src.geometry = geometry
	return nil
}

// inspectKey finds the column that identifies a row.
func (s *Store) inspectKey(ctx context.Context, p *published, columns []column) error {
	var keys [][]string // of the unique indexes over columns that are not null, the primary key first
	rows, err := s.pool.Query(ctx, `SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i
		CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(num, n) LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num AND k.num > 0
		WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND k.n <= i.indnkeyatts
		GROUP BY i.indexrelid, i.indisprimary HAVING bool_and(coalesce(a.attnotnull, false)) OR (count(*) = 1 AND count(a.attname) = 1) ORDER BY i.indisprimary DESC, i.indexrelid`, p.oid)
	if err != nil {
		return err
	}
	if keys, err = pgx.CollectRows(rows, pgx.RowTo[[]string]); err != nil {
		return err
	}
	unique := func(name string) bool {
		return slices.ContainsFunc(keys, func(k []string) bool { return len(k) == 1 && k[0] == name })
	}
	name := p.entry.Key
	if name == "" {
		for _, k := range keys {
			if c, _ := pick(columns, k[0]); len(k) == 1 && (c.NotNull || p.kind == 'm') {
				name = k[0]
				break
			}
		}
		if name == "" && len(keys) > 0 && len(keys[0]) > 1 {
			return p.fault(layers.ErrInvalid, "its key is of %d columns (%s): name one unique column with key:", len(keys[0]), strings.Join(keys[0], ", "))
		}
		if name == "" {
			return p.fault(layers.ErrInvalid, "it has no primary key: name a unique column with key:")
		}
	}
	c, ok := pick(columns, name)
	if !ok || isSpatial(c) {
		return p.fault(layers.ErrInvalid, "key: it has no column %q", name)
	}
	src := &p.source
	key := "t." + quote(name)
	if !unique(name) || !c.NotNull {
		var nulls, doubles bool
		if err := s.pool.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %[2]s t WHERE %[1]s IS NULL), EXISTS (SELECT FROM %[2]s t GROUP BY %[1]s HAVING count(*) > 1)", key, src.relation)).Scan(&nulls, &doubles); err != nil {
			return err
		}
		if nulls || doubles {
			return p.fault(layers.ErrInvalid, "the column %q does not identify its rows: some are %s", name, map[bool]string{true: "null", false: "equal"}[nulls])
		}
	}
	src.id = key + "::text"
	switch c.Type {
	case "int2", "int4", "int8":
		p.keyType, src.key = keyInteger, key+" = ANY(%s::text[]::bigint[])"
	case "uuid":
		p.keyType, src.key = keyUUID, key+" = ANY(%s::text[]::uuid[])"
	case "text", "varchar":
		p.keyType, src.key = keyText, key+" = ANY(%s::text[])"
		src.id = fmt.Sprintf(escapeID, src.id)
	default:
		src.key = src.id + " = ANY(%s::text[])"
		src.id = fmt.Sprintf(escapeID, src.id)
	}
	src.key = strings.ReplaceAll(key, "%", "%%") + strings.TrimPrefix(src.key, key)
	src.columns = []string{name}
	src.layer.Key = name
	return nil
}

// inspectProperties chooses the columns that are properties.
func (s *Store) inspectProperties(p *published, columns []column) error {
	src := &p.source
	chosen := columns
	if p.entry.Properties != nil {
		chosen = nil
		for _, name := range p.entry.Properties {
			c, ok := pick(columns, name)
			if !ok || isSpatial(c) {
				return p.fault(layers.ErrInvalid, "properties: it has no column %q", name)
			}
			chosen = append(chosen, c)
		}
	}
	src.layer.Schema = []layers.Property{}
	for _, c := range chosen {
		typ, sql, ok := expression(c, p.entry.TimeZone)
		if !ok {
			continue
		}
		if strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
			s.log.Warn("a column is not published, its name holds a control character", "table", p.name, "column", c.Name)
			continue
		}
		src.layer.Schema = append(src.layer.Schema, layers.Property{Name: c.Name, Type: typ, Title: text(c.Comment)})
		src.values = append(src.values, sql)
	}
	if len(src.layer.Schema) > layers.MaxProperties {
		return p.fault(layers.ErrInvalid, "it has %d columns, at most %d can be published: choose with properties:", len(src.layer.Schema), layers.MaxProperties)
	}
	if src.layer.PropertyIndex(src.layer.Key) < 0 {
		src.layer.Key = ""
	}
	return nil
}

// expression reads a column as one of the types that columnType names. What has
// no such form, a zero byte of years or an infinity, is null.
func expression(c column, zone string) (layers.ValueType, string, bool) {
	name := "t." + quote(c.Name)
	if c.Category == "A" {
		return layers.String, "array_to_json(" + name + ")::text", true
	}
	instant := func(utc string) string {
		return fmt.Sprintf(`CASE WHEN %[1]s >= '0001-01-01' AND %[1]s < '10000-01-01' THEN regexp_replace(to_char(%[1]s, 'YYYY-MM-DD"T"HH24:MI:SS.US'), '\.?0+$', '') || 'Z' END`, utc)
	}
	switch c.Type {
	case "geometry", "geography", "raster", "bytea":
		return 0, "", false
	case "bool":
		return layers.Boolean, name, true
	case "int2", "int4", "int8", "oid":
		return layers.Integer, name + "::bigint", true
	case "float4": // its text is shorter than its value: 0.1, not 0.10000000149
		return layers.Number, "nullif(nullif(nullif(" + name + "::text::float8, 'NaN'), 'Infinity'), '-Infinity')", true
	case "float8":
		return layers.Number, "nullif(nullif(nullif(" + name + ", 'NaN'), 'Infinity'), '-Infinity')", true
	case "numeric":
		if precision, scale := (c.Mod-4)>>16, (c.Mod-4)&0x7ff; c.Mod >= 4 && scale == 0 && precision <= 18 {
			return layers.Integer, "nullif(" + name + ", 'NaN')::bigint", true
		}
		return layers.Number, fmt.Sprintf("CASE WHEN %[1]s BETWEEN -1e300 AND 1e300 THEN %[1]s::float8 END", name), true
	case "date":
		return layers.Date, fmt.Sprintf("CASE WHEN %[1]s BETWEEN '0001-01-01' AND '9999-12-31' THEN %[1]s END", name), true
	case "timestamptz":
		return layers.DateTime, instant("(" + name + " AT TIME ZONE 'UTC')"), true
	case "timestamp":
		if zone != "" {
			name = "((" + name + " AT TIME ZONE " + literal(zone) + ") AT TIME ZONE 'UTC')"
		}
		return layers.DateTime, instant(name), true
	}
	if c.TypeKind == "c" {
		return layers.String, "to_json(" + name + ")::text", true
	}
	return layers.String, name + "::text", true
}

// inspectReliance finds the tables in which a change shows: itself, its
// partitions, and those that a view reads, views of views included.
func (s *Store) inspectReliance(ctx context.Context, p *published) error {
	rows, err := s.pool.Query(ctx, `WITH RECURSIVE under(oid) AS (
			SELECT $1::oid
			UNION
			SELECT next.oid FROM under CROSS JOIN LATERAL (
				SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = under.oid
				UNION ALL
				SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
				WHERE r.ev_class = under.oid AND d.refobjid <> under.oid AND (SELECT relkind FROM pg_class WHERE oid = under.oid) = 'v'
			) next
		) SELECT c.oid, c.relkind::text FROM under JOIN pg_class c USING (oid) WHERE c.relkind IN ('r', 'm', 'f') ORDER BY 1`, p.oid)
	if err != nil {
		return err
	}
	var oid uint32
	var kind string
	foreign := false
	_, err = pgx.ForEachRow(rows, []any{&oid, &kind}, func() error {
		if kind == "f" {
			foreign = true
		} else {
			p.relied = append(p.relied, oid)
		}
		return nil
	})
	if err == nil && (foreign || len(p.relied) == 0) && p.entry.Reload == 0 {
		s.log.Warn("changes of a published table cannot be noticed: have it read again now and then with reload:", "table", p.name)
	}
	return err
}
