package sqlite

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Options say how to open a database file.
type Options struct {
	Path        string
	Create      bool                // make the file when it is missing
	Readers     int                 // reader connections at most; default 4, or one a processor if that is more
	BusyTimeout time.Duration       // how long to retry against other processes' locks; default 10 s
	WriterCache int                 // page cache of the writer, bytes; default 64 MB
	ReaderCache int                 // page cache of each reader, bytes; default 8 MB
	OnConnect   func(c *Conn) error // registers SQL functions on each new connection
	// ReadOnly opens the file as it is, in whatever journal mode, and never
	// writes: there is no writer, so that only Read works. A file in WAL mode whose
	// folder cannot be written is taken to be changed by nobody.
	ReadOnly bool
	// Traceless, with ReadOnly, makes no file beside the database either: one in
	// WAL mode that no process has open is read without locks, and without what
	// is in a log that a process left behind (see DB.LeftLog). When such a file
	// changes meanwhile, Read fails with ErrChanged.
	Traceless bool
	immutable bool
}

// EnsureDefaults fills what is zero.
func (o *Options) EnsureDefaults() {
	if o.Readers <= 0 {
		o.Readers = max(4, runtime.GOMAXPROCS(0))
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 10 * time.Second
	}
	if o.WriterCache <= 0 {
		o.WriterCache = 64 << 20
	}
	if o.ReaderCache <= 0 {
		o.ReaderCache = 8 << 20
	}
}

// ErrClosed is returned by every call after Close.
var ErrClosed = errors.New("sqlite: the database is closed")

// DB is an open database file. It is safe for concurrent use.
type DB struct {
	o      Options
	writer chan *Conn    // holds the writer while it is free
	free   chan *Conn    // readers that are free
	slots  chan struct{} // one token for each reader that may still be opened
	closed chan struct{}
	once   sync.Once
	count  atomic.Int64
	file   os.FileInfo            // of what Open opened
	beside map[string]os.FileInfo // the write-ahead log and its index, by path; with the writer
	moved  atomic.Bool            // see Abandon
	log    bool                   // see LeftLog
	err    error                  // of Close
}

// Open opens the file and brings it to WAL mode. The error is SQLite's own: see
// the Is functions.
func Open(o Options) (*DB, error) {
	o.EnsureDefaults()
	if o.ReadOnly {
		return openReadOnly(o)
	}
	w, err := connect(&o, false)
	if err != nil {
		return nil, err
	}
	file, err := os.Stat(o.Path)
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	db := &DB{
		o:      o,
		file:   file,
		writer: make(chan *Conn, 1),
		free:   make(chan *Conn, o.Readers),
		slots:  make(chan struct{}, o.Readers),
		closed: make(chan struct{}),
	}
	db.writer <- w
	for range o.Readers {
		db.slots <- struct{}{}
	}
	return db, nil
}

// ErrReadOnly is returned by Write and Exclusive of a file opened with
// Options.ReadOnly.
var ErrReadOnly = errors.New("sqlite: the database is open for reading only")

// openReadOnly tries a first reader, which shows whether the file is a database.
func openReadOnly(o Options) (*DB, error) {
	var left bool
	if o.Traceless {
		var err error
		if o.immutable, left, err = unused(o.Path); err != nil {
			return nil, err
		}
	}
	before, err := os.Stat(o.Path)
	if err != nil && !errors.Is(err, os.ErrNotExist) { // SQLite has its own error for that
		return nil, err
	}
	c, err := firstReader(&o)
	if err != nil && IsCantOpen(err) {
		o.immutable = true // WAL mode without the right to make the -shm file
		c, err = firstReader(&o)
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Stat(o.Path)
	if err == nil && o.immutable && changed(before, file) {
		err = ErrChanged
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	db := &DB{o: o, file: file, log: left, free: make(chan *Conn, o.Readers), slots: make(chan struct{}, o.Readers), closed: make(chan struct{})}
	db.free <- c
	for range o.Readers - 1 {
		db.slots <- struct{}{}
	}
	return db, nil
}

func firstReader(o *Options) (*Conn, error) {
	c, err := connect(o, true)
	if err != nil {
		return nil, err
	}
	if _, err := c.Int("SELECT count(*) FROM sqlite_schema"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// Path is the file's name as it was opened.
func (db *DB) Path() string { return db.o.Path }

// reader takes a free reader or opens one; it waits when all are lent.
func (db *DB) reader(ctx context.Context) (*Conn, error) {
	select {
	case <-db.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case c := <-db.free:
		return c, nil
	default:
	}
	select {
	case c := <-db.free:
		return c, nil
	case <-db.slots:
		c, err := db.another()
		if err != nil {
			db.slots <- struct{}{}
		}
		return c, err
	case <-db.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ErrMoved is returned by Write, and by Read where it needs another connection,
// when the file was removed, renamed or replaced while it was open: what would be
// written to the old one is lost with it.
var ErrMoved = errors.New("sqlite: another file stands where the database was")

// InPlace tells whether the file that is open still has its name; the error is
// ErrMoved, for ever after Abandon, or what the system says.
func (db *DB) InPlace() error {
	now, err := os.Stat(db.o.Path)
	if db.moved.Load() || errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(now, db.file) {
		return ErrMoved
	}
	return err
}

// lookBeside notes which files are the log and its index: they stay the same while
// a connection is open. The first transaction makes them; the writer is held.
func (db *DB) lookBeside() {
	if db.beside != nil {
		return
	}
	db.beside = map[string]os.FileInfo{}
	for _, end := range []string{"-wal", "-shm"} {
		if info, err := os.Stat(db.o.Path + end); err == nil { // else there is nothing to take away
			db.beside[db.o.Path+end] = info
		}
	}
}

// Abandon ends writing to a file that is no longer in its place, once and for all:
// it brings the write-ahead log into the file, wherever that is now, and takes the
// log and its index away, which SQLite would read as those of the file that stands
// there now. Readers that are open go on.
func (db *DB) Abandon(ctx context.Context) error {
	db.moved.Store(true)
	return db.Exclusive(ctx, func(c *Conn) error {
		if _, _, err := c.c.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE); err != nil {
			return err
		}
		var fault error
		for path, ours := range db.beside {
			if now, err := os.Stat(path); err == nil && os.SameFile(now, ours) {
				fault = errors.Join(fault, os.Remove(path))
			}
		}
		return fault
	})
}

// another opens one more reader, of the same file as the others.
func (db *DB) another() (*Conn, error) {
	c, err := connect(&db.o, true)
	if moved := db.InPlace(); moved != nil {
		if err == nil {
			err = c.close()
		}
		return nil, errors.Join(moved, err)
	}
	return c, err
}

// Read lends fn a reader within one read transaction. All that fn reads is of
// one state. It must not keep the connection. When more readers are wanted than
// there are, Read waits: a nested Read can wait for itself.
func (db *DB) Read(ctx context.Context, fn func(*Conn) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := db.reader(ctx)
	if err != nil {
		return contextError(ctx, err)
	}
	c.c.SetInterrupt(ctx)
	defer func() {
		c.end()
		db.free <- c
	}()
	if err := c.Script("BEGIN"); err != nil {
		return contextError(ctx, err)
	}
	err = fn(c)
	if same := db.unchanged(); same != nil {
		return same // what fn met may come of that
	}
	return contextError(ctx, err)
}

// end resets what still runs and rolls back a transaction that is still open.
func (c *Conn) end() {
	c.c.SetInterrupt(context.Background())
	for s := range c.c.Stmts() {
		s.Reset() // its error was seen by who ran it
	}
	if !c.c.GetAutocommit() {
		if err := c.c.Exec("ROLLBACK"); err != nil {
			panic(err) // cannot fail: no statement runs and the transaction is open
		}
	}
}

// Write lends fn the writer within a transaction that already holds the write
// lock. It commits when fn returns nil; an error or a panic rolls back. A file that
// is no longer where it was is not written: ErrMoved. Writers
// of this DB queue; the lock of another process is waited for BusyTimeout.
func (db *DB) Write(ctx context.Context, fn func(*Conn) error) error {
	return db.Exclusive(ctx, func(c *Conn) error {
		if err := db.InPlace(); err != nil {
			return err
		}
		if err := c.Script("BEGIN IMMEDIATE"); err != nil {
			return err
		}
		db.lookBeside()
		if err := fn(c); err != nil {
			return err
		}
		if err := c.Script("COMMIT"); err != nil {
			return err
		}
		db.count.Add(1)
		return nil
	})
}

// Commits counts the transactions that Write has committed.
func (db *DB) Commits() int64 { return db.count.Load() }

// Exclusive lends fn the writer outside of any transaction, for pragmas and for
// several transactions in a row; one that fn leaves open is rolled back.
func (db *DB) Exclusive(ctx context.Context, fn func(*Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.writer == nil {
		return ErrReadOnly
	}
	var c *Conn
	select {
	case <-db.closed:
		return ErrClosed
	default:
	}
	select {
	case c = <-db.writer:
	case <-db.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	c.c.SetInterrupt(ctx)
	defer func() {
		c.end()
		db.writer <- c
	}()
	return contextError(ctx, fn(c))
}

// Close waits for running calls, empties the write-ahead log and closes all
// connections. Further calls return the same error.
func (db *DB) Close() error {
	db.once.Do(func() {
		close(db.closed)
		var w *Conn
		if db.writer != nil {
			w = <-db.writer
		}
		for range db.o.Readers {
			select {
			case <-db.slots:
			case c := <-db.free:
				db.err = errors.Join(db.err, c.close())
			}
		}
		if w != nil {
			db.err = errors.Join(db.err, w.close())
		}
	})
	return db.err
}

// OtherCommits is a number that is another one after commits by others than the
// writer of this DB: of other processes, or other DBs of this one. It waits for
// the writer to be free.
func (db *DB) OtherCommits(ctx context.Context) (n int64, err error) {
	err = db.Exclusive(ctx, func(c *Conn) error { n, err = c.Int("PRAGMA data_version"); return err })
	return n, err
}

// Monitor asks one thing of a file over a connection of its own: whether
// somebody has committed. It is not safe for concurrent use.
type Monitor struct{ c *Conn }

// Monitor opens one; the caller closes it.
func (db *DB) Monitor() (*Monitor, error) {
	o := db.o
	o.ReaderCache, o.OnConnect = 64<<10, nil
	c, err := connect(&o, true)
	if err != nil {
		return nil, err
	}
	return &Monitor{c}, nil
}

// DataVersion is a number that is another one after each commit to the file by
// any other connection, of this process or another.
func (m *Monitor) DataVersion() (int64, error) { return m.c.Int("PRAGMA data_version") }

// Close closes the connection.
func (m *Monitor) Close() error { return m.c.close() }
