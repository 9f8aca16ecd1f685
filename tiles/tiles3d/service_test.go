package tiles3d_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/tiles/tiles3d"
)

// addresses are the revisions of all contents and tilesets of a layer, by path.
func addresses(t *testing.T, s *tiles3d.Service, r tiles3d.Request) (contents, tilesets map[string]string) {
	t.Helper()
	contents, tilesets = map[string]string{}, map[string]string{}
	a, err := s.Tileset(t.Context(), r)
	require.NoError(t, err)
	tilesets["tileset.json"] = a.Revision
	var tile func(d *tileDoc)
	tile = func(d *tileDoc) {
		if d.Content != nil {
			u, err := url.Parse(d.Content.URI)
			require.NoError(t, err)
			name := strings.TrimPrefix(u.Path, "../../../")
			to := contents
			if strings.HasPrefix(name, "t/") {
				to = tilesets
				b, err := s.Subtree(t.Context(), r, cellOf(t, strings.Split(strings.TrimSuffix(name, ".json"), "/")[1:]))
				require.NoError(t, err)
				var doc tilesetDoc
				require.NoError(t, json.Unmarshal(b.Bytes, &doc))
				tile(doc.Root)
			}
			to[name] = u.Query().Get("r")
		}
		for i := range d.Children {
			tile(&d.Children[i])
		}
	}
	var doc tilesetDoc
	require.NoError(t, json.Unmarshal(a.Bytes, &doc))
	tile(doc.Root)
	return contents, tilesets
}

func changed(before, after map[string]string) (list []string) {
	for name, r := range after {
		if before[name] != r {
			list = append(list, name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			list = append(list, name)
		}
	}
	return list
}

// TestAnEditChangesItsOwnContents: whatever happens to one building, at most two
// contents change, and the tilesets above them, wherever the rest is kept.
func TestAnEditChangesItsOwnContents(t *testing.T) {
	c := &catalog{}
	all := town()
	c.put(t, buildings(), 1, all, nil)
	s := newService(t, c)
	r := tiles3d.Request{Layer: "buildings"}
	contents, tilesets := addresses(t, s, r)
	require.Greater(t, len(contents), 20)

	again := func(revision layers.Revision, base, edits []*layers.Feature) (string, int) {
		c.put(t, buildings(), revision, base, edits)
		a, b := addresses(t, s, r)
		list, above := changed(contents, a), len(changed(tilesets, b))
		contents, tilesets = a, b
		return strings.Join(list, " "), above
	}
	list, above := again(1, all[:60], all[60:]) // kept elsewhere
	require.Empty(t, list)
	require.Zero(t, above)

	taller := all[7].Clone()
	taller.Properties[1], taller.Revision = layers.FloatValue(11), 2
	rest := slices.Concat(all[:7], all[8:])
	list, above = again(2, rest, []*layers.Feature{taller})
	require.Len(t, strings.Fields(list), 1)
	require.Equal(t, 2, above, "the first tileset and one below")

	tower := taller.Clone()
	tower.Properties[1], tower.Revision = layers.FloatValue(300), 3
	list, _ = again(3, rest, []*layers.Feature{tower})
	require.Len(t, strings.Fields(list), 2, "a tower is seen from farther: it leaves one cell for another")

	list, _ = again(4, rest, nil)
	require.Len(t, strings.Fields(list), 1, "demolished")
}

func TestFilterPolicyAndProperties(t *testing.T) {
	c := &catalog{}
	l := buildings()
	c.put(t, l, 1, town(), nil)
	s := newService(t, c)
	count := func(r tiles3d.Request) (n int, names map[string]bool) {
		names = map[string]bool{}
		(&walker{t: t, service: s, request: r, visit: func(_ tiles3d.Cell, _ *tileDoc, k *content) {
			n += k.rows
			for name := range maps.Keys(k.values) {
				names[name] = true
			}
		}}).walk()
		return n, names
	}
	whole, names := count(tiles3d.Request{Layer: "buildings"})
	require.Equal(t, 120, whole)
	require.Equal(t, map[string]bool{"id": true, "name": true, "height": true, "ground_elevation": true, "年份": true}, names)

	filter := layers.Comparison{Property: "height", Op: layers.Greater, Value: layers.FloatValue(60)}
	tall := 0
	for _, f := range town() {
		if f.Properties[1].Float() > 60 {
			tall++
		}
	}
	n, _ := count(tiles3d.Request{Layer: "buildings", Filter: filter, Query: "filter=height%3E60&token=a%26b"})
	require.Equal(t, tall, n)

	n, names = count(tiles3d.Request{Layer: "buildings", Properties: []string{"name"}})
	require.Equal(t, 120, n)
	require.Equal(t, map[string]bool{"id": true, "name": true}, names)
	_, names = count(tiles3d.Request{Layer: "buildings", Properties: []string{}})
	require.Equal(t, map[string]bool{"id": true}, names)
	_, err := s.Content(t.Context(), tiles3d.Request{Layer: "buildings", Properties: []string{"colour"}}, anyCell(t, s, "buildings"))
	require.ErrorIs(t, err, layers.ErrInvalid)

	rows := layers.Policy{Rows: filter, Hidden: []string{"height", "name"}}
	n, names = count(tiles3d.Request{Layer: "buildings", Policy: rows})
	require.Equal(t, tall, n, "rows that a reader must not see are not drawn")
	require.Equal(t, map[string]bool{"id": true, "ground_elevation": true, "年份": true, "heightAssumed": true}, names, "a hidden height does not show in the solid")
	_, err = s.Tileset(t.Context(), tiles3d.Request{Layer: "buildings", Policy: layers.Policy{Deny: true}})
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Tileset(t.Context(), tiles3d.Request{Layer: "nothing"})
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Content(t.Context(), tiles3d.Request{Layer: "buildings"}, tiles3d.Cell{Level: 15})
	require.ErrorIs(t, err, layers.ErrNotFound)
	_, err = s.Subtree(t.Context(), tiles3d.Request{Layer: "buildings"}, tiles3d.Cell{Level: 13})
	require.ErrorIs(t, err, layers.ErrNotFound)
}

// anyCell is a cell of a layer with content.
func anyCell(t *testing.T, s *tiles3d.Service, id layers.ID) tiles3d.Cell {
	t.Helper()
	contents, _ := addresses(t, s, tiles3d.Request{Layer: id})
	for name := range contents {
		return cellOfName(t, name)
	}
	require.Fail(t, "no content")
	return tiles3d.Cell{}
}

// cellOfName is the cell of a content's address.
func cellOfName(t *testing.T, name string) tiles3d.Cell {
	t.Helper()
	return cellOf(t, strings.Split(strings.TrimSuffix(name, ".glb"), "/")[1:])
}

func TestContentIsMadeOnceAndKept(t *testing.T) {
	c := &catalog{}
	c.put(t, buildings(), 1, town(), nil)
	s := newService(t, c)
	cell := anyCell(t, s, "buildings")
	r := tiles3d.Request{Layer: "buildings", AcceptEncoding: "gzip"}
	var wait sync.WaitGroup
	answers := make([]tiles3d.Answer, 6)
	for k := range answers {
		wait.Go(func() {
			a, err := s.Content(t.Context(), r, cell)
			require.NoError(t, err)
			answers[k] = a
		})
	}
	wait.Wait()
	for _, a := range answers {
		require.Equal(t, "gzip", a.Encoding)
		require.Same(t, &answers[0].Bytes[0], &a.Bytes[0], "one rendering, one copy")
	}
	plain, err := s.Content(t.Context(), tiles3d.Request{Layer: "buildings"}, cell)
	require.NoError(t, err)
	z, err := gzip.NewReader(bytes.NewReader(answers[0].Bytes))
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, plain.Bytes, b)
	r.IfNoneMatch = answers[0].ETag
	a, err := s.Content(t.Context(), r, cell)
	require.NoError(t, err)
	require.True(t, a.NotModified)
}

func TestEmptyLayerHasATileset(t *testing.T) {
	c := &catalog{}
	c.put(t, buildings(), 1, nil, nil)
	s := newService(t, c)
	a, err := s.Tileset(t.Context(), tiles3d.Request{Layer: "buildings"})
	require.NoError(t, err)
	var doc tilesetDoc
	require.NoError(t, json.Unmarshal(a.Bytes, &doc))
	require.Nil(t, doc.Root.Content)
	require.NotEmpty(t, doc.Root.BoundingVolume.Region)
	require.Equal(t, -9.25, doc.Extras["twind:ellipsoidOffset"])
}

func TestCells(t *testing.T) {
	for _, n := range [][3]int64{{18, 0, 0}, {-1, 0, 0}, {3, 8, 0}, {3, 0, -1}} {
		_, err := tiles3d.ParseCell(n[0], n[1], n[2])
		require.ErrorIs(t, err, layers.ErrInvalid)
	}
	for level := uint8(0); level <= tiles3d.BottomLevel; level++ {
		c := tiles3d.CellAt(116.39, -39.92, level)
		e := c.Envelope()
		require.True(t, e.MinX <= 116.39 && 116.39 < e.MaxX && e.MinY <= -39.92 && -39.92 < e.MaxY)
		if level > 0 {
			require.Equal(t, c.Parent(), tiles3d.CellAt(116.39, -39.92, level-1))
			require.Equal(t, c.Error()*2, c.Parent().Error())
		}
	}
	require.Equal(t, tiles3d.Cell{Level: 3, X: 7, Y: 7}, tiles3d.CellAt(180, 90, 3), "the border belongs to the last cell")
	require.InDelta(t, 16, tiles3d.CellAt(0, 0, 15).Error(), 0)
}
