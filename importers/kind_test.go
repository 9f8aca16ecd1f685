package importers

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

func TestGuessClass(t *testing.T) {
	schema := func(names ...string) (list []layers.Property) {
		for _, n := range names {
			list = append(list, layers.Property{Name: n, Type: layers.String})
		}
		return list
	}
	require.Equal(t, "FCLASS", guessClass(layers.KindStreet, schema("name", "FCLASS")))
	require.Equal(t, "class", guessClass(layers.KindStreet, schema("highway", "class")), "the best first")
	require.Equal(t, "kind", guessClass(layers.KindPipe, schema("subkind", "kind")))
	require.Equal(t, "用地性质", guessClass(layers.KindBlock, schema("用地性质")))
	require.Empty(t, guessClass(layers.KindBuilding, schema("class")), "buildings are not told apart")
	require.Empty(t, guessClass(layers.KindStreet, []layers.Property{{Name: "class", Type: layers.Integer}}))
}
