package geopackage

import (
	"bytes"
	"context"
	"iter"
	"strconv"
	"time"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/spatial"
)

// limits are the sizes of a load's steps; tests make them small.
type limits struct {
	// batchRows and batchBytes are how much is encoded before it is written, in
	// one transaction or, on a slow machine, several.
	batchRows, batchBytes int
	// stepRows is how many rows of an R-tree or a copy one transaction writes at
	// first, and dropRows how many of a table that goes away it removes.
	stepRows, dropRows int64
	// mergeRows is how many rows are merged into a layer in place, in one
	// transaction with its triggers; more of them make a new table beside it.
	mergeRows int64
	// logRows is how many features a load logs one by one; more make one
	// Reloaded line, whose revision all features of the layer take.
	logRows int64
	// indexRows is how many rows are staged before their ids are indexed: one
	// statement indexes that many in under a second, afterwards each row pays.
	indexRows int64
}

var defaultLimits = limits{batchRows: 16384, batchBytes: 16 << 20, stepRows: 50_000, dropRows: 200_000, mergeRows: 10_000, logRows: 100_000, indexRows: 500_000}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Load writes features to a staging table, in transactions of well under a
// second each, and publishes them in one more. Small loads are then merged into
// the layer's table; large ones, and Replace, become its new table by renaming,
// with what others have changed meanwhile. Layers adopted from other programs
// are always changed in place, in one transaction.
//
// An id that stands twice in the load is ErrExists. Up to 100,000 features get a
// revision each; a larger load is one Reloaded, whose revision all features of
// the layer take. The features are lent until the iterator goes on.
func (s *Store) Load(ctx context.Context, id layers.ID, mode layers.LoadMode, features iter.Seq2[*layers.Feature, error]) (res layers.LoadResult, err error) {
	l := &loader{s: s, mode: mode, extent: spatial.EmptyEnvelope()}
	if err := l.begin(ctx, id); err != nil {
		return res, err
	}
	defer func() { // also on a panic of the iterator
		if e := s.discard(ctx, l.tables...); e != nil {
			s.log.Warn("a load's staging tables could not be removed; they will be at the next open", "error", e)
		}
	}()
	if err := l.stage(ctx, features); err != nil {
		return res, s.explain(err)
	}
	if l.rows == 0 && mode != layers.Replace {
		l.res.Revision, err = s.Head(ctx)
		return l.res, err
	}
	if err := l.publish(ctx); err != nil {
		return res, s.explain(err)
	}
	s.watch.signal()
	s.head.Store(int64(l.res.Revision))
	return l.res, nil
}

// loader is one load under way. Its fields belong to the goroutine of Load but
// where they are passed with a batch.
type loader struct {
	s      *Store
	mode   layers.LoadMode
	t      *table // the layer's, when the load began
	in     *table // the staging table, in the standard layout
	empty  bool   // the layer held nothing when the load began
	tables []string
	res    layers.LoadResult

	// Of the staged rows.
	rows     int64
	extent   spatial.Envelope
	boxes    []entry // for the R-tree; only when the staging table may become the layer's
	indexed  bool
	surfaces bool             // some are staged
	number   int64            // features that came, for messages
	seen     map[int64]uint64 // Upsert: bits of the fids that came, 64 a word
	given    bool             // a whole number was given as an id
	made     map[int64]uint64 // rows whose id is the text of their fid: bits, 64 a word
}

// becomesTable tells whether the staging table is to be the layer's next table.
func (l *loader) becomesTable() bool {
	return l.t.id != "" && (l.mode == layers.Replace || l.empty)
}

func (l *loader) begin(ctx context.Context, id layers.ID) error {
	if l.mode > layers.Upsert {
		return layers.Errorf(layers.ErrInvalid, "load mode %d is unknown", l.mode)
	}
	err := l.s.read(ctx, func(c *sqlite.Conn, k *catalog) (err error) {
		if l.t, err = k.find(id); err != nil {
			return err
		}
		n, err := c.Int("SELECT EXISTS (SELECT 1 FROM " + q(l.t.name) + ")")
		l.empty = n == 0
		return err
	})
	if err != nil {
		return err
	}
	if l.t.layer.ReadOnly {
		return layers.Errorf(layers.ErrReadOnly, "layer %s is read-only", id)
	}
	for i, c := range l.t.columns {
		if c == "" {
			return layers.Errorf(layers.ErrUnavailable, "layer %s: another program has removed the column of %q; try again in a moment", id, l.t.layer.Schema[i].Name)
		}
	}
	l.in = l.sibling()
	return l.s.explain(l.s.db.Write(ctx, func(c *sqlite.Conn) error { return createStaging(c, l.in) }))
}

// sibling plans a table like the layer's, in the standard layout, under a name
// of its own; it is discarded when the load ends.
func (l *loader) sibling() *table {
	t := &table{layer: l.t.layer, name: "twind_load_" + newToken(), fid: "fid", geom: "geom", id: "id", srs: l.t.srs, columns: l.t.columns}
	if l.t.id == "" { // the columns of another program may be called fid or id
		t.columns = nil
		t.nameColumns()
	}
	l.tables = append(l.tables, t.name)
	return t
}

// batch is features copied for the goroutine that writes them.
type batch struct {
	rows  []stagedRow
	bytes int
}

type stagedRow struct {
	id         string
	blob       []byte // nil: no geometry
	box        spatial.Envelope
	properties []layers.Value
	surfaces   layers.Surfaces
	number     int64 // position in the load, from 1
}

// stage checks and encodes the features while another goroutine writes those
// before them.
func (l *loader) stage(ctx context.Context, features iter.Seq2[*layers.Feature, error]) error {
	err := l.transfer(ctx, features)
	if err != nil {
		return err
	}
	return l.index(ctx)
}

func (l *loader) transfer(ctx context.Context, features iter.Seq2[*layers.Feature, error]) (err error) {
	encoding, cancel := context.WithCancel(ctx)
	batches, done := make(chan *batch), make(chan error, 1)
	go func() {
		var err error
		for b := range batches {
			if err == nil {
				if err = l.write(ctx, b); err != nil {
					cancel()
				}
			}
		}
		done <- err
	}()
	defer func() { // also on a panic of the iterator
		close(batches)
		if e := <-done; e != nil {
			err = e // what encode returns then is only that it was ended
		}
		cancel()
	}()
	return l.encode(encoding, features, func(b *batch) { batches <- b })
}

func (l *loader) encode(ctx context.Context, features iter.Seq2[*layers.Feature, error], send func(*batch)) error {
	b := &batch{}
	for f, err := range features {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		l.number++
		if err := layers.CheckFeature(&l.t.layer, f); err != nil {
			return layers.Errorf(layers.ErrInvalid, "feature %d of the load (id %.40q): %w", l.number, f.ID, err)
		}
		row := stagedRow{id: f.ID, number: l.number, box: f.Geometry.Envelope(), properties: append([]layers.Value(nil), f.Properties...)}
		if f.Surfaces != nil {
			row.surfaces = append(layers.Surfaces{}, f.Surfaces...)
		}
		if !f.Geometry.IsNull() {
			row.blob = appendBlob(nil, f.Geometry, int32(l.t.srs))
		}
		for i, v := range row.properties {
			row.properties[i] = stored(l.t.layer.Schema[i].Type, v)
			b.bytes += 16 + len(v.Text())
		}
		b.bytes += len(row.blob) + len(row.surfaces) + 64
		b.rows = append(b.rows, row)
		if len(b.rows) >= l.s.limits.batchRows || b.bytes >= l.s.limits.batchBytes {
			send(b)
			b = &batch{}
		}
	}
	if len(b.rows) > 0 {
		send(b)
	}
	return ctx.Err()
}

// write stages one batch.
func (l *loader) write(ctx context.Context, b *batch) error {
	if l.mode == layers.Upsert && !l.empty {
		if err := l.leaveOutEqual(ctx, b); err != nil {
			return err
		}
	}
	rest := b.rows
	if len(rest) == 0 {
		return nil
	}
	err := l.s.shortly(ctx)(func(c *sqlite.Conn) (bool, error) {
		if err := heartbeat(c, l.in.name); err != nil {
			return false, err
		}
		over := timer()
		for len(rest) > 0 {
			if err := l.insert(c, &rest[0]); err != nil {
				return false, err
			}
			if rest = rest[1:]; over() {
				break
			}
		}
		return len(rest) == 0, nil
	})
	if err == nil && !l.indexed && l.rows >= l.s.limits.indexRows {
		err = l.index(ctx)
	}
	return err
}

// stepTime is how long a transaction of a load goes on at most, where its work
// can be divided.
const stepTime = 300 * time.Millisecond

// timer starts now and tells whether stepTime is over; it looks at the clock
// every 64th time.
func timer() func() bool {
	start, n := time.Now(), 0
	return func() bool {
		n++
		return n%64 == 0 && time.Since(start) > stepTime
	}
}

func (l *loader) insert(c *sqlite.Conn, row *stagedRow) error {
	l.rows++
	fid := l.rows
	id, err := l.idOf(c, row, fid)
	if err != nil {
		return err
	}
	st, err := c.Prepare(l.stageSQL())
	if err != nil {
		return err
	}
	if err := sqlite.Bind(st, fid, nil, nil); err != nil {
		return err
	}
	if row.blob != nil {
		err = st.BindBlob(2, row.blob)
	}
	if err == nil && id != "" {
		err = st.BindText(3, id)
	}
	for i := 0; err == nil && i < len(row.properties); i++ {
		err = bindValue(st, 4+i, l.t.layer.Schema[i].Type, row.properties[i])
	}
	if err != nil {
		return err
	}
	if err := st.Exec(); err != nil {
		if sqlite.IsUnique(err) {
			return l.twice(row)
		}
		return err
	}
	if err := l.stageSurfaces(c, fid, row.surfaces); err != nil {
		return err
	}
	if !row.box.IsEmpty() {
		l.extent = l.extent.Union(row.box)
		if l.becomesTable() {
			l.boxes = append(l.boxes, newEntry(fid, row.box))
		}
	}
	return nil
}

func (l *loader) stageSQL() string {
	sql := "INSERT INTO " + q(l.in.name) + " (fid, geom, id"
	marks := "?, ?, ?"
	for _, c := range l.in.columns {
		sql += ", " + q(c)
		marks += ", ?"
	}
	return sql + ") VALUES (" + marks + ")"
}

func (l *loader) twice(row *stagedRow) error {
	return layers.Errorf(layers.ErrExists, "feature %d of the load: the id %q came before", row.number, row.id)
}

// idOf is the id under which a row is staged; "" leaves it to the merge. In a
// table of its own a row without id takes the text of its fid, as long as no
// whole number has been given as an id, else a random one.
func (l *loader) idOf(c *sqlite.Conn, row *stagedRow, fid int64) (string, error) {
	if l.t.id == "" && row.id != "" {
		if _, ok := fidOf(row.id); !ok {
			return "", layers.Errorf(layers.ErrInvalid, "feature %d of the load: id %.40q: layer %s was made by another program and is keyed by whole numbers", row.number, row.id, l.t.layer.ID)
		}
	}
	if !l.becomesTable() {
		if row.id == "" && len(row.surfaces) > 0 && l.t.id != "" {
			return newToken(), nil // by which its surfaces find it
		}
		return row.id, nil
	}
	if row.id == "" {
		if l.given {
			return newToken(), nil
		}
		setBit(&l.made, fid)
		return itoa(fid), nil
	}
	if n, ok := fidOf(row.id); ok {
		l.given = true
		if hasBit(l.made, n) {
			clearBit(l.made, n)
			return row.id, c.Exec("UPDATE "+q(l.in.name)+" SET id = ? WHERE fid = ?", newToken(), n)
		}
	}
	return row.id, nil
}

// Sets of numbers, 64 to a word.
func setBit(m *map[int64]uint64, n int64) {
	if *m == nil {
		*m = make(map[int64]uint64)
	}
	(*m)[n>>6] |= 1 << (n & 63)
}
func hasBit(m map[int64]uint64, n int64) bool { return m[n>>6]&(1<<(n&63)) != 0 }
func clearBit(m map[int64]uint64, n int64)    { m[n>>6] &^= 1 << (n & 63) }

// index makes the index of ids, once.
func (l *loader) index(ctx context.Context) error {
	if l.indexed {
		return nil
	}
	l.indexed = true
	return l.s.db.Write(ctx, func(c *sqlite.Conn) error {
		ids, _ := l.in.indexSQL(l.in.name, newToken())
		err := c.Script(ids)
		if err != nil && sqlite.IsUnique(err) {
			id, e := c.Text("SELECT id FROM " + q(l.in.name) + " WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1 LIMIT 1")
			if e != nil {
				return e
			}
			return layers.Errorf(layers.ErrExists, "the id %q stands twice in the load", id)
		}
		return err
	})
}

// leaveOutEqual takes the rows out of a batch that are in the layer as they are.
func (l *loader) leaveOutEqual(ctx context.Context, b *batch) error {
	return l.s.db.Read(ctx, func(c *sqlite.Conn) error {
		if _, err := l.current(c); err != nil {
			return err
		}
		kept := b.rows[:0]
		var old layers.Feature
		for _, row := range b.rows {
			there, equal := false, false
			if row.id != "" {
				where, arg := l.t.whereID(row.id)
				err := c.Query(func(r *sqlite.Stmt) error {
					there = true
					fid := r.ColumnInt64(0)
					if hasBit(l.seen, fid) {
						return l.twice(&row)
					}
					setBit(&l.seen, fid)
					equal = l.equal(r, &row, &old)
					return nil
				}, "SELECT "+l.t.readList()+" FROM "+q(l.t.name)+" WHERE "+where, arg)
				if err != nil {
					return err
				}
			}
			if there && equal {
				l.res.Unchanged++
				continue
			}
			kept = append(kept, row)
		}
		b.rows = kept
		return nil
	})
}

// equal compares a staged row with one of the layer: properties as values, the
// geometry bit by bit, however its blob was written.
func (l *loader) equal(r *sqlite.Stmt, row *stagedRow, old *layers.Feature) bool {
	for i, p := range l.t.layer.Schema {
		if readValue(r, firstProperty+i, p.Type) != row.properties[i] {
			return false
		}
	}
	if row.surfaces != nil && !bytes.Equal(l.t.readSurfaces(r, old.Surfaces), row.surfaces) {
		return false
	}
	blob := r.ColumnRawBlob(1)
	if blob == nil || row.blob == nil {
		return blob == nil && row.blob == nil
	}
	if string(blob) == string(row.blob) {
		return true
	}
	return decodeBlob(blob, &old.Geometry) == nil && string(appendBlob(nil, old.Geometry, int32(l.t.srs))) == string(row.blob)
}

// current is the layer's table now; ErrConflict when it is not what the load
// began with.
func (l *loader) current(c *sqlite.Conn) (*table, error) {
	k, err := l.s.catalog(c)
	if err != nil {
		return nil, err
	}
	t, err := k.find(l.t.layer.ID)
	if err != nil {
		return nil, err
	}
	if !sameLayout(t, l.t) {
		return nil, layers.Errorf(layers.ErrConflict, "layer %s was changed by others during the load; load again", t.layer.ID)
	}
	return t, nil
}

// sameLayout tells whether rows for one table fit the other.
func sameLayout(a, b *table) bool {
	if a.name != b.name || a.fid != b.fid || a.geom != b.geom || a.id != b.id || a.srs != b.srs || a.layer.GeometryType != b.layer.GeometryType || len(a.columns) != len(b.columns) {
		return false
	}
	for i := range a.columns {
		if a.columns[i] != b.columns[i] || a.layer.Schema[i].Name != b.layer.Schema[i].Name || a.layer.Schema[i].Type != b.layer.Schema[i].Type {
			return false
		}
	}
	return true
}
