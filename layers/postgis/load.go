package postgis

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"twind/layers"
)

const (
	batchBytes = 16 << 20 // of COPY data in one transaction of a load
	batchRows  = 50_000
	chunkBytes = 256 << 10 // handed to the connection at a time
	// swapPatience is how long a load waits for readers to let go of the table it
	// would replace, before it writes into it.
	swapPatience = 3 * time.Second
	// maxLogged is how many changes of one load are logged one by one; more are
	// one Reloaded.
	maxLogged = 10_000
)

// Load copies features into a staging table and publishes them in one
// transaction. Where the load replaces the layer, or the layer was empty, and
// nobody has hung views, indexes or the like on its table, the staging table
// takes the other's place; else its rows are written into it. More than 10,000
// changes are logged as one Reloaded.
//
// Two features of one load may not have the same id. Features without id get
// numbers that are not taken.
func (s *Store) Load(ctx context.Context, id layers.ID, mode layers.LoadMode, features iter.Seq2[*layers.Feature, error]) (layers.LoadResult, error) {
	var result layers.LoadResult
	if err := s.writable(); err != nil {
		return result, err
	}
	src, err := s.own(ctx, id)
	if err != nil {
		return result, err
	}
	if mode > layers.Upsert {
		return result, layers.Errorf(layers.ErrInvalid, "load mode %d is unknown", mode)
	}
	select {
	case s.loads <- struct{}{}:
		defer func() { <-s.loads }()
	case <-ctx.Done():
		return result, ctx.Err()
	}
	s.clearLoads(ctx)
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return result, s.wrap(err, "load layer "+string(id))
	}
	defer conn.Release()
	l := &loader{s: s, src: src, conn: conn, mode: mode}
	err = func() (err error) {
		defer l.end(ctx) // also when the iterator panics
		if err = l.begin(ctx); err == nil {
			if err = l.copy(ctx, features); err == nil {
				result, err = l.publish(ctx)
			}
		}
		return err
	}()
	if err == nil && result.Revision == 0 {
		result.Revision, err = s.Head(ctx)
	}
	return result, s.wrap(err, "load layer "+string(id))
}

// loader is one load. It keeps its connection, which holds the lock that tells
// the load from one whose process died.
type loader struct {
	s      *Store
	src    *source
	conn   *pgxpool.Conn
	mode   layers.LoadMode
	number int64
	name   string // of the staging table
	table  string // quoted
	gone   bool   // the staging table has become the layer's

	ids     []int64 // numbers reserved for features without id
	maxID   int64   // the largest number that is an id already
	counted bool    // those of the layer's table are in maxID

	id       string // of the feature written last
	surfaces bool   // some are staged
}

const loadLock = "hashtextextended('twind.load.{n}.' || $1::bigint, 0)"

func (l *loader) begin(ctx context.Context) error {
	if err := l.conn.QueryRow(ctx, l.s.sql("SELECT nextval(pg_get_serial_sequence('{s}._loads', 'number'))")).Scan(&l.number); err != nil {
		return err
	}
	if _, err := l.conn.Exec(ctx, l.s.sql("SELECT pg_advisory_lock("+loadLock+")"), l.number); err != nil {
		return err
	}
	l.name = "_load_" + strconv.FormatInt(l.number, 10)
	l.table = l.s.table(l.name)
	return pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, l.s.sql("INSERT INTO {s}._loads (number, layer) OVERRIDING SYSTEM VALUE VALUES ($1, $2)"), l.number, string(l.src.layer.ID)); err != nil {
			return err
		}
		return script(ctx, tx, l.s.tableSQL(l.name, &l.src.layer, l.src.columns)+";"+l.surfacesTableSQL())
	})
}

// end removes the staging table, if it is still one, and gives up the lock.
func (l *loader) end(ctx context.Context) {
	if l.name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if !l.conn.Conn().IsClosed() {
		if _, err := l.conn.Exec(ctx, l.s.sql("SELECT pg_advisory_unlock("+loadLock+")"), l.number); err != nil {
			_ = l.conn.Conn().Close(ctx) // which gives it up too
		}
	}
	if l.gone {
		return
	}
	// The server may not have noticed yet that a connection is lost: this waits for it.
	if err := l.s.clearLoad(ctx, l.number, "SELECT pg_advisory_xact_lock("+loadLock+") IS NOT NULL"); err != nil {
		l.s.log.Warn("a staging table stays until the next start", "table", l.name, "error", err)
	}
}

// clearLoad drops a load's staging table once nobody has its lock.
func (s *Store) clearLoad(ctx context.Context, number int64, lock string) error {
	return s.read(ctx, "clear a load", func(ctx context.Context, _ *bool) error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			var free bool
			if err := tx.QueryRow(ctx, s.sql(lock), number).Scan(&free); err != nil || !free {
				return err
			}
			name := "_load_" + strconv.FormatInt(number, 10)
			if _, err := tx.Exec(ctx, "DROP TABLE IF EXISTS "+s.table(name)+", "+s.table(name+"_surfaces")); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, s.sql("DELETE FROM {s}._loads WHERE number = $1"), number)
			return err
		})
	})
}

// clearLoads removes what loads of processes that died have left.
func (s *Store) clearLoads(ctx context.Context) {
	var numbers []int64
	err := s.read(ctx, "list loads", func(ctx context.Context, _ *bool) error {
		rows, err := s.pool.Query(ctx, s.sql("SELECT number FROM {s}._loads ORDER BY number"))
		if err == nil {
			numbers, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		}
		return err
	})
	for _, n := range numbers {
		err = errors.Join(err, s.clearLoad(ctx, n, "SELECT pg_try_advisory_xact_lock("+loadLock+")"))
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("what unfinished loads left could not be removed", "error", err)
	}
}

// copyHeader and copyTrailer enclose the rows of COPY … BINARY.
var (
	copyHeader  = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTrailer = []byte{0xff, 0xff}
)

// copy writes the features to the staging table, some 16 MB in a transaction. The
// iterator runs in this goroutine, the statement in another.
func (l *loader) copy(ctx context.Context, features iter.Seq2[*layers.Feature, error]) error {
	var b strings.Builder
	fmt.Fprintf(&b, "COPY %s (id, geom", l.table)
	for _, c := range l.src.columns {
		b.WriteString(", " + quote(c))
	}
	b.WriteString(") FROM STDIN BINARY")
	w := &rowWriter{l: l, sql: b.String()}
	defer w.abort()
	count := 0
	for f, err := range features {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		count++
		if err := w.write(ctx, f); err != nil {
			if f.ID != "" {
				return fmt.Errorf("feature %q (number %d): %w", f.ID, count, err)
			}
			return fmt.Errorf("feature number %d: %w", count, err)
		}
	}
	return w.flush(ctx)
}

// rowWriter writes rows by COPY, batch after batch.
type rowWriter struct {
	l      *loader
	sql    string
	buffer []byte
	pipe   *io.PipeWriter // to the statement under way; nil between batches
	done   chan error     // its outcome
	bytes  int            // of the batch
	rows   int

	surfaces []byte // rows of surfaces, which follow when the batch is written
}

func (w *rowWriter) write(ctx context.Context, f *layers.Feature) (err error) {
	if w.pipe == nil {
		w.begin(ctx)
	}
	before := len(w.buffer)
	if w.buffer, err = w.l.appendRow(ctx, w.buffer, f); err != nil {
		return err
	}
	rows := len(w.surfaces)
	w.surfaces = w.l.appendSurfaces(w.surfaces, w.l.id, f.Surfaces)
	w.bytes += len(w.buffer) - before + len(w.surfaces) - rows
	w.rows++
	if w.bytes >= batchBytes || w.rows >= batchRows {
		return w.flush(ctx)
	}
	if len(w.buffer) >= chunkBytes {
		return w.send()
	}
	return nil
}

func (w *rowWriter) begin(ctx context.Context) {
	r, pipe := io.Pipe()
	w.pipe, w.done, w.bytes, w.rows = pipe, make(chan error, 1), 0, 0
	w.buffer = append(w.buffer[:0], copyHeader...)
	go func() {
		_, err := w.l.conn.Conn().PgConn().CopyFrom(ctx, r, w.sql)
		_ = r.CloseWithError(err) // a writer gets it; io.ErrClosedPipe for nil
		w.done <- err
	}()
}

func (w *rowWriter) send() error {
	_, err := w.pipe.Write(w.buffer) // fails with the statement's error
	w.buffer = w.buffer[:0]
	return err
}

// flush ends the batch and waits for its commit.
func (w *rowWriter) flush(ctx context.Context) error {
	if w.pipe == nil {
		return nil
	}
	w.buffer = append(w.buffer, copyTrailer...)
	err := w.send()
	_ = w.pipe.Close()
	if e := <-w.done; e != nil {
		err = e
	}
	w.pipe = nil
	if err == nil && len(w.surfaces) > 0 {
		rows := io.MultiReader(bytes.NewReader(copyHeader), bytes.NewReader(w.surfaces), bytes.NewReader(copyTrailer))
		_, err = w.l.conn.Conn().PgConn().CopyFrom(ctx, rows, "COPY "+w.l.surfacesTable()+" (feature, classes, surfaces) FROM STDIN BINARY")
		w.surfaces = w.surfaces[:0]
	}
	return err
}

// abort ends the statement under way, if any, without its rows.
func (w *rowWriter) abort() {
	if w.pipe != nil {
		_ = w.pipe.CloseWithError(errors.New("the load was given up"))
		if err := <-w.done; err == nil {
			w.l.s.log.Error("a load that was given up was written", "table", w.l.name)
		}
		w.pipe = nil
	}
}

func (l *loader) appendRow(ctx context.Context, dst []byte, f *layers.Feature) ([]byte, error) {
	if err := layers.CheckFeature(&l.src.layer, f); err != nil {
		return dst, err
	}
	id := f.ID
	if id == "" {
		n, err := l.newID(ctx)
		if err != nil {
			return dst, err
		}
		id = strconv.FormatInt(n, 10)
	} else if n, err := strconv.ParseInt(id, 10, 64); err == nil && n < 1e15 {
		l.maxID = max(l.maxID, n)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(2+len(f.Properties)))
	l.id = id
	dst = appendText(dst, id)
	if f.Geometry.IsNull() {
		dst = binary.BigEndian.AppendUint32(dst, math.MaxUint32)
	} else {
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = appendEWKB(dst, f.Geometry, l.src.layer.CRS)
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	for i, v := range f.Properties {
		var err error
		if dst, err = appendField(dst, l.src.layer.Schema[i].Type, v); err != nil {
			return dst, layers.Errorf(layers.ErrInvalid, "property %q: %w", l.src.layer.Schema[i].Name, err)
		}
	}
	return dst, nil
}

// newID is a number that no feature of the layer has, nor any so far in the load.
// It is asked for on another connection, since COPY keeps this one.
func (l *loader) newID(ctx context.Context) (int64, error) {
	if !l.counted && l.mode != layers.Replace {
		var n int64
		if err := l.s.pool.QueryRow(ctx, "SELECT coalesce(max(id::bigint), 0) FROM "+l.src.relation+" WHERE id ~ '^[1-9][0-9]{0,14}$'").Scan(&n); err != nil {
			return 0, err
		}
		l.maxID = max(l.maxID, n)
	}
	l.counted = true
	for {
		for len(l.ids) > 0 {
			n := l.ids[0]
			if l.ids = l.ids[1:]; n > l.maxID {
				return n, nil
			}
		}
		// Past the numbers in use, with a margin for what others take at this moment.
		const block = 1000
		_, err := l.s.pool.Exec(ctx, l.s.sql("SELECT setval('{s}._feature_id', $1::bigint + $2::bigint) FROM {s}._feature_id WHERE last_value <= $1"), l.maxID, int64(block))
		if err != nil {
			return 0, err
		}
		if err := l.s.pool.QueryRow(ctx, l.s.sql("SELECT array_agg(nextval('{s}._feature_id')) FROM generate_series(1, $1)"), block).Scan(&l.ids); err != nil {
			return 0, err
		}
	}
}

// publish makes the staged rows the layer's.
func (l *loader) publish(ctx context.Context) (layers.LoadResult, error) {
	var result layers.LoadResult
	prefix := fmt.Sprintf("_%d_%d", l.src.number, l.number)
	if err := l.keys(ctx, prefix); err != nil {
		return result, err
	}
	swapped, err := l.swap(ctx, prefix, &result)
	if err != nil || swapped {
		return result, err
	}
	return result, l.write(ctx, &result)
}

func (l *loader) keys(ctx context.Context, prefix string) error {
	_, err := l.conn.Exec(ctx, l.s.keysSQL(l.name, prefix)+"; ANALYZE "+l.table, pgx.QueryExecModeSimpleProtocol)
	if code(err) == "23505" {
		return layers.Errorf(layers.ErrExists, "two of the features have the id %s: give each its own", keyOf(err))
	}
	return err
}

// keyOf reads the key from the detail of a unique violation: Key (id)=(…) …
func keyOf(err error) string {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		if _, rest, ok := strings.Cut(pg.Detail, ")=("); ok {
			if i := strings.LastIndex(rest, ")"); i >= 0 {
				return strconv.Quote(rest[:i])
			}
		}
	}
	return "of another"
}

// plainSQL tells whether a table ($1) has nothing that twind did not give it.
const plainSQL = `SELECT NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'n' AND d.classid <> 'pg_constraint'::regclass)
	AND NOT EXISTS (SELECT FROM pg_constraint WHERE confrelid = c.oid)
	AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = c.oid AND conname NOT IN ('enforce_srid_geom', 'enforce_geotype_geom', 'feature_id') AND contype <> 'p')
	AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid OR inhrelid = c.oid)
	AND (SELECT count(*) FROM pg_index WHERE indrelid = c.oid) = 3
	AND (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) = 4
	AND (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) = $2
	AND NOT c.relrowsecurity AND c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = c.oid)
	FROM pg_class c WHERE c.oid = $1::regclass`

// grantsSQL are the statements that give one table ($2) the rights on another ($1).
const grantsSQL = `SELECT format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, $2::text, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
	FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE c.oid = $1::regclass AND a.grantee <> c.relowner`

// errWrite says that the rows must be written into the table.
var errWrite = errors.New("postgis: not by renaming")

// swap puts the staging table in the layer's table's place, if it may.
func (l *loader) swap(ctx context.Context, prefix string, result *layers.LoadResult) (bool, error) {
	id := l.src.layer.ID
	may := func(q interface {
		QueryRow(context.Context, string, ...any) pgx.Row
	}) error {
		plain, empty := false, l.mode == layers.Replace
		if err := q.QueryRow(ctx, plainSQL, l.src.relation, 3+len(l.src.columns)).Scan(&plain); err != nil {
			return err
		}
		if plain && !empty {
			if err := q.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM "+l.src.relation+")").Scan(&empty); err != nil {
				return err
			}
		}
		if !plain || !empty {
			return errWrite
		}
		return nil
	}
	err := may(l.s.pool)
	if err == nil {
		err = l.s.busy(ctx, "publish layer "+string(id), l.src.relation, swapPatience, func(tx pgx.Tx) error {
			if err := l.unchanged(ctx, tx); err != nil {
				return err
			}
			if err := may(tx); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+l.table).Scan(&result.Inserted); err != nil {
				return err
			}
			if result.Inserted == 0 && l.mode != layers.Replace {
				return nil
			}
			rows, err := tx.Query(ctx, grantsSQL, l.src.relation, l.table)
			if err != nil {
				return err
			}
			grants, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			grants = append(grants, "DROP TABLE "+l.src.relation, "ALTER TABLE "+l.table+" RENAME TO "+quote(string(id)),
				l.s.recordingSQL(l.src.relation, prefix, id, "id"))
			if err := l.replaceSurfaces(ctx, tx); err != nil {
				return err
			}
			grants = append(grants, "DROP TABLE "+l.surfacesTable())
			if err := script(ctx, tx, strings.Join(grants, ";\n")); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, l.s.sql("DELETE FROM {s}._loads WHERE number = $1"), l.number); err != nil {
				return err
			}
			if err := l.s.note(ctx, tx, id, layers.Reloaded); err != nil {
				return err
			}
			return l.revision(ctx, tx, result)
		})
	}
	if errors.Is(err, errWrite) || errors.Is(err, layers.ErrConflict) && !errors.Is(err, errShape) {
		result.Inserted = 0
		return false, nil
	}
	l.gone = err == nil && result.Revision != 0
	return true, err
}

var errShape = errors.New("the layer's properties changed meanwhile: load again")

// unchanged tests that the layer still has the columns that were staged.
func (l *loader) unchanged(ctx context.Context, tx pgx.Tx) error {
	var columns []string
	err := tx.QueryRow(ctx, l.s.sql("SELECT columns FROM {s}._layers WHERE id = $1 FOR KEY SHARE"), string(l.src.layer.ID)).Scan(&columns)
	if errors.Is(err, pgx.ErrNoRows) {
		return notFound(l.src.layer.ID)
	}
	if err == nil && len(columns) != len(l.src.columns) {
		return layers.Errorf(layers.ErrConflict, "layer %s: %w", l.src.layer.ID, errShape)
	}
	return err
}

// revision gives out the transaction's revisions and reads the last.
func (l *loader) revision(ctx context.Context, tx pgx.Tx, result *layers.LoadResult) error {
	if _, err := tx.Exec(ctx, l.s.sql("SET CONSTRAINTS {s}._commit IMMEDIATE")); err != nil {
		return err
	}
	var last string
	if err := tx.QueryRow(ctx, "SELECT coalesce(current_setting('twind.revision', true), '')").Scan(&last); err != nil || last == "" {
		return err
	}
	n, err := strconv.ParseInt(last, 10, 64)
	result.Revision = layers.Revision(n)
	return err
}

// write writes the staged rows into the layer's table.
func (l *loader) write(ctx context.Context, result *layers.LoadResult) error {
	id := l.src.layer.ID
	names := []string{"id", "geom"}
	var set, same strings.Builder
	set.WriteString("geom = l.geom")
	// The geometries' bytes: "=" would compare their boxes in some versions.
	same.WriteString(l.s.sql("t.geom::{g}.geometry::bytea IS NOT DISTINCT FROM l.geom::bytea"))
	for _, c := range l.src.columns {
		c = quote(c)
		names = append(names, c)
		fmt.Fprintf(&set, ", %s = l.%[1]s", c)
		fmt.Fprintf(&same, " AND t.%s IS NOT DISTINCT FROM l.%[1]s", c)
	}
	join, sameFaces := l.sameSurfaces()
	same.WriteString(sameFaces)
	list := strings.Join(names, ", ")
	return pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		if err := l.unchanged(ctx, tx); err != nil {
			return err
		}
		var fresh, changed, equal, removed int64
		if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FILTER (WHERE t.id IS NULL), count(*) FILTER (WHERE t.id IS NOT NULL AND NOT (%s)), count(*) FILTER (WHERE t.id IS NOT NULL AND %[1]s) FROM %s l LEFT JOIN %s t ON t.id = l.id%s",
			same.String(), l.table, l.src.relation, join)).Scan(&fresh, &changed, &equal); err != nil {
			return err
		}
		*result = layers.LoadResult{Inserted: fresh, Updated: changed, Unchanged: equal}
		switch l.mode {
		case layers.Append:
			if n := changed + equal; n > 0 {
				var first string
				if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT l.id FROM %s l JOIN %s t ON t.id = l.id ORDER BY l.id LIMIT 1", l.table, l.src.relation)).Scan(&first); err != nil {
					return err
				}
				return layers.Errorf(layers.ErrExists, "%d of the features are in layer %s already, the first of them %q: load with upsert to update them", n, id, first)
			}
		case layers.Replace:
			*result = layers.LoadResult{Inserted: fresh + changed + equal}
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+l.src.relation).Scan(&removed); err != nil {
				return err
			}
		}
		if l.mode != layers.Replace && fresh+changed == 0 {
			return nil
		}
		whole := l.mode == layers.Replace || fresh+changed > maxLogged
		if whole {
			if _, err := tx.Exec(ctx, "SET LOCAL twind.recording = 'off'"); err != nil {
				return err
			}
			if err := l.s.note(ctx, tx, id, layers.Reloaded); err != nil {
				return err
			}
		}
		if l.mode == layers.Replace && removed > 0 {
			if _, err := tx.Exec(ctx, l.s.sql("DELETE FROM {s}._surfaces WHERE layer = $1"), string(id)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DELETE FROM "+l.src.relation); err != nil {
				return err
			}
		}
		if changed > 0 && l.mode == layers.Upsert {
			if err := l.forgetSurfaces(ctx, tx); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf("UPDATE %s t SET %s FROM %s l%s WHERE t.id = l.id AND NOT (%s)", l.src.relation, set.String(), l.table, join, same.String())); err != nil {
				return err
			}
		}
		if fresh > 0 || l.mode == layers.Replace {
			if _, err := tx.Exec(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %s l WHERE NOT EXISTS (SELECT FROM %[1]s t WHERE t.id = l.id)", l.src.relation, list, l.table)); err != nil {
				if code(err) == "23505" {
					return layers.Errorf(layers.ErrExists, "feature %s was made in layer %s meanwhile: load again", keyOf(err), id)
				}
				return err
			}
		}
		if err := l.mergeSurfaces(ctx, tx); err != nil {
			return err
		}
		return l.revision(ctx, tx, result)
	})
}
