package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the environment variable with the address of the cluster that
// the test driver started: a postgres:// URL of a superuser.
const Variable = "TWIND_TEST_POSTGRES"

// server is the PostgreSQL that tests use.
type server struct {
	dsn     string
	cluster *Cluster // of this process, if it is: it ends when nothing refers to it any more
}

// shared is what the variable names, or, where it is absent, a cluster of this
// process that ends with it.
var shared = sync.OnceValues(func() (server, error) {
	if dsn := os.Getenv(Variable); dsn != "" {
		return server{dsn: dsn}, nil
	}
	c, err := NewCluster(Options{})
	if err != nil {
		return server{}, err
	}
	return server{c.DSN("postgres"), c}, nil
})

// DSN makes a fresh database with PostGIS for the test and drops it when the
// test ends. A test without PostgreSQL fails; it is never skipped.
func DSN(t testing.TB) string {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	if s.cluster != nil && s.cluster.server == nil {
		t.Fatal("the tests' PostgreSQL has ended")
	}
	dsn, drop, err := Database(s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return dsn
}

// New starts a cluster for this test alone, which it may stop, kill and start.
func New(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := NewCluster(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Database makes a fresh database with PostGIS in the cluster at admin, the URL
// of a superuser, and returns its URL and what drops it, open connections or not.
func Database(admin string) (dsn string, drop func() error, err error) {
	u, err := url.Parse(admin)
	if err != nil {
		return "", nil, fmt.Errorf("%s is not a URL", Variable) // its text would show the password
	}
	if err := ensureTemplate(admin); err != nil {
		return "", nil, err
	}
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return "", nil, err
	}
	name := "t_" + hex.EncodeToString(b)
	if err := execute(admin, "CREATE DATABASE "+name+" TEMPLATE "+templateDatabase); err != nil {
		return "", nil, fmt.Errorf("a database for the test: %w", err)
	}
	u.Path = "/" + name
	return u.String(), func() error { return execute(admin, "DROP DATABASE "+name+" WITH (FORCE)") }, nil
}

var templates sync.Map // admin URL → the template is there

// ensureTemplate makes the database that all others are copies of: loading
// PostGIS takes a second, copying it a tenth.
func ensureTemplate(admin string) error {
	if _, ok := templates.Load(admin); ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return fmt.Errorf("PostgreSQL of the tests: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	const lock = 0x7477696e64 // "twind": the packages' test processes take turns
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", lock); err != nil {
		return err
	}
	var ready bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)", templateDatabase).Scan(&ready); err != nil {
		return err
	}
	if !ready {
		u, err := url.Parse(admin)
		if err != nil {
			return err
		}
		u.Path = "/" + templateDatabase
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+templateDatabase); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+templateDatabase); err != nil {
			return err
		}
		if err := execute(u.String(), "CREATE EXTENSION postgis"); err != nil {
			return fmt.Errorf("PostGIS: %w", err)
		}
		if _, err := conn.Exec(ctx, "ALTER DATABASE "+templateDatabase+" IS_TEMPLATE true"); err != nil {
			return err
		}
	}
	templates.Store(admin, true)
	return nil
}

func execute(dsn, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("PostgreSQL of the tests: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql)
	return err
}
