package layers_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
)

func kindOf(k layers.Kind) *layers.Layer {
	return &layers.Layer{ID: "l", Kind: k, CRS: 4326, MinZoom: 8, MaxZoom: 16, Label: "name", ClassBy: "class", GeometryType: spatial.Unknown, Schema: []layers.Property{
		{Name: "name", Type: layers.String}, {Name: "class", Type: layers.String}, {Name: "height", Type: layers.Number}, {Name: "diameter", Type: layers.Integer, Unit: "mm"}, {Name: "note", Type: layers.String},
	}}
}

// Every kind has defaults; a layer's own words win over them.
func TestGeneralized(t *testing.T) {
	for _, k := range layers.Kinds {
		g := kindOf(k).Generalized()
		require.EqualValues(t, 14, g.FullZoom)
		require.Positive(t, g.MinimumArea)
		require.Positive(t, g.ClusterPixels)
		require.NotNil(t, g.SharedEdges)
		require.Contains(t, g.Properties, "class")
		require.NotContains(t, g.Properties, "note")
		require.Equal(t, k != layers.KindBuilding, *g.SharedEdges)
	}
	streets := kindOf(layers.KindStreet).Generalized()
	require.Equal(t, "class", streets.RankBy)
	require.Len(t, streets.Ranks, len(layers.StreetRanks)+1)
	require.Contains(t, streets.Properties, "name")
	require.Equal(t, "diameter", kindOf(layers.KindPipe).Generalized().RankBy)
	require.Empty(t, kindOf(layers.KindBuilding).Generalized().MergeBy)
	require.Equal(t, "class", kindOf(layers.KindBlock).Generalized().MergeBy)

	plain := kindOf(layers.KindStreet)
	plain.ClassBy, plain.Label = "", "gone" // no property to rank by
	require.Empty(t, plain.Generalized().Ranks)

	own, no := kindOf(layers.KindBlock), false
	own.Generalization = &layers.Generalization{FullZoom: 12, Properties: map[string]uint8{"note": 10, "gone": 3}, MinimumArea: 2, MergeBy: "-", ClusterPixels: 16, SharedEdges: &no,
		RankBy: "height", Ranks: []layers.Rank{{From: 9}}}
	require.NoError(t, (&layers.Layer{ID: "l", CRS: 4326, MaxZoom: 16, Generalization: &layers.Generalization{FullZoom: 20}}).Validate())
	g := own.Generalized()
	require.Equal(t, layers.Generalization{FullZoom: 12, Properties: map[string]uint8{"note": 10, "class": 0, "height": 0}, MinimumArea: 2, ClusterPixels: 16, SharedEdges: &no,
		RankBy: "height", Ranks: []layers.Rank{{From: 9}}}, g)
	require.EqualValues(t, 12, own.FullZoom())

	b, err := json.Marshal(own)
	require.NoError(t, err)
	var back layers.Layer
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, own.Generalization, back.Generalization)
}

// The ungeneralised zoom lies within the layer's.
func TestFullZoomIsOneOfTheLayers(t *testing.T) {
	for _, tc := range []struct{ low, high, say, want uint8 }{{0, 16, 0, 14}, {0, 12, 0, 12}, {15, 16, 0, 15}, {0, 16, 10, 10}, {12, 16, 10, 12}, {0, 16, 20, 16}} {
		l := layers.Layer{MinZoom: tc.low, MaxZoom: tc.high, Generalization: &layers.Generalization{FullZoom: tc.say}}
		require.Equal(t, tc.want, l.FullZoom())
	}
}

func TestGeneralizationIsChecked(t *testing.T) {
	for name, g := range map[string]layers.Generalization{
		"zoom":             {FullZoom: 25},
		"area":             {MinimumArea: 5000},
		"pixels":           {ClusterPixels: 48},
		"property":         {Properties: map[string]uint8{"gone": 3}},
		"merge":            {MergeBy: "gone"},
		"rank":             {RankBy: "gone"},
		"ranks of nothing": {Ranks: []layers.Rank{{From: 1}}},
		"too many ranks":   {RankBy: "class", Ranks: make([]layers.Rank, 101)},
	} {
		l := kindOf(layers.KindFeature)
		l.Generalization = &g
		require.ErrorIs(t, l.Validate(), layers.ErrInvalid, name)
	}
}
