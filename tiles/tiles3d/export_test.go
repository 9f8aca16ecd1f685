package tiles3d_test

import (
	"encoding/json"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/tiles/tiles3d"
)

// TestExportIsWhatIsServed: every address leads to a file, every file is named
// once, and contents have the same bytes.
func TestExportIsWhatIsServed(t *testing.T) {
	c := &catalog{}
	c.put(t, buildings(), 1, town(), nil)
	s := newService(t, c)
	r := tiles3d.Request{Layer: "buildings"}
	files := map[string][]byte{}
	n, err := s.Export(t.Context(), r, func(name string, b []byte) error {
		require.NotContains(t, files, name)
		files[name] = append([]byte(nil), b...)
		return nil
	}, nil)
	require.NoError(t, err)
	require.Equal(t, 120, n.Features)
	require.Len(t, files, n.Contents+n.Tilesets)

	used := map[string]bool{}
	var tileset func(name string)
	var tile func(d *tileDoc, at string)
	tile = func(d *tileDoc, at string) {
		if d.Content != nil {
			name := path.Join(path.Dir(at), d.Content.URI)
			require.Contains(t, files, name)
			if strings.HasSuffix(name, ".json") {
				tileset(name)
			} else {
				used[name] = true
				a, err := s.Content(t.Context(), r, cellOf(t, strings.Split(strings.TrimSuffix(name, ".glb"), "/")[1:]))
				require.NoError(t, err)
				require.Equal(t, a.Bytes, files[name])
			}
		}
		for i := range d.Children {
			tile(&d.Children[i], at)
		}
	}
	tileset = func(name string) {
		used[name] = true
		var doc tilesetDoc
		require.NoError(t, json.Unmarshal(files[name], &doc))
		tile(doc.Root, name)
	}
	tileset("tileset.json")
	require.Len(t, used, len(files))

	full := errors.New("disk full")
	_, err = s.Export(t.Context(), r, func(string, []byte) error { return full }, nil)
	require.ErrorIs(t, err, full)
}
