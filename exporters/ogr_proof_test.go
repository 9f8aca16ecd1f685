//go:build proof

package exporters_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/exporters"
	"twind/layers"
	"twind/spatial"
)

// TestOGRReadsEveryFormat asks GDAL what it finds in the files.
func TestOGRReadsEveryFormat(t *testing.T) {
	l := layer(spatial.Point, true)
	var fs []*layers.Feature
	for _, f := range features()[:3] {
		f.ID = map[string]string{"1": "1", "b,1": "2", "3": "3"}[f.ID]
		fs = append(fs, f)
	}
	for name, want := range map[string][]string{
		"lamps.geojson":    {`Feature Count: 3`, `名称: String`, `height: Real`, `count: Integer`, `lit: Integer\(Boolean\)`, `built: Date`, `POINT Z \(112.98 28.2 44.25\)`},
		"lamps.geojsonl":   {`Feature Count: 3`, `built: Date`},
		"lamps.geojsonseq": {`Feature Count: 3`},
		"lamps.csv":        {`Feature Count: 3`, `名称: String`, `五一 "广场", 一号`},
		"lamps.gpkg":       {`Feature Count: 3`, `height: Real`, `count: Integer64`, `lit: Integer\(Boolean\)`, `built: Date`, `ID\["EPSG",4490\]`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			_, err := exporters.Export(t.Context(), path, l, scanOf(fs), exporters.Options{OpenContainer: openGeoPackage})
			require.NoError(t, err)
			out, err := exec.Command("ogrinfo", "-ro", "-al", path).CombinedOutput()
			require.NoError(t, err, "ogrinfo (package gdal-bin) must be installed: %s", out)
			for _, w := range want {
				require.Regexp(t, regexp.MustCompile(w), string(out))
			}
			require.NotContains(t, string(out), "ERROR")
		})
	}
}
