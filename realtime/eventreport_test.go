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

func TestTextsOfEventsCanBeRead(t *testing.T) {
	decode := func(member string, value any) error {
		b, err := json.Marshal(map[string]any{"id": "a", "class": "a", "time": "2026-11-21T08:00:00Z", "layer": "pipes", "entity": "7", member: value})
		require.NoError(t, err)
		var o EventReport
		return DecodeEventReport(b, &o)
	}
	for _, member := range []string{"owner", "source", "title", "entity", "text", "note"} {
		for _, bad := range []string{"a\u0000", "\u001b[31mred", "a\u202eb", "a\u2066b", "a\u200f", "a\u0085", "a\u007f"} {
			err := decode(member, bad)
			require.ErrorContains(t, err, member, "%q", bad)
			require.ErrorContains(t, err, "control character", "%q", bad)
			require.NotContains(t, err.Error(), bad)
		}
		require.NoError(t, decode(member, "路面积水 · B12"), member)
		prose := member == "text" || member == "note"
		require.Equal(t, prose, decode(member, "a\r\n\tb\u2028") == nil, "%s of several lines", member)
	}
	require.ErrorContains(t, decode("title", map[string]string{"zh": "a", "en": "\u202ea"}), "title")
	require.ErrorContains(t, decode("title", map[string]string{"zh": "\u202ea", "en": "a"}), "U+202E")
	require.NoError(t, decode("owner", ""), "nobody has it any more")
}
