package tiles

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// Compressing hot entries again goes on when nothing is rendered, goes on at last
// when something always is, and ends with Close even then.
func TestImprovementGivesWay(t *testing.T) {
	a, err := NewAnswers(AnswersOptions{Name: "tile", CacheBytes: 1 << 20, Renderings: 1})
	require.NoError(t, err)
	require.True(t, a.pause(), "nothing is rendered")
	a.slots <- struct{}{}
	require.True(t, a.pause(), "patience is at its end")
	require.NoError(t, a.Close())
	require.False(t, a.pause())
}

// A large raw is judged by a part of it, whether Huffman codes suffice or not.
func TestWithin(t *testing.T) {
	c, err := newCompressor()
	require.NoError(t, err)
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<15) // 512 KB: half of that by Huffman codes
	for limit, want := range map[int]bool{len(text): true, len(text) * 5 / 8: true, len(text) / 8: true, len(text) / 4000: false} {
		got, err := c.within(text, limit)
		require.NoError(t, err)
		require.Equal(t, want, got, limit)
	}
}
