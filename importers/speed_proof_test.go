//go:build proof

package importers_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/importers"
	"twind/importers/geojson"
	"twind/importers/shapefile"
)

// buildings writes n made-up buildings of 5 to 12 corners with six properties.
func buildings(b *testing.B, n int) string {
	path := filepath.Join(b.TempDir(), "buildings.geojson")
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriter(f)
	r := rand.New(rand.NewPCG(1, 2))
	fmt.Fprint(w, `{"type":"FeatureCollection","features":[`)
	for i := range n {
		if i > 0 {
			fmt.Fprintln(w, ",")
		}
		fmt.Fprintf(w, `{"type":"Feature","properties":{"id":%d,"name":"芙蓉区%d号楼","height":%.1f,"floors":%d,"use":"residential","built":"%d-05-20"},"geometry":{"type":"Polygon","coordinates":[[`, i+1, i, 3+r.Float64()*90, 1+r.IntN(30), 1980+r.IntN(46))
		x, y, k := 112.8+r.Float64()*0.4, 28.0+r.Float64()*0.4, 5+r.IntN(8)
		for c := 0; c <= k; c++ {
			a := 2 * math.Pi * float64(c%k) / float64(k)
			if c > 0 {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, "[%.8f,%.8f]", x+0.0002*math.Cos(a), y+0.0002*math.Sin(a))
		}
		fmt.Fprint(w, "]]}}")
	}
	fmt.Fprint(w, "]}")
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
	return path
}

func cpu(b *testing.B, who int) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(who, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkAgainstOGR reads the same files with twind and with ogr2ogr into its
// memory driver, and reports features per CPU second of each.
func BenchmarkAgainstOGR(b *testing.B) {
	const n = 50_000
	js := buildings(b, n)
	shp := filepath.Join(filepath.Dir(js), "buildings.shp")
	out, err := exec.Command("ogr2ogr", "-lco", "ENCODING=GB18030", shp, js).CombinedOutput()
	require.NoError(b, err, "ogr2ogr (package gdal-bin) must be installed: %s", out)
	for name, c := range map[string]struct {
		format importers.Format
		path   string
	}{"GeoJSON": {geojson.Format{}, js}, "Shapefile": {shapefile.Format{}, shp}} {
		b.Run(name+"/twind", func(b *testing.B) {
			b.ReportAllocs()
			before, read := cpu(b, syscall.RUSAGE_SELF), 0
			for b.Loop() {
				src, err := c.format.Open(b.Context(), c.path, importers.OpenOptions{Reuse: true})
				require.NoError(b, err)
				var rec importers.Record
				for {
					if err := src.Next(&rec); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					read++
				}
				require.NoError(b, src.Close())
			}
			b.ReportMetric(float64(read)/(cpu(b, syscall.RUSAGE_SELF)-before), "features/CPU-s")
		})
		b.Run(name+"/ogr2ogr", func(b *testing.B) {
			before, runs := cpu(b, syscall.RUSAGE_CHILDREN), 0
			for b.Loop() {
				out, err := exec.Command("ogr2ogr", "-f", "Memory", "out", c.path).CombinedOutput()
				require.NoError(b, err, string(out))
				runs++
			}
			b.ReportMetric(float64(runs*n)/(cpu(b, syscall.RUSAGE_CHILDREN)-before), "features/CPU-s")
		})
	}
}
