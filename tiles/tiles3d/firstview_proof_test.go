//go:build proof

package tiles3d_test

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/geodesic"
	"twind/tiles/tiles3d"
)

// viewpoint is a camera, with the distance in metres at which an error of one
// metre is 16 pixels high.
type viewpoint struct {
	lon, lat, height float64 // degrees, metres
	reach            float64
}

// distance is that from the camera to a region.
func (p *viewpoint) distance(r []float64) float64 {
	const deg = 180 / math.Pi
	clamp := func(v, lo, hi float64) float64 { return max(lo, min(hi, v)) }
	near := geodesic.ECEF(clamp(p.lon, r[0]*deg, r[2]*deg), clamp(p.lat, r[1]*deg, r[3]*deg), clamp(p.height, r[4], r[5]))
	return near.Sub(geodesic.ECEF(p.lon, p.lat, p.height)).Norm()
}

// load is the bytes of everything that a client loads to show a tileset from a
// viewpoint, in all directions, when 16 pixels of error are allowed.
func (p *viewpoint) load(t *testing.T, s *tiles3d.Service, r tiles3d.Request, a tiles3d.Answer) int {
	t.Helper()
	sum := len(a.Bytes)
	plain := r
	plain.AcceptEncoding = ""
	var doc tilesetDoc
	var tile func(d *tileDoc)
	tile = func(d *tileDoc) {
		if d.Content != nil {
			u, err := url.Parse(d.Content.URI)
			require.NoError(t, err)
			name := strings.TrimPrefix(u.Path, "../../../")
			cell := cellOf(t, strings.Split(strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".glb"), "/")[1:])
			if strings.HasSuffix(name, ".json") {
				b, err := s.Subtree(t.Context(), plain, cell)
				require.NoError(t, err)
				sum += p.load(t, s, r, b)
				return
			}
			c, err := s.Content(t.Context(), r, cell)
			require.NoError(t, err)
			sum += len(c.Bytes)
		}
		if *d.GeometricError*p.reach < p.distance(d.BoundingVolume.Region) {
			return // fine enough
		}
		for i := range d.Children {
			tile(&d.Children[i])
		}
	}
	require.NoError(t, json.Unmarshal(a.Bytes, &doc))
	tile(doc.Root)
	return sum
}

// firstView: the demo's first view of Manhattan, as MapLibre places its camera
// for the bookmark, on a page 1080 pixels high.
func (c *city) firstView(t *testing.T) {
	const zoom, pitch, bearing, lon, lat, pixels = 14.6, 60.0, 29.0, -74.0077, 40.7122, 1080.0
	perPixel := 40075016.7 * math.Cos(lat*math.Pi/180) / (512 * math.Exp2(zoom))
	const halfView = 0.6435 / 2 // MapLibre's field of view, radians
	away := pixels / 2 / math.Tan(halfView) * perPixel
	back := away * math.Sin(pitch*math.Pi/180)
	sin, cos := math.Sincos(bearing * math.Pi / 180)
	p := &viewpoint{
		lon: lon - back*sin/(111320*math.Cos(lat*math.Pi/180)), lat: lat - back*cos/111200, height: away * math.Cos(pitch*math.Pi/180),
		reach: pixels / (2 * math.Tan(halfView)) / 16,
	}
	r := tiles3d.Request{Layer: "buildings", AcceptEncoding: "gzip"}
	a, err := c.service.Tileset(t.Context(), tiles3d.Request{Layer: "buildings"})
	require.NoError(t, err)
	sum := p.load(t, c.service, r, a)
	t.Logf("first view of Manhattan: %.2f MB, in all directions, contents in gzip as served at first", float64(sum)/1e6)
	require.Less(t, sum, 6_000_000)

	p.lon, p.lat, p.height = -73.9857, 40.7484, 400 // above the Empire State Building, the densest place
	a, err = c.service.Tileset(t.Context(), tiles3d.Request{Layer: "buildings"})
	require.NoError(t, err)
	t.Logf("400 m above Midtown: %.2f MB", float64(p.load(t, c.service, r, a))/1e6)
}
