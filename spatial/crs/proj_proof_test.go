//go:build proof

package crs_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/crs"
)

var update = flag.Bool("update", false, "write testdata/points.csv.gz and testdata/wkt.txt.gz anew from PROJ")

// baseOf is the geographic system of each datum.
var baseOf = map[string]int{"WGS 84": 4326, "CGCS2000": 4490, "NAD83": 4269, "NAD83(CSRS)": 4617, "ETRS89": 4258, "Xian 1980": 4610, "Beijing 1954": 4214, "New Beijing": 4555, "NAD27": 4267, "Amersfoort": 4289, "CH1903+": 4150}

// places are positions in degrees where a system is used, and beyond.
func places(c *crs.CRS) (xy []float64) {
	p := c.Parameters
	switch c.Method {
	case crs.TransverseMercator:
		sign := 1.0
		if p.FalseNorth == 1e7 {
			sign = -1
		}
		for _, lat := range []float64{0.5, 9.25, 22.543847, 28.2, 39.911954, 45, 53.3, 61.7, 80} {
			for _, d := range []float64{-6.1, -3, -1.49999, 0, 0.123456789, 1.5, 3, 5.9} {
				lon := p.Lon0 + d
				if lon >= 180 {
					lon -= 360
				}
				if lon < -180 {
					lon += 360
				}
				xy = append(xy, lon, sign*lat)
			}
		}
	case crs.Geographic:
	default:
		for _, d := range []float64{-15, -3.3, 0, 0.5, 12.25} {
			for _, e := range []float64{-10, 0, 0.75, 5.5, 20} {
				xy = append(xy, p.Lon0+d, p.Lat0+e)
			}
		}
	}
	return xy
}

// gdaltransform runs GDAL's program of that name over positions.
func gdaltransform(t *testing.T, from, to string, xy []float64) []float64 {
	var in bytes.Buffer
	for i := 0; i < len(xy); i += 2 {
		fmt.Fprintf(&in, "%.17g %.17g\n", xy[i], xy[i+1])
	}
	cmd := exec.Command("gdaltransform", "-s_srs", from, "-t_srs", to, "-output_xy")
	cmd.Stdin = &in
	out, err := cmd.Output()
	require.NoError(t, err, "gdaltransform (package gdal-bin) must be installed")
	got := make([]float64, 0, len(xy))
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		var x, y float64
		_, err := fmt.Sscan(line, &x, &y)
		require.NoError(t, err, line)
		got = append(got, x, y)
	}
	require.Len(t, got, len(xy))
	return got
}

// TestAgainstPROJ compares systems of the table with the PROJ that is installed,
// both ways: those outside the runs and every 20th of the others; with -update
// all of them, writing what PROJ says to testdata.
func TestAgainstPROJ(t *testing.T) {
	var points, wkts bytes.Buffer
	fmt.Fprintln(&points, "# code,longitude,latitude,x,y as computed by PROJ; see README.md")
	worst := 0.0
	for i, code := range crs.Codes() {
		if !*update && i%20 != 0 && i < len(crs.Codes())-14 {
			continue
		}
		c, err := crs.ByCode(code)
		require.NoError(t, err)
		if c.Method != crs.Geographic {
			base := fmt.Sprintf("EPSG:%d", baseOf[c.Datum.Name])
			lonlat := places(c)
			want := gdaltransform(t, base, fmt.Sprintf("EPSG:%d", code), lonlat)
			worst = max(worst, comparePoints(t, c, lonlat, want))
			for i := 0; i < len(lonlat); i += 2 {
				fmt.Fprintf(&points, "%d,%.12g,%.12g,%.15g,%.15g\n", code, lonlat[i], lonlat[i+1], want[i], want[i+1])
			}
		}
		if *update {
			for _, form := range []string{"wkt1", "wkt_esri", "wkt2"} {
				out, err := exec.Command("gdalsrsinfo", "--single-line", "-o", form, fmt.Sprintf("EPSG:%d", code)).Output()
				require.NoError(t, err)
				if len(bytes.TrimSpace(out)) == 0 {
					continue // a three-dimensional system has no WKT 1
				}
				fmt.Fprintf(&wkts, "%d\t%s\t%s\n", code, form, strings.Join(strings.Fields(string(out)), " "))
			}
		}
	}
	t.Logf("largest difference from PROJ: %.6f mm", worst*1000)
	if *update {
		write := func(name string, b []byte) {
			f, err := os.Create(name)
			require.NoError(t, err)
			z, _ := gzip.NewWriterLevel(f, 9)
			_, err = z.Write(b)
			require.NoError(t, err)
			require.NoError(t, z.Close())
			require.NoError(t, f.Close())
		}
		write("testdata/points.csv.gz", points.Bytes())
		write("testdata/wkt.txt.gz", wkts.Bytes())
	}
}
