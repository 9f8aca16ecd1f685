package snapshot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

func TestSearchText(t *testing.T) {
	l := &layers.Layer{ID: "l", CRS: 4326, MaxZoom: 16, Schema: []layers.Property{{Name: "name", Type: layers.String}, {Name: "other", Type: layers.String}}}
	b := NewBuilder(l)
	for i, name := range []string{"Broadway", "West Broadway", "broadway", "解放大道", "Ölweg", ""} {
		v := layers.StringValue(name)
		if name == "" {
			v = layers.Value{}
		}
		require.NoError(t, b.Add(&layers.Feature{ID: string(rune('a' + i)), Geometry: spatial.NewPoint(float64(i), 0), Properties: []layers.Value{v, layers.StringValue("Broadway Theatre")}}))
	}
	v := viewOf(t, l, nil, featuresOf(b)...)
	defer v.Release()
	ids := func(needle string, limit int) (out []string) {
		for _, m := range v.SearchText(0, needle, limit) {
			var f layers.Feature
			v.Feature(m.Ref, &f)
			require.Equal(t, f.Properties[0].Text(), m.Text)
			out = append(out, v.ID(m.Ref))
		}
		return out
	}
	require.Equal(t, []string{"a", "c", "b"}, ids("BROADWAY", 10), "whole texts before parts, whatever the case")
	require.Equal(t, []string{"a", "b"}, ids("broadway", 1), "the limit is of each rank")
	require.Equal(t, []string{"a", "c", "b"}, ids("broad", 10))
	require.Equal(t, []string{"d"}, ids("放大", 10))
	require.Equal(t, []string{"e"}, ids("öl", 10))
	require.Empty(t, ids("theatre", 10), "other columns are not searched")
	require.Empty(t, ids("", 10))
	require.Empty(t, v.SearchText(7, "a", 10), "a column that is not there")
}
