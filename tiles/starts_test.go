package tiles

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// part is a field with a length.
func part(tag byte, content string) string {
	return string([]byte{tag<<3 | 2, byte(len(content))}) + content
}

func TestStartsOfATile(t *testing.T) {
	polygon := "\x08\x85\x01" + part(2, "\x00\x01\x01\x02") + "\x18\x03" + part(4, "\x09\x80\x01\x02\x0a\x04\x04\x0f")
	line := part(2, "\x00\x01") + "\x18\x02" + part(4, "\x09\x02\x02\x0a\x04\x06")
	raw := []byte(part(3, part(1, "name")+part(2, polygon)+part(2, line)+part(3, "key")+part(4, "\x0a\x01x")+"\x28\x80\x20") + part(3, part(4, "\x0a\x01y")))

	starts := appendStarts([]uint32{7}, raw)
	require.Equal(t, uint32(7), starts[0], "appended")
	var at []string
	for _, s := range starts[1:] {
		at = append(at, string(raw[s:s+3]))
	}
	require.Equal(t, []string{
		"\x01\x12\x04", // behind the id's first byte
		"\x02\x18\x03", // in the attributes
		"\x18\x03\x22", // at the type
		"\x0a\x04\x04", // at the edges
		"\x18\x02\x22", // at the line's type
		"\x22\x03\x0a", // at a value
		"\x22\x03\x0a", // at a value of the other layer
	}, at)
}

// No bytes make it look beyond them.
func FuzzStarts(f *testing.F) {
	f.Add([]byte{0x1a, 2, 0x22, 0})
	f.Add([]byte{0x1a, 5, 0x12, 3, 8, 0x80, 0x80})
	f.Add([]byte{0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		starts := appendStarts(nil, raw)
		require.True(t, slices.IsSorted(starts))
		if n := len(starts); n > 0 {
			require.LessOrEqual(t, int(starts[n-1]), len(raw))
		}
		for _, cut := range []int{1, 2, 5} {
			appendStarts(nil, raw[:max(0, len(raw)-cut)])
		}
	})
}
