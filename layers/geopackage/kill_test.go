package geopackage_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/sqlite"
	"twind/layers"
	"twind/layers/geopackage"
	"twind/spatial"
)

// loadPathVariable names the file that a child process loads into until it is killed.
const loadPathVariable = "TWIND_TEST_LOAD_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(loadPathVariable); path != "" {
		if err := loadForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

const killRows = 120

// loadForEver loads the same features with another number again and again, by
// Replace and by Upsert in turn, in small steps, and says so on standard output.
func loadForEver(path string) error {
	ctx := context.Background()
	s, err := geopackage.Open(ctx, path, geopackage.Options{})
	if err != nil {
		return err
	}
	s.SmallSteps()
	for n := rand.Int64N(1 << 40); ; n++ {
		mode := layers.Replace
		if n%2 == 1 {
			mode = layers.Upsert
		}
		_, err := s.Load(ctx, "a", mode, func(yield func(*layers.Feature, error) bool) {
			for i := range killRows {
				f := &layers.Feature{ID: fmt.Sprint("f", i), Geometry: spatial.NewPoint(float64(i), float64(n%80)), Properties: []layers.Value{layers.IntValue(n)}}
				if !yield(f, nil) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestKill kills a loading process at random moments: the layer is always as one
// whole load left it.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.gpkg")
	s, err := geopackage.Open(t.Context(), path, geopackage.Options{Create: true})
	require.NoError(t, err)
	require.NoError(t, s.CreateLayer(t.Context(), layers.Layer{ID: "a", GeometryType: spatial.Point, CRS: 4326, Schema: []layers.Property{{Name: "n", Type: layers.Integer}}}))
	_, err = s.Load(t.Context(), "a", layers.Append, func(yield func(*layers.Feature, error) bool) {
		for i := range killRows {
			yield(&layers.Feature{ID: fmt.Sprint("f", i), Geometry: spatial.NewPoint(0, 0), Properties: []layers.Value{layers.IntValue(-1)}}, nil)
		}
	})
	require.NoError(t, err)
	head := headOf(t, s)
	require.NoError(t, s.Close())

	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	inTheMiddle := 0
	for range 5 {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), loadPathVariable+"="+path)
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		child.Stderr = os.Stderr
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		require.True(t, lines.Scan(), "the child loads")
		time.Sleep(time.Duration(rnd.Int64N(int64(150 * time.Millisecond))))
		require.NoError(t, child.Process.Kill())
		_, err = io.Copy(io.Discard, out)
		require.NoError(t, err)
		require.Error(t, child.Wait(), "killed")

		// What is left of the load that was cut off, if it was in the middle of one.
		db, err := sqlite.Open(sqlite.Options{Path: path})
		require.NoError(t, err)
		require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
			n, err := c.Int("SELECT count(*) FROM twind_staging")
			inTheMiddle += int(min(n, 1))
			return err
		}))
		require.NoError(t, db.Close())

		s, err := geopackage.Open(t.Context(), path, geopackage.Options{})
		require.NoError(t, err)
		fs := all(t, s, "a", layers.Query{})
		require.Len(t, fs, killRows)
		loads := map[layers.Value]int{}
		for _, f := range fs {
			loads[f.Properties[0]]++
		}
		require.Len(t, loads, 1, "features of one load only")
		require.Len(t, all(t, s, "a", layers.Query{Envelope: &spatial.Envelope{MinX: 0, MinY: -90, MaxX: 9.5, MaxY: 90}}), 10)
		now := headOf(t, s)
		require.Greater(t, now, head)
		head = now
		healthy(t, s)
		require.NoError(t, s.Close())

		db, err = sqlite.Open(sqlite.Options{Path: path})
		require.NoError(t, err)
		require.NoError(t, db.Read(t.Context(), func(c *sqlite.Conn) error {
			n, err := c.Int("SELECT (SELECT count(*) FROM twind_staging) + (SELECT count(*) FROM sqlite_master WHERE name LIKE '%twind_load%' OR name LIKE '%twind_old%')")
			require.Zero(t, n, "staging tables are left")
			return err
		}))
		require.NoError(t, db.Close())
	}
	require.Positive(t, inTheMiddle, "no kill hit a load")
}
