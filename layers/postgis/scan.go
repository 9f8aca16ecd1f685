package postgis

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/wkb"
)

// selection is the list of what a feature is read from.
func (s *Store) selection(src *source) string {
	var b strings.Builder
	b.WriteString(s.sql("%s, {g}.st_asewkb(%s, 'NDR'), %s::bigint", src.id, src.geometry, src.revision))
	for _, v := range src.values {
		b.WriteString(", ")
		b.WriteString(v)
	}
	return b.String()
}

// overlaps prefilters by the index: it compares boxes of float32, rounded
// outward, so what passes is tested again.
func (s *Store) overlaps(src *source, q layers.Query, args *arguments) string {
	e := *q.Envelope
	if src.public != nil {
		e = src.public.envelope(e)
	}
	srid := src.layer.CRS
	if src.public != nil {
		srid = src.public.srid
	}
	clamp := func(v float64) string { return args.add(math.Max(-1e30, math.Min(1e30, v))) + "::float8" }
	return s.sql("%s OPERATOR({g}.&&) {g}.st_makeenvelope(%s, %s, %s, %s, %d)", src.extent, clamp(e.MinX), clamp(e.MinY), clamp(e.MaxX), clamp(e.MaxY), srid)
}

// Scan reads features in one statement, which sees one state.
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
	var args arguments
	where, err := s.where(src, q, &args)
	if err != nil {
		return err
	}
	sql := "SELECT " + s.selection(src) + " FROM " + src.relation + " t WHERE " + where
	err = s.read(ctx, "read layer "+string(id), func(ctx context.Context, begun *bool) error {
		return s.scan(ctx, src, q, sql, args, begun, yield)
	})
	if code(errors.Unwrap(err)) == "42P01" || errors.Is(err, layers.ErrNotFound) && src.public == nil {
		if _, gone := s.source(ctx, id); errors.Is(gone, layers.ErrNotFound) {
			return gone
		}
	}
	return err
}

// yieldError keeps an error of the caller's own from being taken for one of the database.
type yieldError struct{ error }

func (s *Store) scan(ctx context.Context, src *source, q layers.Query, sql string, args []any, begun *bool, yield func(*layers.Feature) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	d := newDecoder(src, q.Policy.Hidden)
	var f layers.Feature
	for rows.Next() {
		if err = d.decode(rows.RawValues(), &f); err == nil && src.public != nil && !src.public.admit(&f) {
			continue
		}
		if err == nil && (q.Envelope == nil || matches(&f, *q.Envelope)) {
			*begun = true
			if err = yield(&f); err != nil {
				err = &yieldError{err}
			}
		}
		if err != nil {
			cancel() // what else the server sends is not read
			rows.Close()
			var own *yieldError
			if errors.As(err, &own) {
				return own.error
			}
			return err
		}
	}
	return rows.Err()
}

// matches tells whether a feature's envelope intersects a box exactly; one
// without a geometry always does.
func matches(f *layers.Feature, e spatial.Envelope) bool {
	return f.Geometry.IsEmpty() || f.Geometry.Envelope().Intersects(e)
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
		if b := raw[3+i]; b != nil && !d.hidden[i] {
			d.values[i] = decodeValue(d.src.layer.Schema[i].Type, b)
		}
	}
	f.Properties = d.values
	return nil
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

var _ = pgx.ErrNoRows
