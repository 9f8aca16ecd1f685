package dem

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/spatial/tile"
	"twind/tiles/raster/geotiff"
)

func imageOf(m *geotiff.Image) image.Rectangle { return image.Rect(0, 0, m.Width, m.Height) }

func BenchmarkTile(b *testing.B) {
	d := mustOpen(b, "testdata/nanaimo.tif", Options{ID: "ground"})
	m := d.current.Load()
	for name, p := range map[string]Product{"terrain-rgb": TerrainRGB, "hillshade": Hillshade} {
		b.Run(name, func(b *testing.B) {
			l := &Layer{DEM: d, Product: p, Size: 256}
			_, last := l.Zooms()
			lon, lat := d.Bounds().Center()
			id := tile.Of(lon, lat, last)
			var buf []byte
			var err error
			b.ReportAllocs()
			for b.Loop() {
				if buf, err = l.render(b.Context(), m, id, buf[:0]); err != nil {
					b.Fatal(err)
				}
			}
			require.NoError(b, err)
			b.ReportMetric(float64(len(buf)), "bytes")
		})
	}
}

func BenchmarkHeight(b *testing.B) {
	d := mustOpen(b, "testdata/nanaimo.tif", Options{})
	list := positions(d, 1000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p := list[i%len(list)]
		_, _ = d.Height(p[0], p[1])
		i++
	}
}
