package postgis

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/wkb"
)

// selection is the list of what a feature is read from.
func (s *Store) selection(src *source) string {
	var b strings.Builder
	revision := src.revision
	if src.public != nil && s.readOnly {
		revision = strconv.FormatInt(int64(s.local.base(src.layer.ID)), 10)
	}
	b.WriteString(s.sql("%s, {g}.st_asewkb(%s, 'NDR'), %s::bigint", src.id, src.geometry, revision))
	for _, v := range src.values {
		b.WriteString(", ")
		b.WriteString(v)
	}
	if src.public == nil {
		b.WriteString(", x.surfaces, x.classes")
	}
	return b.String()
}

// from is where a source's features are.
func (s *Store) from(src *source) string { return " FROM " + src.relation + " t" + src.join }

// Scan reads features in one statement, which sees one state. Rows of published
// tables that cannot be features are left out, and logged.
func (s *Store) Scan(ctx context.Context, id layers.ID, q layers.Query, yield func(*layers.Feature) error) error {
	if !q.Time.IsZero() {
		return layers.Errorf(layers.ErrUnsupported, "layer %s: the store keeps no history: ask without a time", id)
	}
	src, err := s.source(ctx, id)
	if err != nil {
		return err
	}
	if q.Policy.Deny {
		return nil
	}
	left, first, why := 0, "", error(nil)
	start := time.Now()
	err = s.scan(ctx, src, q, yield, func(id string, err error) {
		if left++; left == 1 {
			first, why = id, err
		}
	})
	if left > 0 {
		s.log.Warn("rows of a published table are left out", "table", src.public.name, "rows", left, "first", first, "reason", why)
	}
	if err == nil && src.public != nil && q.IDs == nil {
		src.public.scanned.Store(int64(time.Since(start)))
	}
	if errors.Is(err, layers.ErrNotFound) && src.public == nil { // dropped in between
		if _, gone := s.source(ctx, id); gone != nil {
			return gone
		}
	}
	return err
}

// yieldError keeps an error of the caller's own from being taken for one of the database.
type yieldError struct{ error }

// scan reads what a query finds; leave is told of rows that cannot be features.
func (s *Store) scan(ctx context.Context, src *source, q layers.Query, yield func(*layers.Feature) error, leave func(id string, err error)) error {
	ask, err := newQuestion(&src.layer, q)
	if err != nil {
		return err
	}
	var args arguments
	where := s.where(src, q, &args)
	sql := "SELECT " + s.selection(src) + s.from(src) + " WHERE " + where + src.mark()
	err = s.read(ctx, "read layer "+string(src.layer.ID), func(ctx context.Context, begun *bool) error {
		err := s.rows(ctx, sql, args, func(raw [][]byte, d *decoder, f *layers.Feature) error {
			err := d.decode(raw, f)
			if err == nil && src.public != nil {
				err = src.public.check(f)
			}
			if err != nil && src.public != nil {
				leave(f.ID, err)
				return nil
			}
			if err != nil || !ask.match(f) {
				return err
			}
			d.hide()
			*begun = true
			if err := yield(f); err != nil {
				return &yieldError{err}
			}
			return nil
		}, newDecoder(src, q.Policy.Hidden))
		return src.explain(err)
	})
	var own *yieldError
	if errors.As(err, &own) {
		return own.error
	}
	return err
}

// explain says what errors mean that others' changes of a published table cause.
func (src *source) explain(err error) error {
	if src.public == nil || err == nil {
		return err
	}
	switch c := code(err); {
	case c == "42703" || c == "42P01" || c == "42804" || c == "42883":
		return src.public.fault(layers.ErrUnavailable, "it has changed since twind started (%s): restart twind", cause(err))
	case c == "XX000" && strings.Contains(err.Error(), "transform"):
		return src.public.fault(layers.ErrInvalid, "a row has coordinates that do not fit EPSG:%d (%s): mend it, publish a view without it, or let twind make its schema, where such rows are left out", src.public.srid, cause(err))
	}
	return err
}

// rows runs a statement and hands on its rows. When fn fails, the rest is not read.
func (s *Store) rows(ctx context.Context, sql string, args []any, fn func([][]byte, *decoder, *layers.Feature) error, d *decoder) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var f layers.Feature
	for rows.Next() {
		if err := fn(rows.RawValues(), d, &f); err != nil {
			cancel()
			return err
		}
	}
	return rows.Err()
}

// decoder reads the rows of a source's selection in PostgreSQL's binary format.
type decoder struct {
	src    *source
	hidden []bool
	values []layers.Value
}

func newDecoder(src *source, hidden []string) *decoder {
	d := &decoder{src: src, hidden: make([]bool, len(src.values)), values: make([]layers.Value, len(src.values))}
	for _, name := range hidden {
		if i := src.layer.PropertyIndex(name); i >= 0 {
			d.hidden[i] = true
		}
	}
	return d
}

// decode fills f; the property slice is used again by the next call.
func (d *decoder) decode(raw [][]byte, f *layers.Feature) (err error) {
	f.ID = string(raw[0])
	f.Geometry = spatial.Geometry{}
	if raw[1] != nil {
		if f.Geometry, _, err = wkb.Unmarshal(raw[1]); err != nil {
			return layers.Errorf(layers.ErrCorrupt, "layer %s, feature %q: %w", d.src.layer.ID, f.ID, err)
		}
	}
	f.Revision = layers.Revision(binary.BigEndian.Uint64(raw[2]))
	for i := range d.values {
		d.values[i] = layers.Value{}
		if b := raw[3+i]; b != nil {
			d.values[i] = decodeValue(d.src.layer.Schema[i].Type, b)
		}
	}
	f.Properties = d.values
	f.Surfaces = nil
	if k := 3 + len(d.values); k+1 < len(raw) && raw[k] != nil {
		f.Surfaces = layers.JoinSurfaces(raw[k], string(raw[k+1]))
	}
	return nil
}

// hide makes the properties null that the reader may not see.
func (d *decoder) hide() {
	for i, h := range d.hidden {
		if h {
			d.values[i] = layers.Value{}
		}
	}
}

var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// decodeValue reads a value of one of the types of columnType.
func decodeValue(t layers.ValueType, b []byte) layers.Value {
	switch t {
	case layers.Boolean:
		return layers.BoolValue(b[0] != 0)
	case layers.Integer:
		return layers.IntValue(int64(binary.BigEndian.Uint64(b)))
	case layers.Number:
		return layers.FloatValue(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case layers.Date:
		days := int32(binary.BigEndian.Uint32(b))
		if days == math.MaxInt32 || days == math.MinInt32 { // infinity
			return layers.Value{}
		}
		d := postgresEpoch.AddDate(0, 0, int(days))
		if d.Year() < 1 || d.Year() > 9999 {
			return layers.Value{}
		}
		return layers.TextValue(layers.Date, d.Format(time.DateOnly))
	}
	return layers.TextValue(t, string(b))
}

// Stats counts a layer's features and finds their envelope.
func (s *Store) Stats(ctx context.Context, id layers.ID) (layers.Stats, error) {
	st := layers.Stats{Extent: spatial.EmptyEnvelope()}
	src, err := s.source(ctx, id)
	if err != nil {
		return st, err
	}
	if src.public != nil { // transformed, and without the rows that cannot be carried
		err := s.Scan(ctx, id, layers.Query{}, func(f *layers.Feature) error {
			st.Count++
			st.Extent = st.Extent.Union(f.Geometry.Envelope())
			return nil
		})
		return st, err
	}
	var x [4]*float64
	err = s.row(ctx, "count layer "+string(id), s.sql(`SELECT count(*), min({g}.st_xmin(%[1]s)), min({g}.st_ymin(%[1]s)), max({g}.st_xmax(%[1]s)), max({g}.st_ymax(%[1]s)) FROM %[2]s t`, src.geometry, src.relation),
		nil, &st.Count, &x[0], &x[1], &x[2], &x[3])
	if err != nil {
		return st, err
	}
	if !slices.Contains(x[:], nil) {
		st.Extent = spatial.Envelope{MinX: *x[0], MinY: *x[1], MaxX: *x[2], MaxY: *x[3]}
	}
	return st, nil
}
