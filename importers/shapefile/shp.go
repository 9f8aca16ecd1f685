package shapefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"twind/layers"
	"twind/spatial"
)

const fileCode = 9994

// Shape types (J-7855, p. 4).
const (
	nullShape   = 0
	point       = 1
	polyLine    = 3
	polygon     = 5
	multiPoint  = 8
	pointZ      = 11
	polyLineZ   = 13
	polygonZ    = 15
	multiPointZ = 18
	pointM      = 21
	polyLineM   = 23
	polygonM    = 25
	multiPointM = 28
	multiPatch  = 31
)

// shapes reads the records of a .shp, by its .shx where there is one.
//
//	.shp  header 100 │ number i32 BE │ length i32 BE, 16-bit words │ type i32 LE │ …
//	.shx  header 100 │ offset i32 BE, words │ length i32 BE, words │ …
type shapes struct {
	s        *source
	size     int64 // of the file
	end      int64 // of the records
	extent   spatial.Envelope
	kind     int32 // that the header declares
	index    *window
	count    int64 // by the .shx; −1 without it
	at       int64 // records read
	pos      int64 // of the next record, without a .shx
	data     *window
	read     int64 // the furthest byte read
	measured bool  // the last shape had measures
	orphans  int64 // holes of the last shape without a shell
	rings    []ring
}

// window is a view of a file that moves forward.
type window struct {
	r    io.ReaderAt
	size int64
	buf  []byte
	off  int64
}

// bytes are n bytes at off, valid until the next call.
func (w *window) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > w.size || n > w.size-off {
		return nil, io.ErrUnexpectedEOF
	}
	if off >= w.off && off+n <= w.off+int64(len(w.buf)) {
		return w.buf[off-w.off : off-w.off+n], nil
	}
	want := min(max(n, 512<<10), w.size-off)
	if int64(cap(w.buf)) < want {
		w.buf = make([]byte, want)
	}
	w.buf = w.buf[:want]
	m, err := w.r.ReadAt(w.buf, off)
	w.off = off
	w.buf = w.buf[:m]
	if int64(m) < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return w.buf[:n], nil
}

func openShapes(s *source, shp, shx part) (*shapes, error) {
	p := &shapes{s: s, size: shp.size, count: -1, pos: 100, data: &window{r: shp, size: shp.size}}
	return p, p.open(shx)
}

func (p *shapes) open(shx part) error {
	h, err := p.data.bytes(0, 100)
	if err != nil {
		return p.s.fail("it is %d bytes long, and a .shp begins with a header of 100", p.size)
	}
	if code := binary.BigEndian.Uint32(h); code != fileCode {
		return p.s.fail("it begins with file code %d, expected %d: it is no shapefile", code, fileCode)
	}
	if v := int32(binary.LittleEndian.Uint32(h[28:])); v != 1000 {
		return p.s.fail("its version is %d, expected 1000", v)
	}
	p.kind = int32(binary.LittleEndian.Uint32(h[32:]))
	if !knownShape(p.kind) {
		return p.s.fail("its shape type %d is unknown", p.kind)
	}
	var box [4]float64
	for i := range box {
		box[i] = math.Float64frombits(binary.LittleEndian.Uint64(h[36+8*i:]))
	}
	p.extent = spatial.Envelope{MinX: box[0], MinY: box[1], MaxX: box[2], MaxY: box[3]}
	if p.extent.IsEmpty() || math.IsInf(box[0]+box[1]+box[2]+box[3], 0) {
		p.extent = spatial.EmptyEnvelope()
	}
	said := int64(binary.BigEndian.Uint32(h[24:])) * 2
	switch {
	case said > p.size:
		return p.s.fail("its header says that it is %d bytes long, and it is %d: it is cut off; get it again in full", said, p.size)
	case said <= 100 && p.size > 100: // a writer that never finished its header
		p.s.info.Warnings = append(p.s.info.Warnings, fmt.Sprintf("the header of the .shp says that it is %d bytes long; all %d were read", said, p.size))
		p.end = p.size
	default:
		if said < p.size {
			p.s.info.Warnings = append(p.s.info.Warnings, fmt.Sprintf("%d bytes after the end of the .shp, as its header has it, were not read", p.size-said))
		}
		p.end = said
	}
	if shx.ReaderAt != nil {
		p.openIndex(shx)
	}
	return nil
}

// openIndex uses the .shx if it is sound.
func (p *shapes) openIndex(shx part) {
	w := &window{r: shx, size: shx.size}
	h, err := w.bytes(0, 100)
	if err != nil || binary.BigEndian.Uint32(h) != fileCode || int64(binary.BigEndian.Uint32(h[24:]))*2 != shx.size || (shx.size-100)%8 != 0 {
		p.s.info.Warnings = append(p.s.info.Warnings, "its .shx is damaged and was not used; the .shp was read from front to back")
		return
	}
	p.index, p.count = w, (shx.size-100)/8
}

// next is the content of the next record, valid until the next call. A fault is
// one of this record alone.
func (p *shapes) next() (content []byte, fault string, err error) {
	if p.index == nil {
		return p.nextInOrder()
	}
	if p.at >= p.count {
		return nil, "", io.EOF
	}
	n := p.at
	p.at++
	e, err := p.index.bytes(100+8*n, 8)
	if err != nil {
		return nil, "", p.s.fail("its .shx cannot be read: %w", err)
	}
	off, length := int64(binary.BigEndian.Uint32(e))*2, int64(binary.BigEndian.Uint32(e[4:]))*2
	if off < 100 || off+8+length > p.size {
		return nil, fmt.Sprintf("the .shx places it at byte %d to %d of a .shp of %d bytes; without the .shx the .shp is read from front to back", off, off+8+length, p.size), nil
	}
	h, err := p.data.bytes(off, 8)
	if err != nil {
		return nil, "", p.s.fail("it cannot be read: %w", err)
	}
	if own := int64(binary.BigEndian.Uint32(h[4:])) * 2; own != length {
		return nil, fmt.Sprintf("it is %d bytes long by the .shp and %d by the .shx; without the .shx the .shp is read from front to back", own, length), nil
	}
	if length > layers.MaxFeatureBytes {
		return nil, fmt.Sprintf("it is %d MB long; at most %d MB are read", length>>20, layers.MaxFeatureBytes>>20), nil
	}
	content, err = p.data.bytes(off+8, length)
	if err != nil {
		return nil, "", p.s.fail("it cannot be read: %w", err)
	}
	p.read = max(p.read, off+8+length)
	return content, "", nil
}

func (p *shapes) nextInOrder() (content []byte, fault string, err error) {
	if p.pos == p.end {
		return nil, "", io.EOF
	}
	n := p.at + 1
	if p.end-p.pos < 8 {
		return nil, "", p.s.fail("it is cut off in the header of record %d; get it again in full", n)
	}
	h, err := p.data.bytes(p.pos, 8)
	if err != nil {
		return nil, "", p.s.fail("it cannot be read: %w", err)
	}
	length := int64(binary.BigEndian.Uint32(h[4:])) * 2
	if length > p.end-p.pos-8 {
		return nil, "", p.s.fail("record %d says that it is %d bytes long, and %d are left: the file is cut off or damaged", n, length, p.end-p.pos-8)
	}
	p.at++
	off := p.pos + 8
	p.pos = off + length
	p.read = p.pos
	if length > layers.MaxFeatureBytes {
		return nil, fmt.Sprintf("it is %d MB long; at most %d MB are read", length>>20, layers.MaxFeatureBytes>>20), nil
	}
	if content, err = p.data.bytes(off, length); err != nil {
		return nil, "", p.s.fail("it cannot be read: %w", err)
	}
	return content, "", nil
}

func knownShape(t int32) bool {
	switch t {
	case nullShape, point, polyLine, polygon, multiPoint, pointZ, polyLineZ, polygonZ, multiPointZ, pointM, polyLineM, polygonM, multiPointM, multiPatch:
		return true
	}
	return false
}

func f64(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

// decode makes a geometry of a record's content, keeping g's memory; it returns
// what is wrong with it, or "".
func (p *shapes) decode(b []byte, g *spatial.Geometry) string {
	p.measured, p.orphans = false, 0
	*g = spatial.Geometry{XY: g.XY[:0], Z: g.Z[:0], Ends: g.Ends[:0], Parts: g.Parts[:0]}
	fault := p.shape(b, g)
	if len(g.XY) == 0 {
		*g = spatial.Geometry{} // a null shape, or one without points
	}
	if len(g.Z) == 0 {
		g.Z = nil
	}
	if len(g.Ends) == 0 {
		g.Ends = nil
	}
	if len(g.Parts) == 0 {
		g.Parts = nil
	}
	return fault
}

func (p *shapes) shape(b []byte, g *spatial.Geometry) string {
	if len(b) < 4 {
		return fmt.Sprintf("it is %d bytes long, too short for a shape", len(b))
	}
	t := int32(binary.LittleEndian.Uint32(b))
	if t != nullShape && t != p.kind {
		if !knownShape(t) {
			return fmt.Sprintf("its shape type %d is unknown", t)
		}
	}
	b = b[4:]
	switch t {
	case nullShape:
		return ""
	case point, pointZ, pointM:
		need := 16
		if t != point {
			need = 24
		}
		if len(b) < need {
			return fmt.Sprintf("it is a point of %d bytes, expected %d", len(b)+4, need+4)
		}
		g.Type = spatial.Point
		g.XY = append(g.XY, f64(b), f64(b[8:]))
		if t == pointZ {
			g.Z = append(g.Z, f64(b[16:]))
		}
		p.measured = t == pointM
		return ""
	case multiPoint, multiPointZ, multiPointM:
		if len(b) < 36 {
			return fmt.Sprintf("it is a multipoint of %d bytes, too short", len(b)+4)
		}
		n := int64(int32(binary.LittleEndian.Uint32(b[32:])))
		if n < 0 || 36+16*n > int64(len(b)) {
			return fmt.Sprintf("it says that it has %d points, and is %d bytes long", n, len(b)+4)
		}
		g.Type = spatial.MultiPoint
		return p.points(b[36:], n, t == multiPointZ, t == multiPointM, g)
	case multiPatch:
		return p.patches(b, g)
	}
	return p.paths(t, b, g)
}

// points appends n positions, and the heights after them.
func (p *shapes) points(b []byte, n int64, z, m bool, g *spatial.Geometry) string {
	for i := int64(0); i < n; i++ {
		g.XY = append(g.XY, f64(b[16*i:]), f64(b[16*i+8:]))
	}
	p.measured = m
	if !z {
		return ""
	}
	b = b[16*n:]
	if int64(len(b)) < 16+8*n {
		return fmt.Sprintf("its %d heights do not fit in what is left of it (%d bytes)", n, len(b))
	}
	for i := int64(0); i < n; i++ {
		g.Z = append(g.Z, f64(b[16+8*i:]))
	}
	p.measured = int64(len(b)) >= 32+16*n && anyMeasure(b[32+8*n:], n)
	return ""
}

// anyMeasure tells whether one of n measures is more than "no data" (below −10³⁸).
func anyMeasure(b []byte, n int64) bool {
	for i := int64(0); i < n; i++ {
		if v := f64(b[8*i:]); v > -1e38 && v != 0 {
			return true
		}
	}
	return false
}

// parts reads the head of a polyline, polygon or multipatch: box, counts and the
// first point of each part. extra is the size of further data for each part.
func (p *shapes) parts(b []byte, extra int64, g *spatial.Geometry) (n int64, rest []byte, fault string) {
	if len(b) < 40 {
		return 0, nil, fmt.Sprintf("it is %d bytes long, too short for a line or polygon", len(b)+4)
	}
	parts, n := int64(int32(binary.LittleEndian.Uint32(b[32:]))), int64(int32(binary.LittleEndian.Uint32(b[36:])))
	if parts < 0 || n < 0 || 40+(4+extra)*parts+16*n > int64(len(b)) {
		return 0, nil, fmt.Sprintf("it says that it has %d parts and %d points, and is %d bytes long", parts, n, len(b)+4)
	}
	if parts == 0 || n == 0 {
		if parts != 0 || n != 0 {
			return 0, nil, fmt.Sprintf("it has %d parts and %d points", parts, n)
		}
		return 0, nil, ""
	}
	for i := int64(0); i < parts; i++ {
		start := int64(int32(binary.LittleEndian.Uint32(b[40+4*i:])))
		last := int64(0)
		if i > 0 {
			last = int64(g.Ends[len(g.Ends)-1])
		}
		if i == 0 && start != 0 || i > 0 && start <= last || start >= n {
			return 0, nil, fmt.Sprintf("part %d begins at point %d of %d, after one that begins at %d", i, start, n, last)
		}
		g.Ends = append(g.Ends, int32(start))
	}
	// From where parts begin to where they end.
	copy(g.Ends, g.Ends[1:])
	g.Ends[len(g.Ends)-1] = int32(n)
	return n, b[40+4*parts:], ""
}

func (p *shapes) paths(t int32, b []byte, g *spatial.Geometry) string {
	n, rest, fault := p.parts(b, 0, g)
	if fault != "" || n == 0 {
		g.Ends = g.Ends[:0]
		return fault
	}
	if fault := p.points(rest, n, t == polyLineZ || t == polygonZ, t == polyLineM || t == polygonM, g); fault != "" {
		return fault
	}
	switch t {
	case polyLine, polyLineZ, polyLineM:
		g.Type = spatial.LineString
		if len(g.Ends) > 1 {
			g.Type = spatial.MultiLineString
		}
	default:
		p.assemble(g)
	}
	return ""
}
