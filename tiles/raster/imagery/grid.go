package imagery

import (
	"image"
	"math"

	"twind/layers"
	"twind/tiles/raster/geotiff"
)

const (
	worldHalf  = math.Pi * 6378137 // metres from the middle of Web Mercator to its border
	maxShrink  = 8                 // pixels of a level in a row of a tile's pixel, for zooms above the smallest level
	maxUntiled = 2048              // pixels of a side up to which an image need not be tiled
)

// level is a level of the file that lies on the grid of a zoom.
type level struct {
	index  int // in File.Levels
	zoom   int
	ox, oy int // pixel of the zoom, counted from the north-west of the world, of the level's first
	size   image.Point
}

// grid places the levels of a file in the zooms of tiles.
type grid struct {
	side   int     // pixels of a tile, 256 or 512
	levels []level // from the full one
}

// place finds the grid. It fails with layers.ErrInvalid and a sentence that says
// what to do.
func place(f *geotiff.File, name string) (*grid, error) {
	refuse := func(why string) error {
		return layers.Errorf(layers.ErrInvalid, "%s %s; make it fit: gdal_translate -of COG -co TILING_SCHEME=GoogleMapsCompatible -co COMPRESS=JPEG %s OUT.tif (gdalwarp -t_srs EPSG:3857 before it where the file has no overviews to keep)", name, why, name)
	}
	full := f.Levels()[0]
	if full.Type != geotiff.Uint8 {
		return nil, layers.Errorf(layers.ErrInvalid, "%s has samples that are not bytes, so they are no colours; scale them: gdal_translate -ot Byte -scale %s OUT.tif", name, name)
	}
	ref, err := f.Georeference()
	if err != nil {
		return nil, err
	}
	if ref.CRS == nil || ref.CRS.Code != 3857 {
		return nil, refuse("is not in Web Mercator (EPSG:3857)")
	}
	t := ref.Transform
	if t[2] != 0 || t[4] != 0 || !(t[1] > 0) || math.Abs(t[1]+t[5]) > 1e-6*t[1] {
		return nil, refuse("is turned, or its pixels are not square")
	}
	if !full.Tiled && max(full.Width, full.Height) > maxUntiled {
		return nil, refuse("is not tiled")
	}
	g := &grid{side: 256}
	if full.BlockWidth == 512 && full.BlockHeight == 512 {
		g.side = 512
	}
	zoom, ok := whole(math.Log2(2*worldHalf/t[1]/float64(g.side)), 1e-5)
	if !ok || zoom < 0 || zoom > 24 {
		return nil, refuse("has pixels whose size is that of no zoom")
	}
	ox, okX := whole((t[0]+worldHalf)/t[1], 0.05)
	oy, okY := whole((worldHalf-t[3])/t[1], 0.05)
	if !okX || !okY {
		return nil, refuse("does not lie on the pixels of its zoom")
	}
	for i, l := range f.Levels() {
		halvings := int(math.Round(math.Log2(float64(full.Width) / float64(l.Width))))
		scale := 1 << halvings
		if halvings > zoom || abs(full.Width-l.Width*scale) >= 2*scale || abs(full.Height-l.Height*scale) >= 2*scale {
			continue // a level of another ratio than a zoom's
		}
		g.levels = append(g.levels, level{i, zoom - halvings, int(math.Round(float64(ox) / float64(scale))), int(math.Round(float64(oy) / float64(scale))), image.Pt(l.Width, l.Height)})
	}
	return g, nil
}

func abs(n int) int { return max(n, -n) }

// whole rounds v, and tells whether it is that near to it.
func whole(v, tolerance float64) (int, bool) {
	r := math.Round(v)
	return int(r), math.Abs(v-r) <= tolerance && math.Abs(r) < 1<<40
}

// zooms are the first and last zoom with tiles.
func (g *grid) zooms() (first, last uint8) {
	least := g.levels[len(g.levels)-1].zoom
	for s := maxShrink; s > 1 && least > 0; s /= 2 {
		least--
	}
	return uint8(least), uint8(g.levels[0].zoom)
}

// window is the coarsest level that is fine enough for a zoom, how many of its
// pixels make one of the tile's, and the tile's box in its pixels.
func (g *grid) window(z int, x, y uint32) (l level, shrink int, box image.Rectangle) {
	for i := len(g.levels) - 1; i >= 0; i-- {
		if l = g.levels[i]; l.zoom >= z {
			break
		}
	}
	shrink = 1 << (l.zoom - z)
	side := g.side * shrink
	at := image.Pt(int(x)*side-l.ox, int(y)*side-l.oy)
	return l, shrink, image.Rectangle{at, at.Add(image.Pt(side, side))}
}
