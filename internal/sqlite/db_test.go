package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
)

func open(t *testing.T, o sqlite.Options) *sqlite.DB {
	t.Helper()
	if o.Path == "" {
		o.Path = filepath.Join(t.TempDir(), "数据.db")
	}
	o.Create = true
	db, err := sqlite.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// numbers makes a table n of one column v with the values 0 to count−1.
func numbers(t *testing.T, db *sqlite.DB, count int) {
	t.Helper()
	require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
		if err := c.Script("CREATE TABLE n (v INTEGER PRIMARY KEY)"); err != nil {
			return err
		}
		for i := range count {
			if err := c.Exec("INSERT INTO n VALUES (?)", i); err != nil {
				return err
			}
		}
		return nil
	}))
}

func count(t *testing.T, db *sqlite.DB) (n int64) {
	t.Helper()
	require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) (err error) { n, err = c.Int("SELECT count(*) FROM n"); return err }))
	return n
}

// endless is a statement that ends only when it is interrupted.
const endless = "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x) SELECT count(*) FROM x"

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	_, err := sqlite.Open(sqlite.Options{Path: path})
	require.True(t, sqlite.IsCantOpen(err), err)
	db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
	require.NoError(t, err)
	require.Equal(t, path, db.Path())
	require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "foreign_keys": "1", "query_only": "1", "trusted_schema": "0"} {
			got, err := c.Text("PRAGMA " + pragma)
			require.NoError(t, err)
			require.Equal(t, want, got, pragma)
		}
		_, err := c.Int("SELECT count(*) FROM pragma_module_list WHERE name = 'rtree'")
		require.NoError(t, err)
		require.Error(t, c.Script("CREATE TABLE x (y)"), "readers do not write")
		return nil
	}))
	require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
		got, err := c.Text("PRAGMA synchronous")
		require.NoError(t, err)
		require.Equal(t, "2", got, "a commit is on the disk")
		return c.Script("CREATE VIRTUAL TABLE r USING rtree(id, a, b, c, d)")
	}))
	require.NoError(t, db.Close())
	require.NoError(t, db.Close())
	for _, left := range []string{path + "-wal", path + "-shm"} {
		_, err := os.Stat(left)
		require.ErrorIs(t, err, os.ErrNotExist, "closing leaves one file")
	}
	require.ErrorIs(t, db.Read(t.Context(), func(*sqlite.Conn) error { return nil }), sqlite.ErrClosed)
	require.ErrorIs(t, db.Write(t.Context(), func(*sqlite.Conn) error { return nil }), sqlite.ErrClosed)

	text := filepath.Join(dir, "text")
	require.NoError(t, os.WriteFile(text, []byte("this is no database, only a text that is long enough to be taken for one by its length alone; it must have more than a hundred bytes"), 0o666))
	_, err = sqlite.Open(sqlite.Options{Path: text})
	require.True(t, sqlite.IsNotADB(err), err)
	boom := errors.New("boom")
	_, err = sqlite.Open(sqlite.Options{Path: path, OnConnect: func(*sqlite.Conn) error { return boom }})
	require.ErrorIs(t, err, boom)
}

func TestWriteRollsBack(t *testing.T) {
	db := open(t, sqlite.Options{})
	numbers(t, db, 3)
	commits := db.Commits()
	boom := errors.New("boom")
	require.ErrorIs(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
		require.NoError(t, c.Exec("DELETE FROM n"))
		require.Equal(t, int64(3), c.Changed())
		return boom
	}), boom)
	require.PanicsWithValue(t, "boom", func() {
		db.Write(t.Context(), func(c *sqlite.Conn) error {
			require.NoError(t, c.Exec("DELETE FROM n"))
			panic("boom")
		})
	})
	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, db.Write(ctx, func(c *sqlite.Conn) error {
		require.NoError(t, c.Exec("DELETE FROM n"))
		cancel()
		return nil
	}), context.Canceled)
	require.Equal(t, int64(3), count(t, db))
	require.Equal(t, commits, db.Commits())
	err := db.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("INSERT INTO n VALUES (1)") })
	require.True(t, sqlite.IsUnique(err) && sqlite.IsConstraint(err), err)
	require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
		require.NoError(t, c.Exec("INSERT INTO n VALUES (?)", 77))
		require.Equal(t, int64(77), c.LastRowID())
		return nil
	}))
	require.Equal(t, commits+1, db.Commits())
}

func TestInterrupt(t *testing.T) {
	db := open(t, sqlite.Options{})
	numbers(t, db, 1)
	for name, run := range map[string]func(context.Context, func(*sqlite.Conn) error) error{"read": db.Read, "write": db.Write} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := run(ctx, func(c *sqlite.Conn) error { _, err := c.Int(endless); return err })
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		cancel()
		require.ErrorIs(t, run(ctx, func(*sqlite.Conn) error { return nil }), context.DeadlineExceeded, name)
		// The connection works on.
		require.NoError(t, run(t.Context(), func(c *sqlite.Conn) error { _, err := c.Int("SELECT 1"); return err }), name)
	}
}

func TestReadersSeeOneState(t *testing.T) {
	db := open(t, sqlite.Options{Readers: 2})
	numbers(t, db, 3)
	require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
		n, err := c.Int("SELECT count(*) FROM n")
		require.NoError(t, err)
		require.Equal(t, int64(3), n)
		require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("DELETE FROM n WHERE v = 0") }))
		n, err = c.Int("SELECT count(*) FROM n")
		require.NoError(t, err)
		require.Equal(t, int64(3), n)
		return nil
	}))
	require.Equal(t, int64(2), count(t, db))
}

func TestReadersQueue(t *testing.T) {
	db := open(t, sqlite.Options{Readers: 2})
	numbers(t, db, 3)
	var now, most int
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wg.Go(func() {
			errs[i] = db.Read(t.Context(), func(c *sqlite.Conn) error {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				_, err := c.Int("SELECT sum(v) FROM n")
				mu.Lock()
				now--
				mu.Unlock()
				return err
			})
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.LessOrEqual(t, most, 2)
	// Whoever waits for a reader stops when its context ends.
	require.NoError(t, db.Read(t.Context(), func(*sqlite.Conn) error {
		return db.Read(t.Context(), func(*sqlite.Conn) error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, db.Read(ctx, func(*sqlite.Conn) error { return nil }), context.DeadlineExceeded)
			return nil
		})
	}))
}

func TestStatements(t *testing.T) {
	db := open(t, sqlite.Options{})
	numbers(t, db, 10)
	require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
		// The same text within itself.
		pairs := 0
		require.NoError(t, c.Query(func(a *sqlite.Stmt) error {
			return c.Query(func(b *sqlite.Stmt) error {
				if a.ColumnInt64(0) < b.ColumnInt64(0) {
					pairs++
				}
				return nil
			}, "SELECT v FROM n")
		}, "SELECT v FROM n"))
		require.Equal(t, 45, pairs)
		// One that was left half read, and one that failed, are used again.
		boom := errors.New("boom")
		require.ErrorIs(t, c.Query(func(*sqlite.Stmt) error { return boom }, "SELECT v FROM n"), boom)
		n := 0
		require.NoError(t, c.Query(func(*sqlite.Stmt) error { n++; return nil }, "SELECT v FROM n"))
		require.Equal(t, 10, n)
		// More texts than are kept.
		for i := range 600 {
			got, err := c.Int(fmt.Sprintf("SELECT %d + ?", i), i)
			require.NoError(t, err)
			require.Equal(t, int64(2*i), got)
		}
		// Bindings do not stay.
		text, err := c.Text("SELECT coalesce(?, 'none')", "some")
		require.NoError(t, err)
		require.Equal(t, "some", text)
		text, err = c.Text("SELECT coalesce(?, 'none')")
		require.NoError(t, err)
		require.Equal(t, "none", text)
		for name, sql := range map[string]string{"nothing": "", "comment": "-- x", "two": "SELECT 1; SELECT 2", "nonsense": "SELEKT"} {
			_, err := c.Prepare(sql)
			require.Error(t, err, name)
		}
		require.Error(t, c.Exec("SELECT ?", struct{}{}))
		return nil
	}))
}

func TestBind(t *testing.T) {
	db := open(t, sqlite.Options{})
	require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
		return c.Query(func(s *sqlite.Stmt) error {
			require.Equal(t, sqlite.Null, s.ColumnType(0))
			require.True(t, s.ColumnBool(1))
			require.Equal(t, int64(-7), s.ColumnInt64(2))
			require.Equal(t, int64(1)<<62, s.ColumnInt64(3))
			require.Equal(t, 0.1, s.ColumnFloat(4))
			require.Equal(t, sqlite.Float, s.ColumnType(4))
			require.Equal(t, "中\x00文", s.ColumnText(5))
			require.Equal(t, []byte{0, 1, 2}, s.ColumnBlob(6, nil))
			require.Equal(t, sqlite.Blob, s.ColumnType(7))
			return nil
		}, "SELECT ?, ?, ?, ?, ?, ?, ?, ?", nil, true, -7, int64(1)<<62, 0.1, "中\x00文", []byte{0, 1, 2}, []byte{})
	}))
	require.Equal(t, `"a""b"`, sqlite.Quote(`a"b`))
	require.Equal(t, `'it''s'`, sqlite.QuoteText("it's"))
}

func TestFunction(t *testing.T) {
	db := open(t, sqlite.Options{OnConnect: func(c *sqlite.Conn) error {
		return c.Function("twice", 1, func(ctx sqlite.Context, arg ...sqlite.Value) { ctx.ResultInt64(2 * arg[0].Int64()) })
	}})
	numbers(t, db, 4)
	// On readers, on the writer, and within triggers, since it cannot do harm.
	require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error {
		return c.Script("CREATE TABLE log (v); CREATE TRIGGER t AFTER INSERT ON n BEGIN INSERT INTO log VALUES (twice(NEW.v)); END; INSERT INTO n VALUES (21)")
	}))
	require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
		n, err := c.Int("SELECT twice(v) FROM log")
		require.NoError(t, err)
		require.Equal(t, int64(84), n)
		return nil
	}))
}

func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a := open(t, sqlite.Options{Path: path})
	b := open(t, sqlite.Options{Path: path, BusyTimeout: 100 * time.Millisecond})
	numbers(t, a, 1)
	require.NoError(t, a.Write(t.Context(), func(c *sqlite.Conn) error {
		require.NoError(t, c.Exec("INSERT INTO n VALUES (5)"))
		err := b.Write(t.Context(), func(*sqlite.Conn) error { return nil })
		require.True(t, sqlite.IsBusy(err), err)
		require.Equal(t, int64(1), count(t, b), "readers do not wait")
		return nil
	}))
	require.NoError(t, b.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("INSERT INTO n VALUES (6)") }))
	require.Equal(t, int64(3), count(t, a))
	// A write that waits ends with its context.
	require.NoError(t, a.Write(t.Context(), func(*sqlite.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, a.Write(ctx, func(*sqlite.Conn) error { return nil }), context.DeadlineExceeded)
		return nil
	}))
}

func TestMonitor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	a, b := open(t, sqlite.Options{Path: path}), open(t, sqlite.Options{Path: path})
	numbers(t, a, 1)
	m, err := a.Monitor()
	require.NoError(t, err)
	last, err := m.DataVersion()
	require.NoError(t, err)
	for _, db := range []*sqlite.DB{a, b, a} {
		same, err := m.DataVersion()
		require.NoError(t, err)
		require.Equal(t, last, same)
		require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("UPDATE n SET v = v + 1") }))
		next, err := m.DataVersion()
		require.NoError(t, err)
		require.NotEqual(t, last, next)
		last = next
	}
	require.NoError(t, m.Close())

	others, err := a.OtherCommits(t.Context())
	require.NoError(t, err)
	require.NoError(t, a.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("UPDATE n SET v = v + 1") }))
	same, err := a.OtherCommits(t.Context())
	require.NoError(t, err)
	require.Equal(t, others, same, "own commits do not count")
	require.NoError(t, b.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("UPDATE n SET v = v + 1") }))
	next, err := a.OtherCommits(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, others, next)
}

// TestCloseWaits closes while a read runs: it ends first, and well.
func TestCloseWaits(t *testing.T) {
	db, err := sqlite.Open(sqlite.Options{Path: filepath.Join(t.TempDir(), "a.db"), Create: true})
	require.NoError(t, err)
	numbers(t, db, 5)
	reading, goOn, closed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	read := make(chan error, 1)
	go func() {
		read <- db.Read(t.Context(), func(c *sqlite.Conn) error {
			close(reading)
			<-goOn
			n, err := c.Int("SELECT count(*) FROM n")
			if err == nil && n != 5 {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		})
	}()
	<-reading
	go func() { closed <- db.Close() }()
	close(goOn)
	require.NoError(t, <-read)
	require.NoError(t, <-closed)
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "数据 1?.db")
	db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
	require.NoError(t, err)
	numbers(t, db, 3)
	require.NoError(t, db.Close())

	require.NoError(t, os.Chmod(path, 0o400))
	require.NoError(t, os.Chmod(dir, 0o500)) // root may write nevertheless: then nothing of it shows
	t.Cleanup(func() { require.NoError(t, os.Chmod(dir, 0o700)) })
	db, err = sqlite.Open(sqlite.Options{Path: path, ReadOnly: true})
	require.NoError(t, err)
	require.EqualValues(t, 3, count(t, db))
	require.ErrorIs(t, db.Write(t.Context(), func(*sqlite.Conn) error { return nil }), sqlite.ErrReadOnly)
	require.Error(t, db.Read(t.Context(), func(c *sqlite.Conn) error { return c.Exec("DELETE FROM n") }))
	require.EqualValues(t, 3, count(t, db))
	require.NoError(t, db.Close())
	require.ErrorIs(t, db.Read(t.Context(), func(*sqlite.Conn) error { return nil }), sqlite.ErrClosed)

	_, err = sqlite.Open(sqlite.Options{Path: filepath.Join(dir, "none.db"), ReadOnly: true})
	require.True(t, sqlite.IsCantOpen(err), err)
	text := filepath.Join(t.TempDir(), "text.db")
	require.NoError(t, os.WriteFile(text, []byte("no database, but long enough to be looked at as one by its header"), 0o600))
	_, err = sqlite.Open(sqlite.Options{Path: text, ReadOnly: true})
	require.True(t, sqlite.IsNotADB(err), err)
}

// TestTraceless reads a file in WAL mode that nobody has open, and leaves no file
// beside it.
func TestTraceless(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	db, err := sqlite.Open(sqlite.Options{Path: path, Create: true})
	require.NoError(t, err)
	numbers(t, db, 3)
	require.NoError(t, db.Close())
	files := func() int {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		return len(entries)
	}
	o := sqlite.Options{Path: path, ReadOnly: true, Traceless: true}
	alone, err := sqlite.Open(o)
	require.NoError(t, err)
	require.False(t, alone.LeftLog())
	require.EqualValues(t, 3, count(t, alone))
	require.Equal(t, 1, files())

	db, err = sqlite.Open(sqlite.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, db.Write(t.Context(), func(c *sqlite.Conn) error { return c.Exec("DELETE FROM n WHERE v = 0") }))
	beside, err := sqlite.Open(o)
	require.NoError(t, err)
	require.EqualValues(t, 2, count(t, beside), "what another has in its log")
	require.NoError(t, beside.Close())
	require.NoError(t, db.Close())
	require.Equal(t, 1, files())
	require.ErrorIs(t, alone.Read(t.Context(), func(*sqlite.Conn) error { return nil }), sqlite.ErrChanged)
	require.NoError(t, os.Remove(path))
	require.NoError(t, alone.Read(t.Context(), func(*sqlite.Conn) error { return nil }), "it is still read whole")
	require.NoError(t, alone.Close())

	_, err = sqlite.Open(sqlite.Options{Path: filepath.Join(dir, "none.db"), ReadOnly: true, Traceless: true})
	require.True(t, sqlite.IsCantOpen(err), err)
}
