//go:build proof

package lz

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The references, zlib as node has it and the zstd program, read what was packed.
func TestReferencesReadIt(t *testing.T) {
	dir := t.TempDir()
	p := newPackers(t)
	for name, src := range sources() {
		for _, starts := range [][]uint32{nil, every(len(src), 5)} {
			zipped, framed := p.requireBack(t, src, starts)
			require.True(t, bytes.Equal(src, read(t, dir, zipped, "node", "-e", `process.stdout.write(require("zlib").gunzipSync(require("fs").readFileSync(process.argv[1])))`)), "gzip of %s", name)
			require.True(t, bytes.Equal(src, read(t, dir, framed, "zstd", "-dcq")), "zstd of %s", name)
		}
	}
}

// read gives what a program makes of the file that is its last argument.
func read(t *testing.T, dir string, packed []byte, program string, args ...string) []byte {
	t.Helper()
	file := filepath.Join(dir, "packed")
	require.NoError(t, os.WriteFile(file, packed[len("before"):], 0o600))
	out, err := exec.CommandContext(t.Context(), program, append(args, file)...).Output()
	require.NoError(t, err)
	return out
}
