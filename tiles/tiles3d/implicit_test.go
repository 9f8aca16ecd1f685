package tiles3d_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/tiles/tiles3d"
)

type subtreeDoc struct {
	Buffers        []struct{ ByteLength int }
	BufferViews    []struct{ Buffer, ByteOffset, ByteLength int }
	PropertyTables []struct {
		Class      string
		Count      int
		Properties map[string]struct{ Values int }
	}
	TileAvailability         availabilityDoc
	ContentAvailability      []availabilityDoc
	ChildSubtreeAvailability availabilityDoc
	TileMetadata             *int
}

type availabilityDoc struct {
	Constant, Bitstream *int
	AvailableCount      int
}

// quadtree reads an implicit tileset as its standard says.
type quadtree struct {
	t       *testing.T
	service *tiles3d.Service
	request tiles3d.Request
	levels  int // of a subtree
	visit   func(c tiles3d.Cell, region []float64, content bool)
	seen    map[tiles3d.Cell]bool
}

func (q *quadtree) subtree(root tiles3d.Cell) {
	t := q.t
	a, err := q.service.ImplicitSubtree(t.Context(), q.request, root)
	require.NoError(t, err)
	b := a.Bytes
	require.Equal(t, "subt", string(b[:4]))
	require.EqualValues(t, 1, binary.LittleEndian.Uint32(b[4:]))
	n, size := int(binary.LittleEndian.Uint64(b[8:])), int(binary.LittleEndian.Uint64(b[16:]))
	require.Zero(t, n%8)
	require.Zero(t, size%8)
	require.Len(t, b, 24+n+size)
	var doc subtreeDoc
	require.NoError(t, json.Unmarshal(b[24:24+n], &doc))
	bin := b[24+n:]
	require.Equal(t, size, doc.Buffers[0].ByteLength)
	bit := func(a availabilityDoc, total int) func(int) bool {
		if a.Constant != nil {
			return func(int) bool { return *a.Constant == 1 }
		}
		v := doc.BufferViews[*a.Bitstream]
		require.Equal(t, (total+7)/8, v.ByteLength)
		set := 0
		for k := range total {
			set += int(bin[v.ByteOffset+k/8] >> (k % 8) & 1)
		}
		require.Equal(t, a.AvailableCount, set)
		return func(k int) bool { return bin[v.ByteOffset+k/8]>>(k%8)&1 == 1 }
	}
	tiles := (1<<(2*q.levels) - 1) / 3
	there, content := bit(doc.TileAvailability, tiles), bit(doc.ContentAvailability[0], tiles)
	row := 0
	regions := doc.BufferViews[doc.PropertyTables[0].Properties["region"].Values]
	require.Zero(t, regions.ByteOffset%8)
	k := 0
	for depth := range q.levels {
		for m := range 1 << (2 * depth) {
			if there(k) {
				region := make([]float64, 6)
				for i := range region {
					region[i] = math.Float64frombits(binary.LittleEndian.Uint64(bin[regions.ByteOffset+8*(6*row+i):]))
				}
				row++
				c := below(root, depth, m)
				require.True(t, c.Level == 0 || q.seen[c.Parent()], "%v hangs below a tile", c)
				q.seen[c] = true
				q.visit(below(root, depth, m), region, content(k))
			} else {
				require.False(t, content(k), "what has content is a tile")
			}
			k++
		}
	}
	require.Equal(t, doc.PropertyTables[0].Count, row)
	children := bit(doc.ChildSubtreeAvailability, 1<<(2*q.levels))
	for m := range 1 << (2 * q.levels) {
		if children(m) {
			q.subtree(below(root, q.levels, m))
		}
	}
}

// below is a cell by its Morton index, x in the even bits.
func below(root tiles3d.Cell, depth, m int) tiles3d.Cell {
	c := tiles3d.Cell{Level: root.Level + uint8(depth), X: root.X, Y: root.Y}
	for k := depth - 1; k >= 0; k-- {
		c.X, c.Y = c.X*2+uint32(m>>(2*k)&1), c.Y*2+uint32(m>>(2*k+1)&1)
	}
	return c
}

func TestImplicitQuadtreeHasTheSameContents(t *testing.T) {
	c := &catalog{}
	c.put(t, buildings(), 1, append(town(), building("far", box(-900_000, 0, 20, 20), metres(5)), building("farther", box(-2_900_000, -1_200_000, 20, 20), metres(5))), nil)
	l := pipes()
	c.put(t, l, 1, []*layers.Feature{pipe("a", 0, 0, 40, 0, []float64{50, 49.8}, "WS", "管底", "DN600", 600, 600), pipe("b", 3000, 900, 40, 0, []float64{50, 49.8}, "WS", "管底", "DN600", 600, 600)}, nil)
	s := newService(t, c)
	for _, id := range []layers.ID{"buildings", "pipes"} {
		r := tiles3d.Request{Layer: id, Query: "token=a"}
		want, _ := addresses(t, s, r)
		a, err := s.Implicit(t.Context(), r)
		require.NoError(t, err)
		var doc struct {
			tilesetDoc
			Root struct {
				tileDoc
				ImplicitTiling struct {
					SubdivisionScheme              string
					AvailableLevels, SubtreeLevels int
					Subtrees                       struct{ URI string }
				}
			}
		}
		require.NoError(t, json.Unmarshal(a.Bytes, &doc))
		i := doc.Root.ImplicitTiling
		require.Equal(t, "QUADTREE", i.SubdivisionScheme)
		require.Equal(t, "s/{level}/{x}/{y}.subtree?token=a", i.Subtrees.URI)
		require.Equal(t, "../c/{level}/{x}/{y}.glb?token=a", doc.Root.Content.URI)
		require.Greater(t, *doc.GeometricError, *doc.Root.GeometricError)
		deepest := uint8(0)
		got := map[string]bool{}
		q := &quadtree{seen: map[tiles3d.Cell]bool{}, t: t, service: s, request: r, levels: i.SubtreeLevels, visit: func(c tiles3d.Cell, region []float64, content bool) {
			deepest = max(deepest, c.Level)
			if !content {
				return
			}
			got["c/"+c.String()+".glb"] = true
			b, err := s.Content(t.Context(), r, c)
			require.NoError(t, err)
			k := decode(t, b.Bytes)
			v := volumeDoc{Region: region}
			for _, f := range k.triangles {
				for _, p := range f.corners {
					require.True(t, v.contains(p, 1e-3), "%v: a content lies in its tile's region", c)
				}
			}
		}}
		q.subtree(tiles3d.Cell{})
		require.EqualValues(t, i.AvailableLevels-1, deepest)
		require.Len(t, got, len(want))
		for name := range want {
			require.True(t, got[name], name)
		}
		_, err = s.ImplicitSubtree(t.Context(), r, tiles3d.Cell{Level: 6})
		require.ErrorIs(t, err, layers.ErrNotFound)
		_, err = s.ImplicitSubtree(t.Context(), r, tiles3d.CellAt(lon0, lat0, 13))
		require.ErrorIs(t, err, layers.ErrNotFound)
	}
}
