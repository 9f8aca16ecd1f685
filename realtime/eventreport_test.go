package realtime

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdsAndClassesOfEventsCanBeRead(t *testing.T) {
	decode := func(id, class string) error {
		b, err := json.Marshal(map[string]string{"id": id, "class": class, "time": "2026-11-21T08:00:00Z"})
		require.NoError(t, err)
		var o EventReport
		return DecodeEventReport(b, &o)
	}
	for _, bad := range []string{" ", "\u3000", "\u202ea", "a\u2066b", "a\u200f", "a\u0085", "a\u2028b"} {
		require.Error(t, decode(bad, "a"), "id %q", bad)
		require.Error(t, decode("a", bad), "class %q", bad)
	}
	require.ErrorContains(t, decode("a", "0102\r\nX-Evil: 1"), "U+000D")
	require.ErrorContains(t, decode("\u202ea", "a"), "U+202E")
	require.ErrorContains(t, decode(" ", "a"), "blank")
	require.NoError(t, decode("热线 12345-7", "路灯"))
	require.NoError(t, decode("a", ""), "a later report names no class")
}
