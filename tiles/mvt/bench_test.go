package mvt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"
	orbmvt "github.com/paulmach/orb/encoding/mvt"
	"github.com/paulmach/orb/geojson"
	"github.com/paulmach/orb/maptile"
	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
)

var buildingSchema = []layers.Property{
	{Name: "name", Type: layers.String}, {Name: "usage", Type: layers.String}, {Name: "height", Type: layers.Number},
	{Name: "floors", Type: layers.Integer}, {Name: "year", Type: layers.Integer}, {Name: "address", Type: layers.String},
}

// block makes n buildings of six attributes over so many tiles of zoom 14 around
// here, about 9,700 a tile as in a dense city: rotated rectangles, some of them
// with a bay.
func block(tb testing.TB, n int) (*layers.Layer, []*layers.Feature) {
	tb.Helper()
	l := &layers.Layer{ID: "buildings", Kind: layers.KindBuilding, CRS: 4326, Schema: buildingSchema, MaxZoom: 16}
	rng := rand.New(rand.NewPCG(1, 2))
	side := math.Sqrt(float64(n)/9700) * 4096
	usages := []string{"residential", "office", "retail", "school", "industrial"}
	features := make([]*layers.Feature, n)
	for i := range features {
		x, y := rng.Float64()*side-side/2+2048, rng.Float64()*side-side/2+2048
		w, h := 8+rng.Float64()*20, 8+rng.Float64()*20
		sin, cos := math.Sincos(rng.Float64() * math.Pi)
		ring := []float64{0, 0, w, 0, w, h, 0, h}
		if i%3 == 0 {
			ring = []float64{0, 0, w, 0, w, h, .6 * w, h, .6 * w, .7 * h, 0, .7 * h}
		}
		for k := 0; k < len(ring); k += 2 {
			ring[k], ring[k+1] = x+ring[k]*cos-ring[k+1]*sin, y+ring[k]*sin+ring[k+1]*cos
		}
		floors := 1 + rng.IntN(30)
		features[i] = &layers.Feature{ID: fmt.Sprint(i + 1), Geometry: spatial.NewPolygon(degrees(here, closed(ring)...)), Properties: []layers.Value{
			layers.StringValue(fmt.Sprint("Building ", i)), layers.StringValue(usages[rng.IntN(5)]), layers.FloatValue(3.1 * float64(floors)),
			layers.IntValue(int64(floors)), layers.IntValue(int64(1900 + rng.IntN(120))), layers.StringValue(fmt.Sprintf("%d Street %d", 1+rng.IntN(200), rng.IntN(400))),
		}}
	}
	return l, features
}

// orbFeatures is the same features as orb has them, those that meet a tile.
func orbFeatures(id tile.ID, l *layers.Layer, list []*layers.Feature) *geojson.FeatureCollection {
	fc := geojson.NewFeatureCollection()
	e := id.Envelope().Buffer((id.Envelope().MaxX - id.Envelope().MinX) * tiles.Buffer / tiles.GridSize)
	for _, f := range list {
		if !f.Geometry.Envelope().Intersects(e) {
			continue
		}
		xy, _ := f.Geometry.Path(0)
		ring := make(orb.Ring, len(xy)/2)
		for i := range ring {
			ring[i] = orb.Point{xy[2*i], xy[2*i+1]}
		}
		g := geojson.NewFeature(orb.Polygon{ring})
		g.ID = f.ID
		for c, v := range f.Properties {
			switch v.Type() {
			case layers.Integer:
				g.Properties[l.Schema[c].Name] = v.Int()
			case layers.Number:
				g.Properties[l.Schema[c].Name] = v.Float()
			default:
				g.Properties[l.Schema[c].Name] = v.Text()
			}
		}
		fc.Append(g)
	}
	return fc
}

var benchTiles = []tile.ID{here, {Z: 16, X: here.X*4 + 1, Y: here.Y*4 + 1}}

// BenchmarkEncode compares, in one run, this package (search in the segment's
// index included, clipping and validity as they are served) with orb's encoder
// on the features found before, clipped but neither made valid nor snapped alike.
func BenchmarkEncode(b *testing.B) {
	l, features := block(b, 40_000)
	d := newDrawer(b, l, slices.Values(features))
	for _, id := range benchTiles {
		b.Run(fmt.Sprintf("twind/z%d", id.Z), func(b *testing.B) {
			var stats tiles.Stats
			b.ReportAllocs()
			for b.Loop() {
				stats = d.draw(id)
			}
			b.ReportMetric(float64(stats.Features), "features")
			b.ReportMetric(float64(stats.Repaired), "repaired")
			b.ReportMetric(float64(len(d.buf)), "bytes")
		})
		b.Run(fmt.Sprintf("orb/z%d", id.Z), func(b *testing.B) {
			fc := orbFeatures(id, l, features)
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if out, err = orbmvt.Marshal(orbmvt.Layers{orbLayer(id, "buildings", fc)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(fc.Features)), "features")
			b.ReportMetric(float64(len(out)), "bytes")
		})
	}
}

// orbLayer is a tile's layer by orb, of features that it leaves as they are.
func orbLayer(id tile.ID, name string, fc *geojson.FeatureCollection) *orbmvt.Layer {
	layer := orbmvt.NewLayer(name, cloned(fc))
	layer.ProjectToTile(maptile.New(id.X, id.Y, maptile.Zoom(id.Z)))
	layer.Clip(orb.Bound{Min: orb.Point{-tiles.Buffer, -tiles.Buffer}, Max: orb.Point{tiles.GridSize + tiles.Buffer, tiles.GridSize + tiles.Buffer}})
	layer.RemoveEmpty(0, 0)
	return layer
}

// cloned copies the geometries, which ProjectToTile overwrites.
func cloned(fc *geojson.FeatureCollection) *geojson.FeatureCollection {
	out := &geojson.FeatureCollection{Features: make([]*geojson.Feature, len(fc.Features))}
	for i, f := range fc.Features {
		g := *f
		g.Geometry = orb.Clone(f.Geometry)
		out.Features[i] = &g
	}
	return out
}

// Both encoders of the benchmark draw the same features.
func TestBenchmarkIsFair(t *testing.T) {
	l, features := block(t, 2000)
	base := newDrawer(t, l, slices.Values(features)).base
	for _, id := range benchTiles {
		d := encode(t, id, sourceOf(l, base))
		requireSound(t, d)
		layer := orbLayer(id, "buildings", orbFeatures(id, l, features))
		require.InDelta(t, len(layer.Features), len(d.Layers[0].Features), 2, "but for those that only touch the edge")
	}
}
