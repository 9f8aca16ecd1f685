package postgis

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"twind/layers"
)

// maxIdentifier is the longest identifier of PostgreSQL (NAMEDATALEN − 1), bytes.
const maxIdentifier = 63

// quote makes an identifier of any text.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal makes an SQL string of any text without zero bytes, for the places of
// DDL where no parameter may stand.
func literal(s string) string {
	if strings.ContainsRune(s, '\\') {
		return "E'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func checkIdentifier(what, s string) error {
	if s == "" || len(s) > maxIdentifier || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return layers.Errorf(layers.ErrInvalid, "%s %.80q: expected 1 to %d bytes of UTF-8", what, s, maxIdentifier)
	}
	return nil
}

// Columns of a layer's table that are not properties, and PostgreSQL's own.
var reservedColumns = []string{"id", "geom", "revision", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}

// columnNames gives each property a column: its own name where that is free and
// fits, else a shortened one with a number. taken are the columns of the
// properties that have one already; the result begins with them.
func columnNames(schema []layers.Property, taken []string) []string {
	used := make(map[string]bool, len(schema)+len(reservedColumns))
	for _, n := range reservedColumns {
		used[n] = true
	}
	for _, n := range taken {
		used[n] = true
	}
	names := append([]string{}, taken...) // not nil: a layer may have no properties
	for _, p := range schema[len(taken):] {
		name := p.Name
		for n := 2; used[name] || len(name) > maxIdentifier; n++ {
			suffix := "_" + strconv.Itoa(n)
			stem := p.Name
			for len(stem)+len(suffix) > maxIdentifier {
				_, size := utf8.DecodeLastRuneInString(stem)
				stem = stem[:len(stem)-size]
			}
			name = stem + suffix
		}
		used[name] = true
		names = append(names, name)
	}
	return names
}

// columnType is the SQL type of a property. Times of day keep their text, since
// no type of PostgreSQL keeps the offset; text compares by bytes, as in Go.
func columnType(t layers.ValueType) string {
	switch t {
	case layers.Boolean:
		return "boolean"
	case layers.Integer:
		return "bigint"
	case layers.Number:
		return "double precision"
	case layers.Date:
		return "date"
	}
	return `text COLLATE "C"`
}

// sql makes a statement of a text with names in it ({s} is the identifier of
// twind's schema, {n} its name, {g} the identifier of the schema that PostGIS is
// in) and then of arguments as Sprintf has them, whose braces stay.
func (s *Store) sql(text string, args ...any) string {
	text = s.names.Replace(text)
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// table is the quoted, qualified name of a table in twind's schema.
func (s *Store) table(name string) string { return quote(s.schema) + "." + quote(name) }

var schemaPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func checkSchema(name string) error {
	if !schemaPattern.MatchString(name) || strings.HasPrefix(name, "pg_") || name == "information_schema" {
		return layers.Errorf(layers.ErrInvalid, "schema %.80q: use 1 to 63 of a–z, 0–9 and _, not beginning with a digit or pg_", name)
	}
	return nil
}
