package tiles

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNegotiate(t *testing.T) {
	for header, want := range map[string]Encoding{
		"":                             Identity,
		"identity":                     Identity,
		"gzip":                         Gzip,
		"GZIP":                         Gzip,
		"x-gzip":                       Gzip,
		"deflate, br":                  Identity,
		"gzip, deflate":                Gzip,
		"gzip, deflate, br, zstd":      Zstd,
		"zstd;q=0.5, gzip":             Gzip,
		"zstd;q=0.5, gzip;q=0.5":       Zstd,
		"gzip;q=0":                     Identity,
		"*":                            Zstd,
		"*;q=0.1, gzip;q=0.2":          Gzip,
		"zstd;q=0, *":                  Gzip,
		"identity;q=1, gzip;q=0.5":     Identity,
		"identity;q=0.5, gzip ; q=0.8": Gzip,
		"gzip;q=high":                  Identity,
		"gzip;q=1.5":                   Identity,
		"gzip;level=3":                 Identity,
		",,gzip,":                      Gzip,
	} {
		got, ok := Negotiate(header)
		require.True(t, ok, header)
		require.Equal(t, want, got, header)
	}
	for _, header := range []string{"identity;q=0", "*;q=0", "identity;q=0, gzip;q=0, zstd;q=0", "br, identity;q=0"} {
		_, ok := Negotiate(header)
		require.False(t, ok, header)
	}
	require.Equal(t, "gzip", Gzip.String())
	require.Equal(t, "zstd", Zstd.String())
	require.Empty(t, Identity.String())
}

func TestCompressor(t *testing.T) {
	c, err := newCompressor()
	require.NoError(t, err)
	raw := make([]byte, 100_000)
	for i := range raw {
		raw[i] = byte(i / 300 * (i % 7))
	}
	for _, e := range []Encoding{Identity, Gzip, Zstd} {
		for _, better := range []bool{false, true} {
			b, err := c.compress(raw, e, better)
			require.NoError(t, err)
			kept := bytes.Clone(b)
			_, err = c.compress(make([]byte, len(raw)), e, better)
			require.NoError(t, err)
			require.Equal(t, kept, b, "memory of its own")
			got, err := c.expanded(b, e)
			require.NoError(t, err)
			require.Equal(t, raw, got)
			if e != Identity {
				require.Less(t, len(b), len(raw)/2)
			}
		}
		if e != Identity {
			_, err := c.expanded([]byte("not compressed"), e)
			require.Error(t, err)
		}
	}
}
