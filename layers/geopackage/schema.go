package geopackage

import (
	"fmt"
	"strings"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

const (
	applicationID = 0x47504B47 // "GPKG"
	userVersion   = 10300      // GeoPackage 1.3
	// schemaVersion numbers the layout of the twind_ tables.
	schemaVersion = 1
)

const wkt4326 = `GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]`

const wkt4490 = `GEOGCS["China Geodetic Coordinate System 2000",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101,AUTHORITY["EPSG","1024"]],AUTHORITY["EPSG","1043"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4490"]]`

// standardTables are those every GeoPackage with vector features has (§1.1.2, §1.1.3, §2.1.5, §2.3).
const standardTables = `
CREATE TABLE IF NOT EXISTS gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE IF NOT EXISTS gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE IF NOT EXISTS gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
`

// twindTables makes twind's own tables in a schema, main or temp.
func twindTables(schema string) string { return strings.ReplaceAll(twindTablesOf, "$", schema) }

const twindTablesOf = `
CREATE TABLE IF NOT EXISTS $.twind_meta (key TEXT NOT NULL PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS $.twind_layers (
  id TEXT NOT NULL PRIMARY KEY,
  table_name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  fid_column TEXT NOT NULL, geom_column TEXT NOT NULL,
  id_column TEXT NOT NULL,         -- '' where the feature's id is the text of its fid
  columns TEXT NOT NULL,           -- JSON array: the column of each property
  description TEXT NOT NULL,       -- JSON
  base_revision INTEGER NOT NULL); -- revision of the features that have no line in twind_changes
CREATE TABLE IF NOT EXISTS $.twind_changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, layer TEXT NOT NULL, fid INTEGER, id TEXT NOT NULL DEFAULT '',
  op INTEGER NOT NULL,             -- 1 inserted 2 updated 3 deleted 4 reloaded 5 layer created 6 layer updated 7 layer dropped
  time INTEGER NOT NULL);          -- milliseconds since 1970 UTC
CREATE INDEX IF NOT EXISTS $.twind_changes_feature ON twind_changes (layer, fid, seq) WHERE fid IS NOT NULL;
CREATE TABLE IF NOT EXISTS $.twind_staging (
  table_name TEXT NOT NULL PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, process TEXT NOT NULL,
  heartbeat INTEGER NOT NULL);     -- milliseconds since 1970 UTC
INSERT OR IGNORE INTO $.twind_meta VALUES ('identity', lower(hex(randomblob(16)))), ('schema', 1), ('catalog', 0), ('floor', 0);
`

// aspatial keeps GDAL from listing twind's tables as layers.
const aspatial = `INSERT INTO gpkg_extensions SELECT NULL, NULL, 'gdal_aspatial', 'http://gdal.org/geopackage_aspatial.html', 'read-write'
  WHERE NOT EXISTS (SELECT 1 FROM gpkg_extensions WHERE extension_name = 'gdal_aspatial');
`

// nowMillis is the time of a line in the log, in plain SQL that every SQLite knows.
const nowMillis = `CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)`

// branchTrigger makes a revision the time of its change where that is greater than
// one more than the last: microseconds since 1970, of which the clock tells the
// milliseconds and chance the rest. Two copies of a file that are changed apart
// then count apart, whichever program changes them; see
// docs/decisions/2026-11-22-revisions.md. sqlite_sequence does not hear of it: head
// looks at both.
const branchTrigger = `CREATE TRIGGER IF NOT EXISTS main.twind_changes_branch AFTER INSERT ON twind_changes
  WHEN NEW.seq < ` + nowMillis + ` * 1000
  BEGIN UPDATE twind_changes SET seq = ` + nowMillis + ` * 1000 + abs(random() % 1000) WHERE seq = NEW.seq; END;
`

// createStandard makes an empty database a GeoPackage.
func createStandard(c *sqlite.Conn) error {
	if err := c.Script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, userVersion) + standardTables); err != nil {
		return err
	}
	for _, s := range []struct {
		id              int
		name, org, defn string
	}{
		{-1, "Undefined Cartesian SRS", "NONE", "undefined"},
		{0, "Undefined geographic SRS", "NONE", "undefined"},
		{4326, "WGS 84 geodetic", "EPSG", wkt4326},
		{4490, "China Geodetic Coordinate System 2000", "EPSG", wkt4490},
	} {
		err := c.Exec(`INSERT OR IGNORE INTO gpkg_spatial_ref_sys (srs_name, srs_id, organization, organization_coordsys_id, definition) VALUES (?,?,?,?,?)`,
			s.name, s.id, s.org, s.id, s.defn)
		if err != nil {
			return err
		}
	}
	return nil
}

// ensureSRS makes sure that the file describes the two systems twind writes,
// and returns the srs_id of each by its EPSG code.
func ensureSRS(c *sqlite.Conn, epsg int) (int64, error) {
	find := `SELECT srs_id FROM gpkg_spatial_ref_sys WHERE organization = 'EPSG' COLLATE NOCASE AND organization_coordsys_id = ?`
	id, err := c.Int(find, epsg)
	if err != nil || id != 0 {
		return id, err
	}
	name, wkt := "WGS 84 geodetic", wkt4326
	if epsg == 4490 {
		name, wkt = "China Geodetic Coordinate System 2000", wkt4490
	}
	// Another program may have used the number for another system.
	srs, err := c.Int(`SELECT CASE WHEN EXISTS (SELECT 1 FROM gpkg_spatial_ref_sys WHERE srs_id = ?1) THEN max(max(srs_id), 100000) + 1 ELSE ?1 END FROM gpkg_spatial_ref_sys`, epsg)
	if err != nil {
		return 0, err
	}
	columns, values := "srs_name, srs_id, organization, organization_coordsys_id, definition", "?, ?, 'EPSG', ?, ?"
	// GDAL adds a column for the newer text form of definitions, which must not be null.
	if has, err := c.Int(`SELECT count(*) FROM pragma_table_info('gpkg_spatial_ref_sys') WHERE name = 'definition_12_063'`); err != nil {
		return 0, err
	} else if has != 0 {
		columns, values = columns+", definition_12_063", values+", 'undefined'"
	}
	return srs, c.Exec("INSERT INTO gpkg_spatial_ref_sys ("+columns+") VALUES ("+values+")", name, srs, epsg, wkt)
}

// geometryTypeName is the name of a type in gpkg_geometry_columns.
func geometryTypeName(t spatial.Type) string {
	if t == spatial.GeometryCollection {
		return "GEOMETRYCOLLECTION"
	}
	return strings.ToUpper(t.String())
}

// columnType is the GeoPackage type of a property (§1.1.1.1.3).
func columnType(t layers.ValueType) string {
	switch t {
	case layers.Boolean:
		return "BOOLEAN"
	case layers.Integer:
		return "INTEGER"
	case layers.Number:
		return "DOUBLE"
	case layers.Date:
		return "DATE"
	case layers.DateTime:
		return "DATETIME"
	}
	return "TEXT"
}

// valueType is the property type of a GeoPackage column type, as written by any
// program; false for blobs and what the standard does not know.
func valueType(decl string) (layers.ValueType, bool) {
	decl = strings.ToUpper(strings.TrimSpace(decl))
	if i := strings.IndexByte(decl, '('); i >= 0 {
		decl = strings.TrimSpace(decl[:i])
	}
	switch decl {
	case "BOOLEAN":
		return layers.Boolean, true
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "BIGINT":
		return layers.Integer, true
	case "FLOAT", "DOUBLE", "REAL", "NUMERIC", "DECIMAL", "DOUBLE PRECISION":
		return layers.Number, true
	case "TEXT", "VARCHAR", "CHAR", "NVARCHAR", "CLOB", "STRING", "JSON":
		return layers.String, true
	case "DATE":
		return layers.Date, true
	case "DATETIME", "TIMESTAMP":
		return layers.DateTime, true
	}
	return layers.Null, false
}
