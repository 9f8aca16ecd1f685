package tiles3d_test

import (
	"encoding/json"
	"math"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

type tilesetDoc struct {
	Asset          struct{ Version, TilesetVersion string }
	GeometricError *float64
	Root           *tileDoc
	Extras         map[string]any
}

type tileDoc struct {
	BoundingVolume volumeDoc
	GeometricError *float64
	Refine         string
	Content        *struct{ URI string }
	Children       []tileDoc
}

type volumeDoc struct{ Region, Box []float64 }

// contains tells whether a position lies in the volume.
func (v volumeDoc) contains(p geodesic.Vec3, slack float64) bool {
	if v.Region != nil {
		lon, lat, h := geodesic.Geodetic(p)
		const rad = math.Pi / 180
		d := slack / 6.37e6
		dLon := d / math.Cos(lat*rad)
		r := v.Region
		return lon*rad >= r[0]-dLon && lon*rad <= r[2]+dLon && lat*rad >= r[1]-d && lat*rad <= r[3]+d && h >= r[4]-slack && h <= r[5]+slack
	}
	o := p.Sub(geodesic.Vec3(v.Box[:3]))
	for k := range 3 {
		a := geodesic.Vec3(v.Box[3+3*k : 6+3*k])
		n := a.Norm()
		if math.Abs(o.Dot(a)/n) > n+slack {
			return false
		}
	}
	return true
}

// corners are positions on the border of the volume.
func (v volumeDoc) corners() (list []geodesic.Vec3) {
	if r := v.Region; r != nil {
		const deg = 180 / math.Pi
		for k := range 8 {
			list = append(list, geodesic.ECEF(r[k&1*2]*deg, r[1+k>>1&1*2]*deg, r[4+k>>2&1]))
		}
		return list
	}
	for k := range 8 {
		p := geodesic.Vec3(v.Box[:3])
		for a := range 3 {
			sign := float64(k>>a&1)*2 - 1
			p = p.Add(geodesic.Vec3(v.Box[3+3*a : 6+3*a]).Scale(sign))
		}
		list = append(list, p)
	}
	return list
}

// walker visits a layer's tilesets as a client does and checks what validators do
// not: volumes, errors, addresses.
type walker struct {
	t       *testing.T
	service *tiles3d.Service
	request tiles3d.Request
	visit   func(cell tiles3d.Cell, tile *tileDoc, c *content)
	uris    map[string]bool
	largest int // bytes of the largest tileset
	bytes   int // of all contents
}

func (w *walker) walk() {
	w.uris = map[string]bool{}
	a, err := w.service.Tileset(w.t.Context(), w.request)
	require.NoError(w.t, err)
	w.tileset(a, "tileset.json", nil)
}

func (w *walker) tileset(a tiles3d.Answer, at string, from *tileDoc) {
	t := w.t
	w.largest = max(w.largest, len(a.Bytes))
	var doc tilesetDoc
	require.NoError(t, json.Unmarshal(a.Bytes, &doc), at)
	require.Equal(t, "1.1", doc.Asset.Version)
	require.NotNil(t, doc.GeometricError)
	require.NotNil(t, doc.Root)
	require.NotEmpty(t, doc.Root.Refine, "the root says how it is refined")
	require.Greater(t, *doc.GeometricError, *doc.Root.GeometricError, "the tileset's error is above its root's")
	if from != nil {
		require.LessOrEqual(t, *doc.Root.GeometricError, *from.GeometricError)
		require.Equal(t, from.BoundingVolume, doc.Root.BoundingVolume, "a tileset fills the tile that names it")
	}
	w.tile(doc.Root, at, nil)
}

func (w *walker) tile(d *tileDoc, at string, above []*tileDoc) {
	t := w.t
	require.NotNil(t, d.GeometricError)
	if n := len(above); n > 0 {
		parent := above[n-1]
		require.Less(t, *d.GeometricError, *parent.GeometricError, "errors fall")
		for _, p := range d.BoundingVolume.corners() {
			if parent.BoundingVolume.Region != nil {
				require.True(t, parent.BoundingVolume.contains(p, 30), "%s: a volume leaves its parent's", at) // a box's corners bow out of a region
			}
		}
	}
	if r := d.BoundingVolume.Region; r != nil {
		require.Len(t, r, 6)
		require.True(t, math.Abs(r[0]) <= math.Pi && math.Abs(r[2]) <= math.Pi && math.Abs(r[1]) <= math.Pi/2 && math.Abs(r[3]) <= math.Pi/2, "radians: %v", r)
		require.True(t, r[0] <= r[2] && r[1] <= r[3] && r[4] <= r[5], "%v", r)
	} else {
		require.Len(t, d.BoundingVolume.Box, 12)
	}
	above = append(above, d)
	if d.Content != nil {
		w.content(d, at, above)
	}
	for i := range d.Children {
		w.tile(&d.Children[i], at, above)
	}
}

func (w *walker) content(d *tileDoc, at string, above []*tileDoc) {
	t := w.t
	u, err := url.Parse(d.Content.URI)
	require.NoError(t, err)
	name := path.Join(path.Dir(at), u.Path)
	require.False(t, w.uris[name], "%s stands twice", name)
	w.uris[name] = true
	for k, v := range w.query() {
		require.Equal(t, v, u.Query()[k], "addresses repeat the query")
	}
	bare, detailed := strings.CutSuffix(name, ".lod2.glb")
	parts := strings.Split(strings.TrimSuffix(strings.TrimSuffix(bare, ".json"), ".glb"), "/")
	require.Len(t, parts, 4, name)
	cell := cellOf(t, parts[1:])
	if parts[0] == "t" {
		require.Empty(t, d.Children, "a tile with a tileset has no children of its own")
		a, err := w.service.Subtree(t.Context(), w.request, cell)
		require.NoError(t, err)
		require.Equal(t, u.Query().Get("r"), a.Revision)
		w.tileset(a, name, d)
		return
	}
	get := w.service.Content
	if detailed {
		get = w.service.DetailedContent
	}
	a, err := get(t.Context(), w.request, cell)
	require.NoError(t, err)
	require.Equal(t, u.Query().Get("r"), a.Revision)
	w.bytes += len(a.Bytes)
	c := decode(t, a.Bytes)
	require.LessOrEqual(t, c.flipped, 0.01*c.area, "%s: winding and normals disagree", name) // the inside of a bend tighter than its pipe folds
	for _, v := range above {
		w.inside(c, v.BoundingVolume, name)
	}
	w.visit(cell, d, c)
}

// inside: a content lies in the volumes of its tile and of all above.
func (w *walker) inside(c *content, v volumeDoc, name string) {
	for _, f := range c.triangles {
		for _, p := range f.corners {
			if !v.contains(p, 1e-3) {
				require.Fail(w.t, "content outside its volume", "%s: %v in %v", name, p, v)
			}
		}
	}
	for _, in := range c.instances {
		for k := range 8 {
			p := in.matrix.at(pick(in.lo[0], in.hi[0], k), pick(in.lo[1], in.hi[1], k>>1), pick(in.lo[2], in.hi[2], k>>2))
			if !v.contains(p, 1e-3) {
				lon, lat, h := geodesic.Geodetic(p)
				require.Fail(w.t, "instance outside its volume", "%s: row %d of %s at %v %v %v in %v", name, in.row, in.mesh, lon, lat, h, v)
			}
		}
	}
}

func pick(a, b float64, k int) float64 {
	if k&1 == 1 {
		return b
	}
	return a
}

func (w *walker) query() url.Values {
	q, err := url.ParseQuery(w.request.Query)
	require.NoError(w.t, err)
	return q
}

func cellOf(t *testing.T, parts []string) tiles3d.Cell {
	t.Helper()
	var n [3]int64
	for i, p := range parts {
		v, err := strconv.ParseInt(p, 10, 64)
		require.NoError(t, err)
		n[i] = v
	}
	c, err := tiles3d.ParseCell(n[0], n[1], n[2])
	require.NoError(t, err)
	return c
}
