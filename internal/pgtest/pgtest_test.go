package pgtest_test

import (
	"bufio"
	"context"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
)

func one[T any](t *testing.T, dsn, sql string) T {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var v T
	require.NoError(t, conn.QueryRow(context.Background(), sql).Scan(&v))
	return v
}

func TestDSNIsAFreshDatabaseWithPostGIS(t *testing.T) {
	var first string
	t.Run("first", func(t *testing.T) {
		first = pgtest.DSN(t)
		require.Contains(t, one[string](t, first, "SELECT postgis_version()"), "3.")
		require.Equal(t, "UTF8", one[string](t, first, "SHOW server_encoding"))
		require.NotEqual(t, first, pgtest.DSN(t))
	})
	_, err := pgx.Connect(context.Background(), first)
	require.ErrorContains(t, err, "does not exist", "the database is dropped with its test")
}

func TestClusterStopKillStart(t *testing.T) {
	c := pgtest.New(t, pgtest.Options{Durable: true})
	dsn := c.DSN("postgres")
	require.Equal(t, "on", one[string](t, dsn, "SHOW fsync"))
	one[int](t, dsn, "WITH x AS (SELECT pg_notify('a','b')) SELECT 1 FROM x")
	for _, end := range []func(){c.Stop, c.Kill} {
		end()
		_, err := pgx.Connect(context.Background(), dsn)
		require.Error(t, err)
		require.NoError(t, c.Start())
		require.Equal(t, 1, one[int](t, dsn, "SELECT 1"))
	}
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(c.Port()), u.Port())
}

// TestClusterEndsWithItsProcess kills the process that owns a cluster and waits
// until server and folder are gone.
func TestClusterEndsWithItsProcess(t *testing.T) {
	if os.Getenv("TWIND_PGTEST_CHILD") != "" {
		c, err := pgtest.NewCluster(pgtest.Options{})
		require.NoError(t, err)
		os.Stdout.WriteString("DATA " + one[string](t, c.DSN("postgres"), "SHOW data_directory") + "\n")
		time.Sleep(time.Minute)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestClusterEndsWithItsProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "TWIND_PGTEST_CHILD=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var folder string
	for s := bufio.NewScanner(out); folder == "" && s.Scan(); {
		folder, _ = strings.CutPrefix(s.Text(), "DATA ")
		if folder == s.Text() {
			folder = ""
		}
	}
	require.DirExists(t, folder)
	pid, err := os.ReadFile(folder + "/postmaster.pid")
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(pid), "\n")
	server, err := strconv.Atoi(line)
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	require.Eventually(t, func() bool {
		_, err := os.Stat(folder)
		return os.IsNotExist(err) && syscall.Kill(server, 0) != nil
	}, 20*time.Second, 20*time.Millisecond)
}
