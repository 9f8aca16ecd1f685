package geopackage

import (
	"strings"
	"unicode/utf8"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// fileTable is a table as it is in the file, whoever made it.
type fileTable struct {
	name        string
	view        bool
	columns     []fileColumn
	triggers    map[string]string // SQL by name
	features    bool              // registered as a feature table
	identifier  string
	description string
	geom        string
	geomType    string
	srs         int64
	epsg        int // of the registered system, 0 unknown
	z, m        int
	rtree       bool
}

type fileColumn struct {
	name, decl string
	pk         bool
}

// fileTables reads the feature tables of the file, and the tables of known
// layers whether they are registered or not, by folded name.
func fileTables(c *sqlite.Conn) (map[string]*fileTable, error) {
	out := map[string]*fileTable{}
	err := c.Query(func(r *sqlite.Stmt) error {
		out[fold(r.ColumnText(0))] = &fileTable{name: r.ColumnText(0), view: r.ColumnText(1) == "view", triggers: map[string]string{}}
		return nil
	}, `SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND (
		name COLLATE NOCASE IN (SELECT table_name FROM gpkg_contents WHERE data_type = 'features')
		OR name COLLATE NOCASE IN (SELECT table_name FROM twind_layers))`)
	if err != nil {
		return nil, err
	}
	err = c.Query(func(r *sqlite.Stmt) error {
		t := out[fold(r.ColumnText(0))]
		if t == nil {
			return nil
		}
		t.features = true
		t.identifier, t.description = r.ColumnText(1), r.ColumnText(2)
		t.geom, t.geomType, t.srs = r.ColumnText(3), r.ColumnText(4), r.ColumnInt64(5)
		t.z, t.m = r.ColumnInt(6), r.ColumnInt(7)
		if strings.EqualFold(r.ColumnText(8), "EPSG") {
			t.epsg = r.ColumnInt(9)
		}
		return nil
	}, `SELECT c.table_name, ifnull(c.identifier, ''), ifnull(c.description, ''), g.column_name, g.geometry_type_name, g.srs_id, g.z, g.m, s.organization, s.organization_coordsys_id
		FROM gpkg_contents c JOIN gpkg_geometry_columns g ON g.table_name = c.table_name COLLATE NOCASE
		LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id WHERE c.data_type = 'features'`)
	if err != nil {
		return nil, err
	}
	err = c.Query(func(r *sqlite.Stmt) error {
		if t := out[fold(r.ColumnText(0))]; t != nil {
			t.triggers[r.ColumnText(1)] = r.ColumnText(2)
		}
		return nil
	}, `SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'`)
	if err != nil {
		return nil, err
	}
	for _, t := range out {
		err := c.Query(func(r *sqlite.Stmt) error {
			t.columns = append(t.columns, fileColumn{r.ColumnText(0), r.ColumnText(1), r.ColumnInt(2) > 0})
			return nil
		}, `SELECT name, type, pk FROM pragma_table_info(?)`, t.name)
		if err != nil {
			return nil, err
		}
		n, err := c.Int(`SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'rtree_' || ? || '_' || ? COLLATE NOCASE`, t.name, t.geom)
		if err != nil {
			return nil, err
		}
		t.rtree = n > 0
	}
	return out, nil
}

// key is the integer primary key, "" without one.
func (f *fileTable) key() string {
	key := ""
	for _, c := range f.columns {
		if c.pk {
			if key != "" || !strings.EqualFold(c.decl, "INTEGER") {
				return ""
			}
			key = c.name
		}
	}
	return key
}

// degrees is the system the layer gets; 0 when the coordinates are no degrees
// of one that twind keeps.
func (f *fileTable) degrees() int {
	switch {
	case f.epsg == 4326 || f.epsg == 4979 || f.epsg == 0 && f.srs == 0: // 4979: with ellipsoidal heights; 0: undefined geographic
		return 4326
	case f.epsg == 4490 || f.epsg == 4480:
		return 4490
	}
	return 0
}

// unusable says why the table cannot be a layer; "" when it can.
func (f *fileTable) unusable() string {
	switch {
	case f.view:
		return "it is a view"
	case !f.features:
		return "it is not registered as a feature table"
	case f.key() == "":
		return "it has no INTEGER PRIMARY KEY"
	case f.column(f.geom) == nil:
		return "its geometry column is missing"
	case f.degrees() == 0:
		return "its coordinates are not in degrees of EPSG:4326 or 4490: import it with twind import, which reprojects"
	}
	if _, ok := spatial.ParseType(f.geomType); !ok {
		return "its geometry type " + f.geomType + " is not supported: convert curves and surfaces to polygons and lines"
	}
	return ""
}

func (f *fileTable) column(name string) *fileColumn {
	for i := range f.columns {
		if fold(f.columns[i].name) == fold(name) {
			return &f.columns[i]
		}
	}
	return nil
}

// describe fills what the file says of a layer that is not known yet.
func (f *fileTable) describe(id layers.ID) layers.Layer {
	title := f.identifier
	if title == "" {
		title = f.name
	}
	l := layers.Layer{ID: id, Kind: layers.KindFeature, CRS: f.degrees(), SourceCRS: f.epsg, MaxZoom: 16, HasZ: f.z == 1, ReadOnly: f.m != 0, Schema: []layers.Property{}}
	l.GeometryType, _ = spatial.ParseType(f.geomType)
	l.Title, l.Description = textOf(title), textOf(f.description)
	return l
}

// textOf puts a text of unknown language where it belongs: ASCII is English.
func textOf(s string) layers.Text {
	if !utf8.ValidString(s) {
		return layers.Text{}
	}
	for _, r := range s {
		if r >= utf8.RuneSelf {
			return layers.Text{ZH: s}
		}
	}
	return layers.Text{EN: s}
}

// layerID makes an id of a table's name, apart from those that are taken.
func layerID(name string, taken func(layers.ID) bool) layers.ID {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case (r == '-' || r == '_' || r == ' ' || r == '.') && b.Len() > 0:
			if s := b.String(); s[len(s)-1] != '_' {
				b.WriteByte('_')
			}
		}
	}
	base := b.String()
	base = strings.TrimRight(base[:min(len(base), 56)], "_")
	if base == "" {
		base = "layer"
	}
	id := layers.ID(base)
	for n := 2; taken(id); n++ {
		id = layers.ID(base + "_" + itoa(int64(n)))
	}
	return id
}

// idColumn finds the column that can hold the ids of features: the one that did,
// if the layer is known, or one of text called id; "" without one, or when values
// are missing that cannot be filled. It reads the column.
func (f *fileTable) idColumn(c *sqlite.Conn, known *table, fill bool) (string, error) {
	name := "id"
	if known != nil {
		name = known.id // "" stays so: it is keyed by its integers
	}
	col := f.column(name)
	if col == nil || col.pk {
		return "", nil
	}
	if typ, _ := valueType(col.decl); typ != layers.String {
		return "", nil
	}
	usable, err := usableIDs(c, f.name, col.name)
	if err == nil && usable && !fill {
		var missing int64
		missing, err = c.Int("SELECT EXISTS (SELECT 1 FROM " + q(f.name) + " WHERE ifnull(" + q(col.name) + ", '') = '')")
		usable = missing == 0
	}
	if err != nil || !usable {
		return "", err
	}
	return col.name, nil
}

// plan lays out a layer over a table of the file: which column is what. known is
// the layer as twind knew it, or nil; id is the column of ids, or "".
func (f *fileTable) plan(l layers.Layer, known *table, id string) *table {
	t := &table{layer: l, name: f.name, fid: f.key(), geom: f.geom, id: id, srs: f.srs, rtree: f.rtree}
	t.layer.Schema = []layers.Property{}
	used := map[string]bool{fold(t.fid): true, fold(t.geom): true, fold(t.id): true}
	names := map[string]bool{}
	if known != nil {
		for i, p := range known.layer.Schema {
			col := f.column(known.wanted[i])
			if col == nil || used[fold(col.name)] {
				continue
			}
			typ, ok := valueType(col.decl)
			if !ok {
				continue
			}
			p.Type = typ
			t.layer.Schema = append(t.layer.Schema, p)
			t.columns = append(t.columns, col.name)
			used[fold(col.name)], names[p.Name] = true, true
		}
	}
	for _, col := range f.columns {
		typ, ok := valueType(col.decl)
		if !ok || used[fold(col.name)] || len(t.columns) == layers.MaxProperties {
			continue
		}
		p := layers.Property{Name: col.name, Type: typ}
		for n := 2; names[p.Name]; n++ {
			p.Name = col.name + "_" + itoa(int64(n))
		}
		probe := layers.Layer{ID: "x", CRS: 4326, Schema: []layers.Property{p}}
		if probe.Validate() != nil {
			continue // a name that no layer can carry
		}
		t.layer.Schema = append(t.layer.Schema, p)
		t.columns = append(t.columns, col.name)
		names[p.Name] = true
	}
	for _, field := range []*string{&t.layer.Label, &t.layer.ClassBy, &t.layer.Key} {
		if *field != "" && t.layer.PropertyIndex(*field) < 0 {
			*field = ""
		}
	}
	if known == nil {
		for _, name := range []string{"name", "Name", "NAME", "名称", "title"} {
			if i := t.layer.PropertyIndex(name); i >= 0 && t.layer.Schema[i].Type == layers.String {
				t.layer.Label = name
				break
			}
		}
	}
	return t
}

// usableIDs tells whether a column's values can be the ids of features: valid and
// different. Missing ones can be filled, so they do not count.
func usableIDs(c *sqlite.Conn, name, column string) (bool, error) {
	col := q(column)
	n, err := c.Int("SELECT EXISTS (SELECT 1 FROM " + q(name) + " WHERE " + col + " <> '' GROUP BY " + col + " HAVING count(*) > 1)")
	if err != nil || n > 0 {
		return false, err
	}
	ok := true
	filled := int64(0)
	err = c.Query(func(r *sqlite.Stmt) error {
		filled++
		ok = ok && layers.CheckFeatureID(r.ColumnText(0)) == nil
		return nil
	}, "SELECT "+col+" FROM "+q(name)+" WHERE "+col+" <> ''")
	if err != nil || !ok {
		return false, err
	}
	// A column that is empty throughout a table with rows is somebody's attribute.
	rows, err := c.Int("SELECT EXISTS (SELECT 1 FROM " + q(name) + ")")
	return filled > 0 || rows == 0, err
}
