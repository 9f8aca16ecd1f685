package realtime

import (
	"twind/layers"
	"twind/spatial/tile"
)

// Codec turns frames into the bytes of one wire format. Each method appends one
// whole frame to dst and keeps nothing it was given. The hub calls a codec from
// one goroutine at a time.
type Codec interface {
	AppendSync(dst []byte, s *Sync) []byte
	AppendEntities(dst []byte, e *Entities) []byte
	AppendCells(dst []byte, c *Cells) []byte
}

// Head is what every frame begins with.
type Head struct {
	Epoch    uint64 // of the hub: changes when the server starts; sequences of two epochs do not compare
	Sequence uint64 // the tick up to which the frame tells the state
	Time     int64  // ms since 1970, the server's clock at that tick
	Layer    layers.ID
	Replay   bool // of a recording: Time is that of the replay
}

// Mode says how a viewer sees a layer.
type Mode uint8

// The modes.
const (
	ModeEntities Mode = iota // each entity, in tiles of zoom GridZoom
	ModeCells                // counts per cell, because the viewport holds more than the viewer's MaxEntities
)

// Sync precedes the frames of a layer in a message, and says so alone at least
// once a second when nothing changed. The viewer then holds exactly the
// entities (or cells) of the tiles in Window: it forgets all others, and
// everything of the layer first when Reset.
type Sync struct {
	Head
	Reset                bool
	Mode                 Mode
	Window               Window
	View                 uint32 // names filter and rights; a viewer that resumes gives it back
	Newest               int64  // ms since 1970, when the newest position of the view came; 0 none
	Live, Stale, Offline uint32 // entities of the view, everywhere
	Classes              []string
}

// Entities is one tile's state, or what changed in it. All columns have one row
// an entity.
type Entities struct {
	Head
	Base       uint64    // what changed after this sequence; 0: a keyframe, all there is
	Tile       tile.ID   // zoom GridZoom
	Slot       []uint32  // names the entity in its layer as long as it stays
	X, Y       []float32 // fraction of the tile's width from its north-west corner, east and south
	Z          []float32 // metres, NaN absent
	Course     []float32 // degrees clockwise from north, NaN absent
	Speed      []float32 // m/s, NaN absent
	Age        []int32   // ms, Head.Time − time of the position, clamped
	State      []State
	Class      []uint8 // index in the layer's Sync.Classes; NoClass without
	Flags      []Flag
	Lon, Lat   []float64 // degrees, as given
	ID         []string  // in the binary format of Named rows only, else empty
	Named      []uint32  // rows whose id and properties are new to a viewer of the tile, ascending
	Properties [][]byte  // one of each Named: a JSON object
	Left       []uint32  // slots that left the tile since Base and did not return
	LeftID     []string  // their ids
}

// NoClass is the class of an entity without one, or with one beyond the 255 that a layer can tell apart.
const NoClass = 255

// Cells is one aggregate tile's counts, or those that changed: one row a cell.
type Cells struct {
	Head
	Base                 uint64    // as in Entities
	Tile                 tile.ID   // of the cells' zoom less CellBits
	Cell                 []uint16  // row-major number in the tile, from the north-west, CellsAcross in a row
	X, Y                 []float32 // mean place of the cell's entities, fraction of the tile's width
	Live, Stale, Offline []uint32  // all 0: the cell is empty now
}

// The grids.
const (
	GridZoom    = 14 // zoom of the tiles that entities are sent in
	CellBits    = 5  // an aggregate tile is CellsAcross × CellsAcross cells
	CellsAcross = 1 << CellBits
	minCellZoom = CellBits
	maxCellZoom = GridZoom + maxSubBits
	maxSubBits  = 4
	// entityZoom is the zoom of the map from which viewers get entities, however many.
	entityZoom = 16
)
