// Package golden compares what a test makes with files in its testdata folder:
// text that people review as a diff. `go test ./path/to/package -update` writes
// the files anew.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files of this package anew")

// Equal fails the test unless the file, a path relative to the package's folder,
// holds got. With -update it writes the file instead.
func Equal(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "write it with: go test -update")
	require.Equal(t, string(want), got, "%s differs; if that is right: go test -update", path)
}
