//go:build proof

package gltf

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/mesh"
)

// Khronos' validator finds nothing in a scene of everything, in each model at
// each level of detail, and in tubes of all kinds.
func TestKhronosValidatorFindsNothing(t *testing.T) {
	folder := t.TempDir()
	var files []string
	write := func(name string, data []byte) {
		file := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".glb")
		require.NoError(t, os.WriteFile(file, data, 0o600))
		files = append(files, file)
	}
	var w Writer
	write("town", town(t, &w))
	plain := Writer{Plain: true}
	write("plain town", town(t, &plain))
	w.Reset()
	empty, err := w.Append(nil)
	require.NoError(t, err)
	write("empty", empty)
	for model := range mesh.Models {
		for lod := range mesh.LODs {
			m := mesh.Mesh{Columns: mesh.WithNormals | mesh.WithColors}
			model.Build(&m, lod)
			w.Reset()
			w.Node(w.Mesh(model.String(), lod == 1, NoTable, Surface{&m, w.Material(Material{Roughness: 0.8})}))
			data, err := w.Append(nil)
			require.NoError(t, err)
			write(model.String()+string(rune('0'+lod)), data)
		}
	}
	judge := filepath.Join("..", "..", "test", "judges", "gltf.mjs")
	out, err := exec.CommandContext(t.Context(), "node", append([]string{judge}, files...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "51 files, 0 findings")
}
