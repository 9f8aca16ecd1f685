package tiles3d

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial/mesh"
)

func TestPipesHaveTheNationalColours(t *testing.T) {
	l := &layers.Layer{ID: "pipes", Kind: layers.KindPipe, ClassBy: "kind", Schema: []layers.Property{{Name: "kind", Type: layers.String}}}
	strongest := func(c mesh.Color) (list []int) {
		top := max(c[0], c[1], c[2])
		for k := range 3 {
			if int(top)-int(c[k]) < 40 {
				list = append(list, k)
			}
		}
		return list
	}
	for class, want := range map[string][]int{"JS": {1, 2}, "RQ": {0, 2}, "DL": {0}, "TX": {1}} { // cyan, magenta, red, green
		require.Equal(t, want, strongest(colorOf(l, class)), class)
	}
	require.NotEqual(t, colorOf(l, "JS"), pale(colorOf(l, "JS")))
	b := &layers.Layer{ID: "b", Kind: layers.KindBuilding}
	require.Equal(t, mesh.Color{0xe4, 0xdf, 0xd5, 255}, colorOf(b, ""))
}
