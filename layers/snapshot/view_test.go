package snapshot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

// contentOf is a layer with a base of some features, into which others are put.
func contentOf(t testing.TB, l *layers.Layer, inBase []*layers.Feature, edits ...*layers.Feature) *content {
	b := NewBuilder(l)
	for _, f := range inBase {
		require.NoError(t, b.Add(f))
	}
	opened, err := b.base()
	require.NoError(t, err)
	c := newContent(opened, l.Schema)
	for _, f := range edits {
		_, err := c.put(f, f.Revision)
		require.NoError(t, err)
	}
	return c
}

func viewOf(t testing.TB, l *layers.Layer, inBase []*layers.Feature, edits ...*layers.Feature) *View {
	return contentOf(t, l, inBase, edits...).view(l, "store", 1)
}

func featuresOf(b *Builder) []*layers.Feature {
	s := b.Edits()
	fs := make([]*layers.Feature, s.N)
	for i := range fs {
		fs[i] = new(layers.Feature)
		s.Feature(i, b.layer.Schema, fs[i])
	}
	return fs
}
