package geopackage

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// table is where a layer's features are kept: names of the table and its
// columns, unquoted. It is immutable once it is in a catalog.
type table struct {
	layer    layers.Layer
	name     string
	fid      string   // the integer primary key
	geom     string   // the geometry column
	id       string   // the column of feature ids; "" when the id is the text of fid
	columns  []string // the column of each property, in schema order; "" when it is missing in the file
	wanted   []string // the same as twind_layers has it
	base     layers.Revision
	srs      int64
	rtree    bool // the R-tree index is there
	surfaces bool // the table of surfaces is there
	missing  bool // the table is not there (dropped by another program)
}

// q quotes an identifier.
func q(name string) string { return sqlite.Quote(name) }

func (t *table) rtreeName() string { return "rtree_" + t.name + "_" + t.geom }

// idOf is the SQL of a feature's id in a row named by prefix ("", "NEW.", "OLD.", "t.").
func (t *table) idOf(prefix string) string {
	if t.id == "" {
		return "CAST(" + prefix + q(t.fid) + " AS TEXT)"
	}
	return prefix + q(t.id)
}

// withoutGeometry is the SQL that finds rows the R-tree does not hold. It reads
// the empty flag of the blob (bit 4 of the fourth byte) in plain SQL, so that it
// may stand in an index that every program keeps up to date.
func (t *table) withoutGeometry() string {
	g := q(t.geom)
	return "(" + g + " IS NULL OR substr(" + g + ",4,1) BETWEEN x'10' AND x'1f')"
}

// reservedPrefixes begin the names of tables that are not layers'.
var reservedPrefixes = []string{"gpkg_", "rtree_", "sqlite_", "twind_", "idx_", "layer_"}

// newTable plans the table of a new layer; taken tells which names are in use.
func newTable(l layers.Layer, taken func(string) (bool, error)) (*table, error) {
	t := &table{layer: l, name: string(l.ID), fid: "fid", geom: "geom", id: "id"}
	for _, p := range reservedPrefixes {
		if strings.HasPrefix(t.name, p) {
			t.name = "layer_" + t.name
			break
		}
	}
	base := t.name
	for n := 2; ; n++ {
		used, err := taken(t.name)
		if err != nil {
			return nil, err
		}
		if !used {
			break
		}
		t.name = fmt.Sprintf("%s_%d", base, n)
	}
	t.nameColumns()
	return t, nil
}

// nameColumns gives each property without a column one: its own name, or the
// name with a number where another column has it (letter case does not tell
// columns apart in SQLite).
func (t *table) nameColumns() {
	used := map[string]bool{fold(t.fid): true, fold(t.geom): true, fold(t.id): true, "": true}
	for _, c := range t.columns {
		used[fold(c)] = true
	}
	for i := len(t.columns); i < len(t.layer.Schema); i++ {
		name := t.layer.Schema[i].Name
		c := name
		for n := 2; used[fold(c)]; n++ {
			c = fmt.Sprintf("%s_%d", name, n)
		}
		used[fold(c)] = true
		t.columns = append(t.columns, c)
	}
}

// fold lowers ASCII letters, as SQLite compares identifiers.
func fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// idCheck is the constraint on ids; its name is what other programs show.
const idCheck = `CONSTRAINT "id must have at most 255 bytes and no slash" CHECK (length(CAST(id AS BLOB)) <= 255 AND instr(id, '/') = 0)`

// createSQL makes the table under a name; only for the standard layout.
func (t *table) createSQL(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n  \"fid\" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,\n  \"geom\" %s,\n  \"id\" TEXT %s",
		q(name), geometryTypeName(t.layer.GeometryType), idCheck)
	for i, p := range t.layer.Schema {
		fmt.Fprintf(&b, ",\n  %s %s", q(t.columns[i]), columnType(p.Type))
	}
	b.WriteString(")")
	return b.String()
}

// namedSQL is something in the schema that twind expects as it wrote it.
type namedSQL struct{ name, sql string }

// indexSQL makes the indexes of the table when it has the name table: of ids,
// and of the rows without geometry. Indexes cannot be renamed, so their names
// are made of a token of their own and mean nothing.
func (t *table) indexSQL(table, token string) (ids, noGeometry string) {
	ids = fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s (%s)", q("twind_id_"+token), q(table), q(t.id))
	noGeometry = fmt.Sprintf("CREATE INDEX %s ON %s (%s) WHERE %s", q("twind_nogeom_"+token), q(table), q(t.fid), t.withoutGeometry())
	return ids, noGeometry
}

// newToken is 16 random hexadecimal digits.
func newToken() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// triggers write the change log, and give an id to rows that come without one.
func (t *table) triggers() []namedSQL {
	tab, fid, id := q(t.name), q(t.fid), q(t.id)
	log := func(op layers.ChangeOp, row string) string {
		return fmt.Sprintf("INSERT INTO twind_changes (layer, fid, id, op, time) VALUES (%s, %s.%s, %s, %d, %s);",
			sqlite.QuoteText(string(t.layer.ID)), row, fid, t.idOf(row+"."), op, nowMillis)
	}
	logFrom := func(op layers.ChangeOp, where string) string {
		return fmt.Sprintf("INSERT INTO twind_changes (layer, fid, id, op, time) SELECT %s, %s, %s, %d, %s FROM %s WHERE %s;",
			sqlite.QuoteText(string(t.layer.ID)), fid, t.idOf(""), op, nowMillis, tab, where)
	}
	var out []namedSQL
	add := func(name, when, condition, body string) {
		n := "twind_" + t.name + "_" + name
		if condition != "" {
			condition = " WHEN " + condition
		}
		out = append(out, namedSQL{n, fmt.Sprintf("CREATE TRIGGER %s %s ON %s%s BEGIN %s END", q(n), when, tab, condition, body)})
	}
	if t.id == "" {
		add("replace", "BEFORE INSERT", fmt.Sprintf("EXISTS (SELECT 1 FROM %s WHERE %s = NEW.%s)", tab, fid, fid),
			logFrom(layers.Deleted, fid+" = NEW."+fid))
		add("insert", "AFTER INSERT", "", log(layers.Inserted, "NEW"))
		add("update", "AFTER UPDATE", "OLD."+fid+" = NEW."+fid, log(layers.Updated, "NEW"))
		add("rename", "AFTER UPDATE", "OLD."+fid+" <> NEW."+fid, log(layers.Deleted, "OLD")+" "+log(layers.Inserted, "NEW"))
		add("delete", "AFTER DELETE", "", log(layers.Deleted, "OLD"))
		return out
	}
	// INSERT OR REPLACE removes rows without telling: their end is logged before.
	add("replace", "BEFORE INSERT", fmt.Sprintf("EXISTS (SELECT 1 FROM %s WHERE %s = NEW.%s) OR EXISTS (SELECT 1 FROM %s WHERE %s = NEW.%s)", tab, fid, fid, tab, id, id),
		logFrom(layers.Deleted, fmt.Sprintf("%s = NEW.%s OR %s = NEW.%s", fid, fid, id, id)))
	add("insert", "AFTER INSERT", "NEW."+id+" <> ''", log(layers.Inserted, "NEW"))
	add("fill", "AFTER INSERT", "ifnull(NEW."+id+", '') = ''",
		fmt.Sprintf("UPDATE %s SET %s = CASE WHEN EXISTS (SELECT 1 FROM %s WHERE %s = CAST(NEW.%s AS TEXT)) THEN lower(hex(randomblob(8))) ELSE CAST(NEW.%s AS TEXT) END WHERE %s = NEW.%s; ",
			tab, id, tab, id, fid, fid, fid, fid)+logFrom(layers.Inserted, fid+" = NEW."+fid))
	add("update", "AFTER UPDATE", "OLD."+id+" = NEW."+id, log(layers.Updated, "NEW"))
	add("rename", "AFTER UPDATE", "OLD."+id+" <> NEW."+id+" AND OLD."+id+" <> '' AND NEW."+id+" <> ''", log(layers.Deleted, "OLD")+" "+log(layers.Inserted, "NEW"))
	add("keepid", "AFTER UPDATE", "OLD."+id+" <> '' AND ifnull(NEW."+id+", '') = ''",
		fmt.Sprintf("UPDATE %s SET %s = OLD.%s WHERE %s = NEW.%s; ", tab, id, id, fid, fid)+logFrom(layers.Updated, fid+" = NEW."+fid))
	add("delete", "AFTER DELETE", "", log(layers.Deleted, "OLD"))
	return out
}

// rtreeTriggers keep the R-tree, as the standard words them (§F.3, 1.3 errata:
// update1 to update4).
func (t *table) rtreeTriggers() []namedSQL {
	tab, rt, g, fid := q(t.name), q(t.rtreeName()), q(t.geom), q(t.fid)
	values := fmt.Sprintf("(NEW.%s, ST_MinX(NEW.%s), ST_MaxX(NEW.%s), ST_MinY(NEW.%s), ST_MaxY(NEW.%s))", fid, g, g, g, g)
	put := "INSERT OR REPLACE INTO " + rt + " VALUES " + values + ";"
	some := "(NEW." + g + " NOTNULL AND NOT ST_IsEmpty(NEW." + g + "))"
	none := "(NEW." + g + " ISNULL OR ST_IsEmpty(NEW." + g + "))"
	same, moved := "OLD."+fid+" = NEW."+fid+" AND ", "OLD."+fid+" != NEW."+fid+" AND "
	trig := func(suffix, when, condition, body string) namedSQL {
		n := t.rtreeName() + "_" + suffix
		return namedSQL{n, fmt.Sprintf("CREATE TRIGGER %s %s ON %s WHEN %s BEGIN %s END", q(n), when, tab, condition, body)}
	}
	return []namedSQL{
		trig("insert", "AFTER INSERT", some, put),
		trig("update1", "AFTER UPDATE OF "+g, same+some, put),
		trig("update2", "AFTER UPDATE OF "+g, same+none, fmt.Sprintf("DELETE FROM %s WHERE id = OLD.%s;", rt, fid)),
		trig("update3", "AFTER UPDATE", moved+some, fmt.Sprintf("DELETE FROM %s WHERE id = OLD.%s; %s", rt, fid, put)),
		trig("update4", "AFTER UPDATE", moved+none, fmt.Sprintf("DELETE FROM %s WHERE id IN (OLD.%s, NEW.%s);", rt, fid, fid)),
		trig("delete", "AFTER DELETE", "OLD."+g+" NOT NULL", fmt.Sprintf("DELETE FROM %s WHERE id = OLD.%s;", rt, fid)),
	}
}

func run(c *sqlite.Conn, list []namedSQL) error {
	for _, s := range list {
		if err := c.Script(s.sql); err != nil {
			return err
		}
	}
	return nil
}

// createRTree makes an empty R-tree with its row in gpkg_extensions.
func (t *table) createRTree(c *sqlite.Conn) error {
	if err := c.Script(fmt.Sprintf("CREATE VIRTUAL TABLE %s USING rtree(id, minx, maxx, miny, maxy)", q(t.rtreeName()))); err != nil {
		return err
	}
	return t.registerRTree(c)
}

func (t *table) registerRTree(c *sqlite.Conn) error {
	return c.Exec(`INSERT OR IGNORE INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope)
		VALUES (?, ?, 'gpkg_rtree_index', 'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')`, t.name, t.geom)
}

// register writes the layer's rows in gpkg_contents and gpkg_geometry_columns.
func (t *table) register(c *sqlite.Conn) error {
	srs, err := ensureSRS(c, t.layer.CRS)
	if err != nil {
		return err
	}
	t.srs = srs
	if err := c.Exec(`INSERT INTO gpkg_contents (table_name, data_type, srs_id) VALUES (?, 'features', ?)`, t.name, srs); err != nil {
		return err
	}
	err = c.Exec(`INSERT INTO gpkg_geometry_columns (table_name, column_name, geometry_type_name, srs_id, z, m) VALUES (?, ?, ?, ?, ?, 0)`,
		t.name, t.geom, geometryTypeName(t.layer.GeometryType), srs, t.heights())
	if err != nil {
		return err
	}
	return t.describe(c)
}

// describe puts the layer's title and description where QGIS shows them. An
// identifier must be unique in the file.
func (t *table) describe(c *sqlite.Conn) error {
	title := t.layer.Title.In("zh")
	if title == "" {
		title = t.name
	}
	if n, err := c.Int(`SELECT count(*) FROM gpkg_contents WHERE identifier = ? AND table_name <> ?`, title, t.name); err != nil {
		return err
	} else if n > 0 {
		title += " (" + string(t.layer.ID) + ")"
	}
	return c.Exec(`UPDATE gpkg_contents SET identifier = ?, description = ?, last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') WHERE table_name = ?`,
		title, t.layer.Description.In("zh"), t.name)
}

// heights is z of gpkg_geometry_columns: 0 none, 1 all, 2 some. GDAL shows layers
// of 2 as three-dimensional, so a layer of one type without heights says 0.
func (t *table) heights() int {
	switch {
	case t.layer.HasZ:
		return 1
	case t.layer.GeometryType == spatial.Unknown:
		return 2
	}
	return 0
}

// dropTable removes a table with its index and its rows in the standard's tables.
func dropTable(c *sqlite.Conn, t *table) error {
	if t.rtree {
		if err := c.Script("DROP TABLE IF EXISTS " + q(t.rtreeName())); err != nil {
			return err
		}
	}
	if err := c.Script("DROP TABLE IF EXISTS " + q(t.name)); err != nil {
		return err
	}
	if err := dropSurfaces(c, t.name); err != nil {
		return err
	}
	return unregister(c, t.name)
}

func unregister(c *sqlite.Conn, name string) error {
	for _, from := range []string{"gpkg_extensions", "gpkg_geometry_columns", "gpkg_contents", "gpkg_ogr_contents"} {
		if from == "gpkg_ogr_contents" {
			if has, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'gpkg_ogr_contents'`); err != nil || has == 0 {
				return err
			}
		}
		if err := c.Exec("DELETE FROM "+from+" WHERE table_name = ? COLLATE NOCASE", name); err != nil {
			return err
		}
	}
	return nil
}
