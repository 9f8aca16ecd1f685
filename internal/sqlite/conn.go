package sqlite

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/ext/rtree"
)

// Stmt is a prepared statement. Parameters count from 1, columns from 0.
type Stmt = sqlite3.Stmt

// Context receives the result of an SQL function.
type Context = sqlite3.Context

// Value is an argument of an SQL function; it is lent until the function returns.
type Value = sqlite3.Value

// Datatype is the storage class of a value.
type Datatype = sqlite3.Datatype

// The storage classes of SQLite.
const (
	Integer = sqlite3.INTEGER
	Float   = sqlite3.FLOAT
	Text    = sqlite3.TEXT
	Blob    = sqlite3.BLOB
	Null    = sqlite3.NULL
)

// Quote makes an identifier of any text without NUL.
func Quote(identifier string) string { return sqlite3.QuoteIdentifier(identifier) }

// QuoteText makes a text literal; text after a NUL is lost.
func QuoteText(s string) string { return sqlite3.Quote(s) }

// maxStatements bounds the statements one connection keeps prepared.
const maxStatements = 256

// Conn is one connection. It is not safe for concurrent use: it belongs to the
// function that DB.Read or DB.Write lent it to.
type Conn struct {
	c     *sqlite3.Conn
	stmts map[string]*Stmt
}

func connect(o *Options, reader bool) (*Conn, error) {
	flags := sqlite3.OPEN_READWRITE
	if o.Create && !reader {
		flags |= sqlite3.OPEN_CREATE
	}
	name := o.Path
	if o.ReadOnly {
		flags = sqlite3.OPEN_READONLY
	}
	if o.immutable {
		flags |= sqlite3.OPEN_URI
		name = "file:" + (&url.URL{Path: o.Path}).EscapedPath() + "?immutable=1"
	}
	raw, err := sqlite3.OpenFlags(name, flags)
	if err != nil {
		return nil, err
	}
	c := &Conn{raw, make(map[string]*Stmt)}
	if err := c.setUp(o, reader); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *Conn) setUp(o *Options, reader bool) error {
	if err := c.c.BusyTimeout(o.BusyTimeout); err != nil {
		return err
	}
	if err := rtree.Register(c.c); err != nil {
		return fmt.Errorf("sqlite: rtree: %w", err)
	}
	cache := o.WriterCache
	if reader {
		cache = o.ReaderCache
	}
	pragmas := fmt.Sprintf("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-%d;", cache>>10)
	if err := c.c.Exec(pragmas); err != nil {
		return err
	}
	if o.OnConnect != nil {
		if err := o.OnConnect(c); err != nil {
			return err
		}
	}
	if reader {
		return c.c.Exec("PRAGMA query_only=ON")
	}
	// The first statement that reads the file: it finds out whether it is one.
	if err := c.walMode(o.BusyTimeout); err != nil {
		return err
	}
	return c.c.Exec("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864")
}

// walMode changes a file to WAL, which needs the file for itself for a moment;
// SQLite does not call the busy handler for it.
func (c *Conn) walMode(patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		mode, err := c.Text("PRAGMA journal_mode=WAL")
		if err == nil && mode != "wal" {
			return fmt.Errorf("sqlite: the file system cannot carry a database in WAL mode (journal mode is %q)", mode)
		}
		if err == nil || !IsBusy(err) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *Conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	c.stmts = nil
	return c.c.Close()
}

// Function registers a deterministic SQL function of n arguments.
func (c *Conn) Function(name string, n int, fn func(ctx Context, arg ...Value)) error {
	return c.c.CreateFunction(name, n, sqlite3.DETERMINISTIC|sqlite3.INNOCUOUS, fn)
}

// Prepare returns the statement of one SQL text, reset and without bindings,
// prepared once for each connection. The connection owns it: do not close it,
// reset it when its rows are not all read. A text that is running already on
// this connection is prepared anew (and closed with the connection).
func (c *Conn) Prepare(sql string) (*Stmt, error) {
	if s := c.stmts[sql]; s != nil {
		if !s.Busy() {
			s.Reset() // an error of the last run, known already
			return s, s.ClearBindings()
		}
		s, _, err := c.c.Prepare(sql)
		if err == nil {
			c.stmts[fmt.Sprintf("%s -- %d", sql, len(c.stmts))] = s
		}
		return s, err
	}
	if len(c.stmts) >= maxStatements {
		for k, s := range c.stmts {
			if !s.Busy() {
				s.Close()
				delete(c.stmts, k)
			}
		}
	}
	s, tail, err := c.c.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("%w in %.200q", err, sql)
	}
	if s == nil || tail != "" {
		s.Close()
		return nil, fmt.Errorf("sqlite: not one statement: %.200q", sql)
	}
	c.stmts[sql] = s
	return s, nil
}

// Script runs one or more statements without parameters.
func (c *Conn) Script(sql string) error {
	if err := c.c.Exec(sql); err != nil {
		return fmt.Errorf("%w in %.200q", err, sql)
	}
	return nil
}

// Bind sets all parameters: nil, bool, int, int64, float64, string or []byte.
func Bind(s *Stmt, args ...any) error {
	for i, a := range args {
		var err error
		switch v := a.(type) {
		case nil:
			err = s.BindNull(i + 1)
		case bool:
			err = s.BindBool(i+1, v)
		case int:
			err = s.BindInt(i+1, v)
		case int64:
			err = s.BindInt64(i+1, v)
		case float64:
			err = s.BindFloat(i+1, v)
		case string:
			err = s.BindText(i+1, v)
		case []byte:
			err = s.BindBlob(i+1, v)
		default:
			err = fmt.Errorf("sqlite: parameter %d has type %T", i+1, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Exec runs one statement to its end.
func (c *Conn) Exec(sql string, args ...any) error {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	if err := Bind(s, args...); err != nil {
		return err
	}
	return s.Exec()
}

// Query runs one statement and calls row for each row; an error of row ends it
// and is returned.
func (c *Conn) Query(row func(*Stmt) error, sql string, args ...any) (err error) {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	if err := Bind(s, args...); err != nil {
		return err
	}
	defer func() {
		if e := s.Reset(); err == nil {
			err = e
		}
	}()
	for s.Step() {
		if err := row(s); err != nil {
			return err
		}
	}
	return s.Err()
}

// Int is the first column of the first row as an integer; 0 without a row.
func (c *Conn) Int(sql string, args ...any) (n int64, err error) {
	err = c.Query(func(s *Stmt) error { n = s.ColumnInt64(0); return nil }, sql, args...)
	return n, err
}

// Text is the first column of the last row as text; "" without a row.
func (c *Conn) Text(sql string, args ...any) (text string, err error) {
	err = c.Query(func(s *Stmt) error { text = s.ColumnText(0); return nil }, sql, args...)
	return text, err
}

// Changed is the number of rows the last statement wrote or removed.
func (c *Conn) Changed() int64 { return c.c.Changes() }

// LastRowID is the rowid of the last row inserted.
func (c *Conn) LastRowID() int64 { return c.c.LastInsertRowID() }

// Checkpoint moves the write-ahead log into the file as far as readers allow.
func (c *Conn) Checkpoint() error {
	_, _, err := c.c.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE)
	return err
}
