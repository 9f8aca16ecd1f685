package geopackage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"twind/internal/sqlite"
	"twind/spatial"
	"twind/spatial/wkb"
)

// The geometry blob (OGC 12-128r17 §2.1.3):
//
//	"GP" │ version u8 = 0 │ flags u8 │ srs_id i32 │ envelope f64 × 0, 4, 6 or 8 │ WKB
//
// flags: bit 0 little-endian header, bits 1–3 envelope (0 none, 1 XY, 2 XYZ,
// 3 XYM, 4 XYZM), bit 4 empty geometry, bit 5 extended type.
const (
	flagLittle   = 1 << 0
	flagEmpty    = 1 << 4
	flagExtended = 1 << 5
	headerBytes  = 8
)

// errBlob is wrapped by every error of decoding a geometry blob.
var errBlob = errors.New("geopackage: malformed geometry blob")

// appendBlob writes a geometry as GeoPackage stores it: with an XY envelope
// unless it is a point or empty. A null geometry is SQL NULL, not a blob.
func appendBlob(dst []byte, g spatial.Geometry, srs int32) []byte {
	env := g.Envelope()
	flags := byte(flagLittle)
	switch {
	case env.IsEmpty():
		flags |= flagEmpty
	case g.Type != spatial.Point:
		flags |= 1 << 1
	}
	dst = append(dst, 'G', 'P', 0, flags)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(srs))
	if flags&(7<<1) != 0 {
		for _, v := range [...]float64{env.MinX, env.MaxX, env.MinY, env.MaxY} {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
		}
	}
	return wkb.Append(dst, g)
}

// header is what stands before the WKB of a geometry blob.
type header struct {
	srs      int32
	empty    bool
	hasEnv   bool
	envelope spatial.Envelope // XY; only with hasEnv
	size     int              // bytes before the WKB
}

func parseHeader(b []byte) (h header, err error) {
	if len(b) < headerBytes || b[0] != 'G' || b[1] != 'P' {
		return h, fmt.Errorf("%w: it does not begin with \"GP\"", errBlob)
	}
	if b[2] != 0 {
		return h, fmt.Errorf("%w: version %d", errBlob, b[2])
	}
	flags := b[3]
	if flags&flagExtended != 0 {
		return h, fmt.Errorf("%w: an extended geometry type", errBlob)
	}
	order := binary.ByteOrder(binary.BigEndian)
	if flags&flagLittle != 0 {
		order = binary.LittleEndian
	}
	h.srs = int32(order.Uint32(b[4:]))
	h.empty = flags&flagEmpty != 0
	code := flags >> 1 & 7
	if code > 4 {
		return h, fmt.Errorf("%w: envelope code %d", errBlob, code)
	}
	h.size = headerBytes + [...]int{0, 32, 48, 48, 64}[code]
	if len(b) < h.size {
		return h, fmt.Errorf("%w: cut off in the header", errBlob)
	}
	if code != 0 && !h.empty {
		f := func(i int) float64 { return math.Float64frombits(order.Uint64(b[headerBytes+8*i:])) }
		h.envelope = spatial.Envelope{MinX: f(0), MaxX: f(1), MinY: f(2), MaxY: f(3)}
		h.hasEnv = !h.envelope.IsEmpty()
	}
	return h, nil
}

// decodeBlob reads a geometry blob into g, whose slices it overwrites and
// reuses; nil is the null geometry.
func decodeBlob(b []byte, g *spatial.Geometry) error {
	if b == nil {
		*g = spatial.Geometry{}
		return nil
	}
	h, err := parseHeader(b)
	if err != nil {
		return err
	}
	if _, err := wkb.Decode(b[h.size:], g); err != nil {
		return fmt.Errorf("%w: %w", errBlob, err)
	}
	return nil
}

// blobEnvelope is the XY envelope of a blob: of its header, else of its
// vertices; empty for NULL, an empty geometry or a malformed blob.
func blobEnvelope(b []byte) spatial.Envelope {
	h, err := parseHeader(b)
	switch {
	case err != nil || h.empty:
		return spatial.EmptyEnvelope()
	case h.hasEnv:
		return h.envelope
	}
	if p := b[h.size:]; len(p) >= 21 && p[0] == 1 && (p[1] == 1 || p[1] == 0xe9 && p[2] == 3) {
		// A point: by far the most frequent blob without an envelope.
		x := math.Float64frombits(binary.LittleEndian.Uint64(p[5:]))
		y := math.Float64frombits(binary.LittleEndian.Uint64(p[13:]))
		if x == x && y == y {
			return spatial.Envelope{MinX: x, MinY: y, MaxX: x, MaxY: y}
		}
		return spatial.EmptyEnvelope()
	}
	var g spatial.Geometry
	if decodeBlob(b, &g) != nil {
		return spatial.EmptyEnvelope()
	}
	return g.Envelope()
}

// registerST gives a connection the functions that the R-tree triggers of the
// standard call (OGC 12-128r17 §F.3): ST_MinX, ST_MaxX, ST_MinY, ST_MaxY and
// ST_IsEmpty of a geometry blob; NULL for NULL and what is not a blob.
func registerST(c *sqlite.Conn) error {
	for name, of := range map[string]func(spatial.Envelope) float64{
		"ST_MinX": func(e spatial.Envelope) float64 { return e.MinX },
		"ST_MaxX": func(e spatial.Envelope) float64 { return e.MaxX },
		"ST_MinY": func(e spatial.Envelope) float64 { return e.MinY },
		"ST_MaxY": func(e spatial.Envelope) float64 { return e.MaxY },
	} {
		err := c.Function(name, 1, func(ctx sqlite.Context, arg ...sqlite.Value) {
			if arg[0].Type() != sqlite.Blob {
				return
			}
			if e := blobEnvelope(arg[0].RawBlob()); !e.IsEmpty() {
				ctx.ResultFloat(of(e))
			}
		})
		if err != nil {
			return err
		}
	}
	return c.Function("ST_IsEmpty", 1, func(ctx sqlite.Context, arg ...sqlite.Value) {
		if arg[0].Type() == sqlite.Blob {
			ctx.ResultBool(blobEnvelope(arg[0].RawBlob()).IsEmpty())
		}
	})
}
