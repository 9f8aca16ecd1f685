package tile

import (
	"math"
	"strconv"

	"twind/spatial"
)

// MatrixSet describes a tile matrix set with the members and the JSON encoding
// of OGC Two Dimensional Tile Matrix Set and Tile Set Metadata 2.0 (17-083r4) §7.1.
type MatrixSet struct {
	ID                string   `json:"id"`
	Title             string   `json:"title,omitempty"`
	URI               string   `json:"uri,omitempty"` // of the registered definition
	CRS               string   `json:"crs"`           // URI
	OrderedAxes       []string `json:"orderedAxes,omitempty"`
	WellKnownScaleSet string   `json:"wellKnownScaleSet,omitempty"` // URI
	Matrices          []Matrix `json:"tileMatrices"`                // by zoom, from Grid.FirstZoom() on

	Grid Grid `json:"-"` // that its tiles are of
}

// Matrix is one tile matrix of a set.
type Matrix struct {
	ID               string     `json:"id"`               // decimal; the zoom of the grid, but in WorldCRS84Quad one less
	ScaleDenominator float64    `json:"scaleDenominator"` // at pixels of 0.28 mm
	CellSize         float64    `json:"cellSize"`         // width of a pixel in units of the CRS
	CornerOfOrigin   string     `json:"cornerOfOrigin"`   // "topLeft": rows count southwards
	PointOfOrigin    [2]float64 `json:"pointOfOrigin"`    // that corner in the CRS, in its order of axes
	TileWidth        uint32     `json:"tileWidth"`        // pixels
	TileHeight       uint32     `json:"tileHeight"`       // pixels
	MatrixWidth      uint32     `json:"matrixWidth"`      // tiles
	MatrixHeight     uint32     `json:"matrixHeight"`     // tiles
}

// The ids of the sets that tiles are served in.
const (
	WebMercatorQuadID = "WebMercatorQuad"
	WorldCRS84QuadID  = "WorldCRS84Quad"
	CGCS2000QuadID    = "CGCS2000Quad"

	WebMercatorQuadX2ID = "WebMercatorQuadx2"
)

const (
	radius    = 6378137.0 // metres, the sphere of EPSG:3857 and the equator of WGS 84 and CGCS2000
	tileSize  = 256       // pixels
	pixelSize = 0.00028   // metres, the standardized rendering pixel
)

// WebMercatorQuad is the registered set of that name (17-083r4 Annex D.1), zooms
// 0 to MaxZoom, with its numbers to 15 digits as the register gives them:
// denominators cut off there, the others rounded. The caller owns the result.
func WebMercatorQuad() *MatrixSet {
	edge := digits15(math.Pi * radius)
	return &MatrixSet{
		ID:                WebMercatorQuadID,
		Title:             "Google Maps Compatible for the World",
		URI:               "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
		CRS:               "http://www.opengis.net/def/crs/EPSG/0/3857",
		OrderedAxes:       []string{"X", "Y"},
		WellKnownScaleSet: "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
		Matrices:          matrices(Mercator, tileSize, 2*math.Pi*radius, 1, [2]float64{-edge, edge}, 0),
		Grid:              Mercator,
	}
}

// WorldCRS84Quad is the registered set of that name (17-083r4 Annex D.2), tile
// matrices 0 to MaxZoom−1: matrix m is zoom m+1 of the Geographic grid, which has
// its scale. The caller owns the result.
func WorldCRS84Quad() *MatrixSet {
	return &MatrixSet{
		ID:                WorldCRS84QuadID,
		Title:             "CRS84 for the World",
		URI:               "http://www.opengis.net/def/tilematrixset/OGC/1.0/WorldCRS84Quad",
		CRS:               "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
		OrderedAxes:       []string{"Lon", "Lat"},
		WellKnownScaleSet: "http://www.opengis.net/def/wkss/OGC/1.0/GoogleCRS84Quad",
		Matrices:          matrices(Geographic, tileSize, 360, metresPerDegree, [2]float64{-180, 90}, 1),
		Grid:              Geographic,
	}
}

// CGCS2000Quad is the grid in EPSG:4490 that TianDiTu calls c: the tiles of
// WorldCRS84Quad, numbered from 1, with latitude first in coordinates. Its scale
// denominators are for pixels of 0.28 mm, as the standard wants them; TianDiTu
// prints those of 0.2646 mm (96 to the inch) for the same tiles. No register knows
// the set. The caller owns the result.
func CGCS2000Quad() *MatrixSet {
	return &MatrixSet{
		ID:          CGCS2000QuadID,
		Title:       "CGCS2000 longitude and latitude for the World (TianDiTu c)",
		URI:         "urn:x-twind:def:tilematrixset:CGCS2000Quad",
		CRS:         "http://www.opengis.net/def/crs/EPSG/0/4490",
		OrderedAxes: []string{"Lat", "Lon"},
		Matrices:    matrices(Geographic, tileSize, 360, metresPerDegree, [2]float64{90, -180}, 0),
		Grid:        Geographic,
	}
}

// metresPerDegree is the length of a degree of the equator.
const metresPerDegree = math.Pi * radius / 180

// WebMercatorQuadX2 is WebMercatorQuad with tiles of 512 pixels, for image tiles of
// that size. No register knows the set. The caller owns the result.
func WebMercatorQuadX2() *MatrixSet {
	s := WebMercatorQuad()
	s.ID, s.Title, s.WellKnownScaleSet = WebMercatorQuadX2ID, "Google Maps Compatible for the World, tiles of 512 pixels", ""
	s.URI = "urn:x-twind:def:tilematrixset:" + WebMercatorQuadX2ID
	s.Matrices = matrices(Mercator, 2*tileSize, 2*math.Pi*radius, 1, s.Matrices[0].PointOfOrigin, 0)
	return s
}

// matrices are the zooms of a grid with tiles of so many pixels. width is that of
// the world in units of the coordinate system, of metres each; ids are less than
// the zooms by less.
func matrices(g Grid, pixels uint32, width, metres float64, origin [2]float64, less int) []Matrix {
	list := make([]Matrix, 0, MaxZoom+1)
	for z := g.FirstZoom(); z <= MaxZoom; z++ {
		columns, rows := g.Size(z)
		cell := width / float64(pixels) / float64(columns)
		list = append(list, Matrix{
			ID:               strconv.Itoa(int(z) - less),
			ScaleDenominator: cut15(cell * metres / pixelSize),
			CellSize:         digits15(cell),
			CornerOfOrigin:   "topLeft",
			PointOfOrigin:    origin,
			TileWidth:        pixels, TileHeight: pixels,
			MatrixWidth: columns, MatrixHeight: rows,
		})
	}
	return list
}

// Zoom is the zoom of the grid that a tile matrix has; it reports false when the
// set has no matrix of that id.
func (s *MatrixSet) Zoom(matrix string) (uint8, bool) {
	for i := range s.Matrices {
		if s.Matrices[i].ID == matrix {
			return s.Grid.FirstZoom() + uint8(i), true
		}
	}
	return 0, false
}

// Matrix is the tile matrix of a zoom of the grid, which must have it.
func (s *MatrixSet) Matrix(z uint8) *Matrix { return &s.Matrices[z-s.Grid.FirstZoom()] }

// digits15 rounds to 15 significant decimal digits.
func digits15(v float64) float64 { return parse(strconv.FormatFloat(v, 'g', 15, 64)) }

// cut15 drops what follows the first 15 significant decimal digits of v > 0.
func cut15(v float64) float64 {
	s := strconv.FormatFloat(v, 'e', 16, 64) // d.ddddddddddddddddE±dd
	return parse(s[:len("d.dddddddddddddd")] + s[len("d.dddddddddddddddd"):])
}

// parse reads what FormatFloat wrote.
func parse(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// Limits are the tiles of one tile matrix that may hold data, borders included:
// TileMatrixLimits of 17-083r4 §7.2 and its JSON.
type Limits struct {
	Matrix string `json:"tileMatrix"`
	Z      uint8  `json:"-"` // of the grid
	Grid   Grid   `json:"-"`
	MinRow uint32 `json:"minTileRow"`
	MaxRow uint32 `json:"maxTileRow"`
	MinCol uint32 `json:"minTileCol"`
	MaxCol uint32 `json:"maxTileCol"`
}

// Limits are the tiles of zoom z of the grid whose boxes, grown as by ID.World
// with the same buffer and gridSize, meet an envelope in degrees of longitude and
// latitude; for an empty one all tiles, since nothing is known of where data will be.
func (s *MatrixSet) Limits(e spatial.Envelope, z uint8, buffer, gridSize int) Limits {
	columns, rows := s.Grid.Size(z)
	l := Limits{Matrix: s.Matrix(z).ID, Z: z, Grid: s.Grid, MaxRow: rows - 1, MaxCol: columns - 1}
	if e.IsEmpty() {
		return l
	}
	size := int64(1) << (32 - z)
	b := (size*int64(buffer) + int64(gridSize) - 1) / int64(gridSize)
	low, high := math.Round, math.Round // as world coordinates are
	if s.Grid == Geographic {
		low, high = math.Floor, math.Ceil // tiles are drawn of what was not rounded
	}
	index := func(plane float64, grow int64, n uint32) uint32 {
		v := max(0, min(int64(plane)+grow, WorldSize-1))
		return min(uint32(v/size), n-1)
	}
	west, north := s.Grid.at(e.MinX, e.MaxY)
	east, south := s.Grid.at(e.MaxX, e.MinY)
	l.MinRow, l.MaxRow = index(low(north), -b, rows), index(high(south), b, rows)
	l.MinCol, l.MaxCol = index(low(west), -b, columns), index(high(east), b, columns)
	return l
}

// Contains tells whether the tile lies within.
func (l Limits) Contains(t ID) bool {
	return t.Z == l.Z && t.Grid == l.Grid && l.MinRow <= t.Y && t.Y <= l.MaxRow && l.MinCol <= t.X && t.X <= l.MaxCol
}
