package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

// TestWhatCannotBeReadIsNotSaidAboutAnAlarm tries owners and notes.
func TestWhatCannotBeReadIsNotSaidAboutAnAlarm(t *testing.T) {
	p := open(t, nil)
	p.put("high", `{"kind":"threshold","source":"observations","datastream":"d1","above":2}`)
	p.read("d1", 0, 3)
	id := p.alarms("new")[0].ID
	for _, x := range []struct{ owner, note, says string }{
		{"", "", "owner is missing: say who you are"},
		{" \u3000", "", "owner is blank: expected a text that can be read"},
		{strings.Repeat("x", 201), "", "owner has 201 bytes: say who you are in 1 to 200 bytes of UTF-8"},
		{"Li\x00", "", `owner "Li\x00" holds U+0000, a control character: send it without`},
		{"Li\n", "", "holds U+000A"},
		{"\u202eiL", "", "holds U+202E"},
		{"Li\u2028", "", "holds U+2028"},
		{"Li", "a\x00b", `note "a\x00b" holds U+0000, a control character: send it without`},
		{"Li", "a\u202eb", "holds U+202E"},
		{"Li", "\u0085", "holds U+0085"},
		{"Li", strings.Repeat("x", 4097), "note has 4097 bytes; at most 4096 of UTF-8 are possible"},
	} {
		_, err := p.rules.Alarms().Acknowledge(t.Context(), id, x.owner, x.note)
		require.ErrorIs(t, err, layers.ErrInvalid, "%q %q", x.owner, x.note)
		require.ErrorContains(t, err, x.says)
		_, err = p.rules.Alarms().Close(t.Context(), id, x.owner, x.note)
		require.ErrorContains(t, err, x.says)
	}
	require.Len(t, p.events(), 1, "nothing was done")
	a, err := p.rules.Alarms().Close(t.Context(), id, "值班员 李", "已抽排 ✓ – fertig")
	require.NoError(t, err)
	require.Equal(t, []string{"值班员 李", "已抽排 ✓ – fertig"}, []string{a.Owner, a.Note})
}
