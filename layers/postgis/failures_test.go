package postgis_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
)

// TestDatabaseRestarts stops and kills the server under a running store.
func TestDatabaseRestarts(t *testing.T) {
	c := pgtest.New(t, pgtest.Options{Durable: true})
	dsn, drop, err := pgtest.Database(c.DSN("postgres"))
	require.NoError(t, err)
	defer func() { require.NoError(t, drop()) }()
	execute(t, dsn, others)
	s := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.globe"}}, PollEvery: 100 * time.Millisecond})
	require.NoError(t, s.CreateLayer(ctx, houses))
	watch, err := s.Watch(t.Context())
	require.NoError(t, err)
	for i, stop := range []func(){c.Stop, c.Kill} {
		id := fmt.Sprint("kept", i)
		_, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "houses", house(id, i)) })
		require.NoError(t, err)
		before, err := s.Head(ctx)
		require.NoError(t, err)
		stop()
		for name, call := range map[string]func() error{
			"layers":  func() error { _, err := s.Layers(ctx); return err },
			"head":    func() error { _, err := s.Head(ctx); return err },
			"scan":    func() error { return s.Scan(ctx, "houses", layers.Query{}, func(*layers.Feature) error { return nil }) },
			"create":  func() error { return s.CreateLayer(ctx, houses) },
			"update":  func() error { _, err := s.Update(ctx, func(layers.Tx) error { return nil }); return err },
			"changes": func() error { return s.Changes(ctx, 0, func(layers.Record) error { return nil }) },
			"load": func() error {
				_, err := s.Load(ctx, "houses", layers.Append, each(house("never", 1)))
				return err
			},
		} {
			err := call()
			require.ErrorIs(t, err, layers.ErrUnavailable, name)
			require.ErrorContains(t, err, net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port())), name)
			require.NotContains(t, err.Error(), "\n")
		}
		require.NoError(t, c.Start())
		// At once, though every connection of the pool is dead.
		now, err := s.Head(ctx)
		require.NoError(t, err)
		require.GreaterOrEqual(t, now, before) // more where the crash was noticed already
		require.Equal(t, house(id, i).Properties, one(t, s, "houses", id).Properties)
		for len(watch) > 0 {
			<-watch
		}
		_, err = s.Update(ctx, func(tx layers.Tx) error { return tx.Insert(ctx, "houses", house(id+"+", i)) })
		require.NoError(t, err)
		select {
		case <-watch:
		case <-time.After(20 * time.Second):
			require.Fail(t, "no signal after the restart")
		}
	}
	// A crash loses the counters that tell of changes: the layer is read again.
	head, err := s.Head(ctx)
	require.NoError(t, err)
	c.Kill()
	require.NoError(t, c.Start())
	waitFor(t, s, head, reloaded("globe"))
	require.Empty(t, faults(t, s))
}

// TestDeadConnections closes every connection of the store from the other side:
// what reads does not notice.
func TestDeadConnections(t *testing.T) {
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1)))
	require.NoError(t, err)
	kill := func() {
		require.Positive(t, ask[int](t, dsn, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'twind' AND datname = current_database()"))
	}
	for name, call := range map[string]func() error{
		"layers":  func() error { _, err := s.Layers(ctx); return err },
		"layer":   func() error { _, err := s.Layer(ctx, "houses"); return err },
		"stats":   func() error { _, err := s.Stats(ctx, "houses"); return err },
		"head":    func() error { _, err := s.Head(ctx); return err },
		"changes": func() error { return s.Changes(ctx, 0, func(layers.Record) error { return nil }) },
		"scan":    func() error { return s.Scan(ctx, "houses", layers.Query{}, func(*layers.Feature) error { return nil }) },
		"update": func() error {
			_, err := s.Update(ctx, func(tx layers.Tx) error { return tx.Replace(ctx, "houses", house("a", 2)) })
			return err
		},
	} {
		kill()
		require.NoError(t, call(), name)
	}
	// In the middle of a transaction it is lost, and says so.
	_, err = s.Update(ctx, func(tx layers.Tx) error {
		require.NoError(t, tx.Delete(ctx, "houses", "a"))
		kill()
		_, err := tx.Get(ctx, "houses", "a")
		require.Error(t, err)
		return nil // as a caller that overlooks it
	})
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.Equal(t, []string{"a"}, ids(t, s, "houses", layers.Query{}))
	// In the middle of a load, too; nothing of it stays.
	_, err = s.Load(ctx, "houses", layers.Append, func(yield func(*layers.Feature, error) bool) {
		for i := range 30000 {
			if i == 20000 {
				kill()
			}
			if !yield(house(fmt.Sprint("n", i), i), nil) {
				return
			}
		}
	})
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.Equal(t, []string{"a"}, ids(t, s, "houses", layers.Query{}))
	require.Eventually(t, func() bool {
		return ask[int](t, dsn, "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_load\\_%' AND relkind = 'r'") == 0
	}, 10*time.Second, 50*time.Millisecond)
	require.Empty(t, faults(t, s))
}

func TestOpenRefused(t *testing.T) {
	dsn := pgtest.DSN(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := closed.Addr().String()
	closed.Close()
	with := func(change func(*url.URL)) string {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		change(u)
		return u.String()
	}
	newer := func() string {
		dsn := pgtest.DSN(t)
		require.NoError(t, open(t, dsn, postgis.Options{}).Close())
		execute(t, dsn, "UPDATE twind._store SET format = 99")
		return dsn
	}
	emptied := func() string {
		dsn := pgtest.DSN(t)
		require.NoError(t, open(t, dsn, postgis.Options{}).Close())
		execute(t, dsn, "DELETE FROM twind._store")
		return dsn
	}
	latin := "latin_" + ask[string](t, dsn, "SELECT current_database()")
	execute(t, dsn, "CREATE DATABASE "+latin+" ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
	t.Cleanup(func() { execute(t, dsn, "DROP DATABASE "+latin) })
	bare := "bare_" + ask[string](t, dsn, "SELECT current_database()")
	execute(t, dsn, "CREATE DATABASE "+bare+" TEMPLATE template0")
	execute(t, dsn, "CREATE ROLE "+bare+" LOGIN PASSWORD 'geheim'")
	t.Cleanup(func() { execute(t, dsn, "DROP DATABASE "+bare); execute(t, dsn, "DROP ROLE "+bare) })
	for name, c := range map[string]struct {
		dsn, schema, say string
		kind             error
	}{
		"nobody listens":  {with(func(u *url.URL) { u.Host = address }), "", address, layers.ErrUnavailable},
		"wrong password":  {with(func(u *url.URL) { u.User = url.UserPassword("postgres", "geheim") }), "", "password authentication failed", layers.ErrUnavailable},
		"no such user":    {with(func(u *url.URL) { u.User = url.UserPassword("nobody", "geheim") }), "", "nobody", layers.ErrUnavailable},
		"no database":     {with(func(u *url.URL) { u.Path = "/nowhere" }), "", "nowhere", layers.ErrUnavailable},
		"not an address":  {"postgres://u:geheim@host:port:5/x", "", "expected postgres://", layers.ErrInvalid},
		"nonsense":        {"geheim", "", "expected postgres://", layers.ErrInvalid},
		"unknown host":    {"postgres://u:geheim@nowhere.invalid:5433/x", "", "nowhere.invalid:5433", layers.ErrUnavailable},
		"bad schema":      {dsn, "Twind", "schema", layers.ErrInvalid},
		"system schema":   {dsn, "pg_temp", "schema", layers.ErrInvalid},
		"newer format":    {newer(), "", "newer twind", layers.ErrUnsupported},
		"damaged":         {emptied(), "", "_store is empty", layers.ErrCorrupt},
		"another charset": {with(func(u *url.URL) { u.Path = "/" + latin }), "", "UTF8", layers.ErrUnsupported},
		"no PostGIS":      {with(func(u *url.URL) { u.Path = "/" + bare; u.User = url.UserPassword(bare, "geheim") }), "", "CREATE EXTENSION postgis", layers.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := postgis.Open(ctx, c.dsn, postgis.Options{Schema: c.schema})
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.say)
			require.NotContains(t, err.Error(), "geheim")
			require.NotContains(t, err.Error(), "\n")
		})
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	_, err = postgis.Open(stopped, dsn, postgis.Options{})
	require.ErrorIs(t, err, context.Canceled)
}

// TestOpenTogether opens many stores on an empty database at once.
func TestOpenTogether(t *testing.T) {
	dsn := pgtest.DSN(t)
	var wg sync.WaitGroup
	stores := make([]*postgis.Store, 5)
	for i := range stores {
		wg.Go(func() {
			s, err := postgis.Open(ctx, dsn, postgis.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			stores[i] = s
		})
	}
	wg.Wait()
	for _, s := range stores {
		require.NotNil(t, s)
		require.Equal(t, stores[0].Identity(), s.Identity())
		require.NoError(t, s.Close())
	}
	other := open(t, dsn, postgis.Options{Schema: "user"}) // a word of SQL
	require.NotEqual(t, stores[0].Identity(), other.Identity())
	require.NoError(t, other.CreateLayer(ctx, houses))
	_, err := other.Load(ctx, "houses", layers.Append, each(house("a", 1)))
	require.NoError(t, err)
	require.Empty(t, faults(t, other))
	list, err := open(t, dsn, postgis.Options{}).Layers(ctx)
	require.NoError(t, err)
	require.Empty(t, list)
}

// TestOpensItself makes PostGIS's extension where it may, in a schema that is not
// in the search path.
func TestPostGISInItsOwnSchema(t *testing.T) {
	dsn := pgtest.DSN(t)
	execute(t, dsn, "DROP EXTENSION postgis CASCADE; CREATE SCHEMA extensions; CREATE EXTENSION postgis SCHEMA extensions; "+
		"CREATE TABLE public.places (id int PRIMARY KEY, geom extensions.geometry(Point, 3857)); INSERT INTO public.places VALUES (1, 'SRID=3857;POINT(0 0)')")
	s := open(t, dsn, postgis.Options{Published: []postgis.Published{{Table: "public.places", Triggers: true}}})
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1)))
	require.NoError(t, err)
	_, err = s.Load(ctx, "houses", layers.Upsert, each(house("a", 2), house("b", 2)))
	require.NoError(t, err)
	env := house("a", 2).Geometry.Envelope()
	require.Equal(t, []string{"a", "b"}, ids(t, s, "houses", layers.Query{Envelope: &env, Filter: layers.Intersects{Box: env}}))
	require.Equal(t, []string{"1"}, ids(t, s, "places", layers.Query{}))
	require.Empty(t, faults(t, s))
}

// TestLoadKilled kills a process in the middle of a load.
func TestLoadKilled(t *testing.T) {
	if dsn := os.Getenv("TWIND_TEST_LOADER"); dsn != "" {
		s, err := postgis.Open(ctx, dsn, postgis.Options{})
		require.NoError(t, err)
		_, err = s.Load(ctx, "houses", layers.Replace, func(yield func(*layers.Feature, error) bool) {
			for i := 0; ; i++ {
				if i == 60_000 { // the first batch is committed
					fmt.Println("LOADING")
				}
				if !yield(house(fmt.Sprint("new", i), i), nil) {
					return
				}
			}
		})
		require.NoError(t, err)
		return
	}
	dsn := pgtest.DSN(t)
	s := open(t, dsn, postgis.Options{})
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1), house("b", 2)))
	require.NoError(t, err)
	head, err := s.Head(ctx)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoadKilled$")
	cmd.Env = append(os.Environ(), "TWIND_TEST_LOADER="+dsn)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	loading := false
	for lines := bufio.NewScanner(out); !loading && lines.Scan(); {
		loading = strings.Contains(lines.Text(), "LOADING")
	}
	require.True(t, loading)
	staging := func() int {
		return ask[int](t, dsn, "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_load\\_%' AND relkind = 'r'")
	}
	require.Equal(t, 2, staging(), "of rows and of surfaces")
	// A load under way is left alone.
	require.NoError(t, open(t, dsn, postgis.Options{}).Close())
	require.Equal(t, 2, staging(), "of rows and of surfaces")
	require.NoError(t, cmd.Process.Kill())
	io.Copy(io.Discard, out)
	cmd.Wait()
	require.Equal(t, []string{"a", "b"}, ids(t, s, "houses", layers.Query{}))
	require.Empty(t, records(t, s, head))
	require.Eventually(t, func() bool {
		require.NoError(t, open(t, dsn, postgis.Options{}).Close())
		return staging() == 0
	}, 20*time.Second, 100*time.Millisecond)
	require.Zero(t, ask[int](t, dsn, "SELECT count(*) FROM twind._loads"))
	_, err = s.Load(ctx, "houses", layers.Replace, each(house("c", 1)))
	require.NoError(t, err)
	require.Empty(t, faults(t, s))
}

// TestCheckFindsFaults damages a store.
func TestCheckFindsFaults(t *testing.T) {
	for name, c := range map[string]struct{ sql, want string }{
		"table":    {"DROP TABLE twind.houses", "layer houses has lost its table"},
		"column":   {"ALTER TABLE twind.houses DROP COLUMN height", `lost the column "height" of property "height"`},
		"trigger":  {"ALTER TABLE twind.houses DISABLE TRIGGER USER", "layer houses has 0 of its 4 triggers"},
		"index":    {`DROP INDEX twind._1_geom`, "layer houses has lost an index"},
		"stranger": {"CREATE TABLE twind.stranger (x int)", `table "twind"."stranger" belongs to no layer`},
		"feature":  {`ALTER TABLE twind.houses DROP CONSTRAINT feature_id; INSERT INTO twind.houses (id) VALUES ('a/b')`, `feature "a/b"`},
		"far":      {`INSERT INTO twind.houses (id, geom) VALUES ('far', 'SRID=4326;POINT(400 1)')`, `feature "far"`},
		"words":    {`UPDATE twind._layers SET description = '{"id": 5}'`, "description of layer houses is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := pgtest.DSN(t)
			s := open(t, dsn, postgis.Options{})
			require.NoError(t, s.CreateLayer(ctx, houses))
			require.Empty(t, faults(t, s))
			execute(t, dsn, c.sql)
			if name == "words" {
				_, err := s.Layers(ctx)
				require.ErrorIs(t, err, layers.ErrCorrupt)
				require.ErrorContains(t, err, c.want)
				return
			}
			got := faults(t, s)
			require.Len(t, got, 1)
			require.Contains(t, got[0], c.want)
			if name == "table" { // what the fault says mends it
				require.Contains(t, got[0], "twind drop houses")
				require.NoError(t, s.DropLayer(ctx, "houses"))
				require.Empty(t, faults(t, s))
			}
		})
	}
}

func TestNothingRunsAfterClose(t *testing.T) {
	dsn := pgtest.DSN(t)
	execute(t, dsn, others)
	ignore := goleak.IgnoreCurrent()
	s, err := postgis.Open(ctx, dsn, postgis.Options{Published: []postgis.Published{{Table: "gis.roads"}}, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	watch, err := s.Watch(ctx)
	require.NoError(t, err)
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err = s.Load(ctx, "houses", layers.Append, each(house("a", 1)))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for range watch {
	}
	goleak.VerifyNone(t, ignore)
	require.Eventually(t, func() bool {
		return ask[int](t, dsn, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'twind' AND datname = current_database()") == 0
	}, 10*time.Second, 20*time.Millisecond)
}
