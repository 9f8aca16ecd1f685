package postgis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"twind/layers"
)

// format numbers the layout of the schema.
const format = 3

//go:embed schema.sql
var schemaSQL string

// commitSQL makes the function that gives out revisions; it may run again.
//
//go:embed commit.sql
var commitSQL string

// Store is a layers.Store in a database; see the package's documentation. Its
// methods are safe for concurrent use.
type Store struct {
	options  Options
	pool     *pgxpool.Pool
	log      *slog.Logger
	schema   string
	names    *strings.Replacer
	address  string // host:port, for people
	user     string
	identity string
	readOnly bool // no schema of twind's own: only published tables

	loads     chan struct{}            // holds one for each load under way, so that they leave connections to others
	published map[layers.ID]*published // fixed after Open
	local     *localLog                // the change log of a read-only store

	ctx    context.Context // ends when the store is closed
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	watch  watchers
}

var _ layers.Store = (*Store)(nil)

// Open connects to the database at dsn, a postgres:// URL (or libpq's
// keyword=value form), makes twind's schema in it when it is absent, and
// publishes the tables of Options.Published.
//
// Where the user may not make the schema and tables are published, the store is
// read-only: it holds just these, and its revisions are of this process.
//
// It fails with ErrInvalid (the address or options), ErrUnavailable (no answer,
// or the user is refused), ErrUnsupported (no PostGIS, or a newer schema),
// ErrNotFound (a published table).
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil { // its text holds the address, maybe with a password that pgx did not recognise
		return nil, layers.Errorf(layers.ErrInvalid, "the address of the database is not understood: expected postgres://user:password@host:port/database")
	}
	cc := config.ConnConfig
	if !strings.Contains(dsn, "pool_max_conns") {
		config.MaxConns = 16
	}
	config.MaxConns = max(config.MaxConns, 4) // a load takes up to three
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = 5 * time.Second
	}
	cc.RuntimeParams["application_name"] = "twind"
	cc.RuntimeParams["datestyle"] = "ISO, YMD"
	cc.RuntimeParams["timezone"] = "UTC"
	cc.RuntimeParams["extra_float_digits"] = "1" // exact
	cc.RuntimeParams["bytea_output"] = "hex"
	cc.RuntimeParams["standard_conforming_strings"] = "on"
	s := &Store{options: o, log: o.Log, loads: make(chan struct{}, config.MaxConns/4), schema: o.Schema, user: cc.User,
		address: net.JoinHostPort(cc.Host, strconv.Itoa(int(cc.Port)))}
	if strings.HasPrefix(cc.Host, "/") {
		s.address = cc.Host
	}
	if s.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		return nil, s.wrap(err, "open the store")
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.open(ctx); err != nil {
		err = s.wrap(err, "open the store")
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := s.bootstrap(ctx); err != nil {
		return err
	}
	if err := s.publish(ctx); err != nil {
		return err
	}
	s.startWatching()
	if !s.readOnly {
		s.clearLoads(ctx)
		s.every(10*time.Minute, s.prune)
	}
	return nil
}

// every runs fn now and then until the store is closed.
func (s *Store) every(interval time.Duration, fn func(context.Context)) {
	s.tasks.Add(1)
	go func() {
		defer s.tasks.Done()
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			fn(s.ctx)
			select {
			case <-tick.C:
			case <-s.ctx.Done():
				return
			}
		}
	}()
}

// bootstrap makes the schema, or finds it.
func (s *Store) bootstrap(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	var postgis, exists, mayCreate bool
	var encoding, system, database string
	err = conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgis'), EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
		has_database_privilege(current_database(), 'CREATE') AND NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off',
		current_setting('server_encoding'), (SELECT oid::text FROM pg_database WHERE datname = current_database()), current_database()`, s.schema).
		Scan(&postgis, &exists, &mayCreate, &encoding, &system, &database)
	if err != nil {
		return err
	}
	if encoding != "UTF8" {
		return layers.Errorf(layers.ErrUnsupported, "database %s at %s has the encoding %s: twind needs UTF8", database, s.address, encoding)
	}
	if !postgis {
		if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS postgis"); err != nil && code(err) != "23505" { // another twind was faster
			if isDead(err) {
				return err
			}
			return layers.Errorf(layers.ErrUnsupported, "database %s at %s has no PostGIS: have its administrator run CREATE EXTENSION postgis there", database, s.address)
		}
	}
	var gis string
	err = conn.QueryRow(ctx, "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'").Scan(&gis)
	if err != nil {
		return err
	}
	s.names = strings.NewReplacer("{s}", quote(s.schema), "{n}", s.schema, "{g}", quote(gis))
	if id, err := controlIdentifier(ctx, conn.Conn()); err == nil {
		system = id + "-" + system
	}
	ready, err := s.findSchema(ctx, conn.Conn())
	if err != nil && !errors.Is(err, errNoSchema) {
		return err
	}
	if !ready {
		if !exists && !mayCreate || exists && errors.Is(err, errNoAccess) {
			if len(s.options.Published) == 0 {
				return layers.Errorf(layers.ErrReadOnly, "the database user %s may not make the schema %s in database %s: grant it (GRANT CREATE ON DATABASE %s TO %s), or publish tables that are there",
					s.user, s.schema, database, database, s.user)
			}
			s.readOnly, s.identity = true, "published-"+system
			return nil
		}
		if err := s.createSchema(ctx, conn.Conn()); err != nil {
			return err
		}
		if _, err := s.findSchema(ctx, conn.Conn()); err != nil {
			return err
		}
	}
	s.identity += "-" + system
	return nil
}

var (
	errNoSchema = errors.New("postgis: no schema")
	errNoAccess = fmt.Errorf("%w: no access", errNoSchema)
)

// findSchema reads the identity and checks the format of the schema.
func (s *Store) findSchema(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var version int
	err := conn.QueryRow(ctx, s.sql("SELECT format, identity FROM {s}._store")).Scan(&version, &s.identity)
	switch {
	case code(err) == "42P01" || code(err) == "3F000":
		return false, errNoSchema
	case code(err) == "42501":
		return false, errNoAccess
	case errors.Is(err, pgx.ErrNoRows):
		return false, layers.Errorf(layers.ErrCorrupt, "schema %s at %s is damaged: its table _store is empty; restore it from a backup", s.schema, s.address)
	case err != nil:
		return false, err
	case version > format:
		return false, layers.Errorf(layers.ErrUnsupported, "schema %s at %s was written by a newer twind (format %d, this one knows %d): use that twind", s.schema, s.address, version, format)
	}
	var write bool
	if err := conn.QueryRow(ctx, s.sql(`SELECT has_table_privilege('{s}._layers', 'INSERT') AND NOT pg_is_in_recovery()`)).Scan(&write); err != nil {
		return false, err
	}
	if !write {
		return false, errNoAccess
	}
	if version < format {
		return true, s.upgrade(ctx, conn)
	}
	return true, nil
}

func controlIdentifier(ctx context.Context, conn *pgx.Conn) (id string, err error) {
	err = conn.QueryRow(ctx, "SELECT system_identifier::text FROM pg_control_system()").Scan(&id)
	return id, err
}

// createSchema makes the schema in one transaction; processes take turns.
func (s *Store) createSchema(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('twind.create', 0))"); err != nil {
			return err
		}
		var there bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", s.sql("{s}._store")).Scan(&there); err != nil || there {
			return err
		}
		// Many statements in one string: the simple protocol.
		if _, err := tx.Exec(ctx, s.sql("CREATE SCHEMA IF NOT EXISTS {s};\n"+commitSQL+schemaSQL+surfacesSQL), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, s.sql("INSERT INTO {s}._store (format, identity) VALUES ($1, gen_random_uuid()::text)"), format)
		return err
	})
}

// Identity is that of the schema in this database of this server: a copy has another.
func (s *Store) Identity() string { return s.identity }

// Close ends the store after the running calls.
func (s *Store) Close() error {
	s.cancel()
	s.tasks.Wait()
	s.pool.Close()
	return nil
}

// patience is how long a change of a table's definition waits for those who use it.
const patience = time.Minute

// busy runs fn in a transaction that has locked a table exclusively, or, without
// one, takes such locks in fn. It waits for a lock for a tenth of a second only, so
// that readers never queue behind it for longer; again and again, as long as patience
// lasts. It fails with ErrConflict after that.
func (s *Store) busy(ctx context.Context, what, table string, patience time.Duration, fn func(tx pgx.Tx) error) error {
	deadline := time.Now().Add(patience)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '100ms'"); err != nil {
				return err
			}
			if table == "" {
				return fn(tx)
			}
			if _, err := tx.Exec(ctx, "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = 0"); err != nil {
				return err
			}
			return fn(tx)
		})
		if code(err) != "55P03" && code(err) != "40P01" {
			return s.wrap(err, what)
		}
		if time.Now().After(deadline) {
			return layers.Errorf(layers.ErrConflict, "%s: others have been using the table for %v: try again when their transactions have ended", what, patience)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var _ = pgconn.CommandTag{}
