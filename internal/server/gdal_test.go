package server_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// gdal runs one of GDAL's programs.
func gdal(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	require.NoError(t, err, "%s %s: %s (scripts/deps.sh installs gdal-bin)", name, strings.Join(args, " "), &errOut)
	require.NotContains(t, errOut.String(), "ERROR")
	return string(out)
}

func TestGDALListsAndReadsEveryLayer(t *testing.T) {
	c := newCity(t, nil)
	source := "OAPIF:" + c.URL + "/ogc"
	list := gdal(t, "ogrinfo", "-ro", source)
	require.Contains(t, list, "buildings")
	require.Contains(t, list, "vehicles")

	info := gdal(t, "ogrinfo", "-ro", "-so", source, "buildings")
	count := regexp.MustCompile(`Feature Count: (\d+)`).FindStringSubmatch(info)
	require.NotNil(t, count, info)
	require.Equal(t, fmt.Sprint(c.get("/ogc/collections/buildings").json()["twind:count"]), count[1], "ogrinfo counts what the server counts")
	for _, field := range []string{"name: String", "height: Real", "levels: Integer", "listed: Integer(Boolean)"} {
		require.Contains(t, info, field)
	}
	// All pages: GDAL follows next.
	csv := gdal(t, "ogr2ogr", "-f", "CSV", "/vsistdout/", source, "buildings")
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	require.Len(t, lines, 26, "a header and 25 buildings")
	seen := map[string]bool{}
	for _, l := range lines {
		require.False(t, seen[l], "%s twice", l)
		seen[l] = true
	}
	// A spatial filter is the server's bbox.
	box := gdal(t, "ogrinfo", "-ro", "-so", "-spat", "-74", "40.7", "-73.9995", "40.7005", source, "buildings")
	require.Contains(t, box, "Feature Count: 1")
}
