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
	Matrices          []Matrix `json:"tileMatrices"`                // by zoom, from 0
}

// Matrix is one tile matrix of a set.
type Matrix struct {
	ID               string     `json:"id"`               // the zoom in decimal
	ScaleDenominator float64    `json:"scaleDenominator"` // at pixels of 0.28 mm
	CellSize         float64    `json:"cellSize"`         // width of a pixel in units of the CRS
	CornerOfOrigin   string     `json:"cornerOfOrigin"`   // "topLeft": rows count southwards
	PointOfOrigin    [2]float64 `json:"pointOfOrigin"`    // that corner in the CRS, in its order of axes
	TileWidth        uint32     `json:"tileWidth"`        // pixels
	TileHeight       uint32     `json:"tileHeight"`       // pixels
	MatrixWidth      uint32     `json:"matrixWidth"`      // tiles
	MatrixHeight     uint32     `json:"matrixHeight"`     // tiles
}

// WebMercatorQuadID names the set that ID counts in.
const WebMercatorQuadID = "WebMercatorQuad"

// WebMercatorQuad is the registered set of that name (17-083r4 Annex D.1), zooms
// 0 to MaxZoom, with its numbers to 15 digits as the register gives them:
// denominators cut off there, the others rounded. The caller owns the result.
func WebMercatorQuad() *MatrixSet {
	const (
		radius    = 6378137.0 // metres, the sphere of EPSG:3857
		tileSize  = 256       // pixels
		pixelSize = 0.00028   // metres, the standardized rendering pixel
	)
	s := &MatrixSet{
		ID:                WebMercatorQuadID,
		Title:             "Google Maps Compatible for the World",
		URI:               "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
		CRS:               "http://www.opengis.net/def/crs/EPSG/0/3857",
		OrderedAxes:       []string{"X", "Y"},
		WellKnownScaleSet: "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
		Matrices:          make([]Matrix, MaxZoom+1),
	}
	for z := range s.Matrices {
		n := uint32(1) << z
		cell := 2 * math.Pi * radius / tileSize / float64(n)
		s.Matrices[z] = Matrix{
			ID:               strconv.Itoa(z),
			ScaleDenominator: cut15(cell / pixelSize),
			CellSize:         digits15(cell),
			CornerOfOrigin:   "topLeft",
			PointOfOrigin:    [2]float64{digits15(-math.Pi * radius), digits15(math.Pi * radius)},
			TileWidth:        tileSize, TileHeight: tileSize,
			MatrixWidth: n, MatrixHeight: n,
		}
	}
	return s
}

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
	Z      uint8  `json:"tileMatrix,string"`
	MinRow uint32 `json:"minTileRow"`
	MaxRow uint32 `json:"maxTileRow"`
	MinCol uint32 `json:"minTileCol"`
	MaxCol uint32 `json:"maxTileCol"`
}

// LimitsOf are the tiles of zoom z whose boxes, grown as by ID.World with the
// same buffer and gridSize, meet an envelope in degrees of longitude and latitude;
// for an empty one all tiles, since nothing is known of where data will be.
func LimitsOf(e spatial.Envelope, z uint8, buffer, gridSize int) Limits {
	last := uint32(1)<<z - 1
	if e.IsEmpty() {
		return Limits{z, 0, last, 0, last}
	}
	size := int64(1) << (32 - z)
	b := (size*int64(buffer) + int64(gridSize) - 1) / int64(gridSize)
	index := func(world int64) uint32 {
		return uint32(max(0, min(world, WorldSize-1)) / size)
	}
	west, north := WorldOf(e.MinX, e.MaxY)
	east, south := WorldOf(e.MaxX, e.MinY)
	return Limits{z, index(int64(north) - b), index(int64(south) + b), index(int64(west) - b), index(int64(east) + b)}
}

// Union is the smallest range around both, which are of one zoom.
func (l Limits) Union(o Limits) Limits {
	return Limits{l.Z, min(l.MinRow, o.MinRow), max(l.MaxRow, o.MaxRow), min(l.MinCol, o.MinCol), max(l.MaxCol, o.MaxCol)}
}

// Contains tells whether the tile lies within.
func (l Limits) Contains(t ID) bool {
	return t.Z == l.Z && l.MinRow <= t.Y && t.Y <= l.MaxRow && l.MinCol <= t.X && t.X <= l.MaxCol
}
