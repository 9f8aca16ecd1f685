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
	ask, err := newQuestion(&src.layer, q)
	if err != nil {
		return err
	}
	var args arguments
	where := s.where(src, q, &args)
	sql := "SELECT " + s.selection(src) + " FROM " + src.relation + " t WHERE " + where
	err = s.read(ctx, "read layer "+string(id), func(ctx context.Context, begun *bool) error {
		return s.scan(ctx, src, &ask, q.Policy.Hidden, sql, args, begun, yield)
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

func (s *Store) scan(ctx context.Context, src *source, ask *question, hidden []string, sql string, args []any, begun *bool, yield func(*layers.Feature) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	d := newDecoder(src, hidden)
	var f layers.Feature
	for rows.Next() {
		if err = d.decode(rows.RawValues(), &f); err == nil && src.public != nil && !src.public.admit(&f) {
			continue
		}
		if err == nil && ask.match(&f) {
			d.hide()
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

var _ = pgx.ErrNoRows
