package server

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strconv"

	"twind/realtime"
)

// Media types of the formats of /live/history.
var historyTypes = map[string]string{
	"geojson": "application/geo+json",
	"ndjson":  "application/x-ndjson",
	"csv":     "text/csv; charset=utf-8",
	"json":    "application/json",
}

// writeHistory writes a page in the format asked for. Where the format has no
// place for it, the next page is in the header Link.
func (s *Server) writeHistory(w http.ResponseWriter, r *http.Request, q *historyQuery, p *historyPage) error {
	next := p.address(s, r)
	h := w.Header()
	h.Set("Content-Type", historyTypes[q.format])
	h.Set("Cache-Control", "no-store")
	if next != "" {
		h.Set("Link", "<"+next+`>; rel="next"`)
	}
	if r.Method == http.MethodHead {
		return nil
	}
	out := historyWriter{w: bufio.NewWriterSize(w, 64<<10), q: q, p: p}
	switch {
	case q.format == "csv":
		out.csv()
	case q.format == "ndjson":
		out.ndjson()
	case p.track:
		out.lineString(next)
	default:
		out.collection(next)
	}
	return out.w.Flush()
}

// historyWriter writes one page.
type historyWriter struct {
	w   *bufio.Writer
	q   *historyQuery
	p   *historyPage
	buf []byte
}

func (o *historyWriter) put(s string) { _, _ = o.w.WriteString(s) } // Flush tells the error

func (o *historyWriter) text(v string) {
	b, _ := json.Marshal(v) // never fails
	_, _ = o.w.Write(b)
}

// column writes an array with a value for each row.
func (o *historyWriter) column(name string, value func(dst []byte, b *realtime.Believed) []byte) {
	o.put(`,"` + name + `":[`)
	for i := range o.p.rows {
		if i > 0 {
			o.put(",")
		}
		o.buf = value(o.buf[:0], &o.p.rows[i])
		_, _ = o.w.Write(o.buf)
	}
	o.put("]")
}

func (o *historyWriter) links(next string) {
	if next != "" {
		o.put(`,"links":[{"rel":"next","type":"application/geo+json","href":`)
		o.text(next)
		o.put(`}]`)
	}
}

// lineString writes a track: a Feature whose properties have a column for each
// of times, received, courses, speeds and flags, one value a position.
func (o *historyWriter) lineString(next string) {
	o.put(`{"type":"Feature","id":`)
	o.text(o.q.id)
	o.put(`,"geometry":`)
	o.lineGeometry()
	o.put(`,"properties":{"layer":`)
	o.text(string(o.q.layer))
	o.put(`,"id":`)
	o.text(o.q.id)
	o.column("times", func(dst []byte, b *realtime.Believed) []byte { return quoted(dst, b.Time) })
	o.column("received", func(dst []byte, b *realtime.Believed) []byte { return quoted(dst, b.Received) })
	o.column("courses", func(dst []byte, b *realtime.Believed) []byte { return appendNumber(dst, b.Course) })
	o.column("speeds", func(dst []byte, b *realtime.Believed) []byte { return appendNumber(dst, b.Speed) })
	o.column("flags", func(dst []byte, b *realtime.Believed) []byte { return strconv.AppendUint(dst, uint64(b.Flags), 10) })
	o.put("}")
	o.links(next)
	o.put("}\n")
}

func quoted(dst []byte, ms int64) []byte {
	return append(appendStamp(append(dst, '"'), ms), '"')
}

// lineGeometry is null without a position, and a Point of a single one.
func (o *historyWriter) lineGeometry() {
	rows := o.p.rows
	switch len(rows) {
	case 0:
		o.put("null")
	case 1:
		o.put(`{"type":"Point","coordinates":`)
		o.place(&rows[0], rows[0].Z == rows[0].Z)
		o.put("}")
	default:
		heights := true // all or none: the places of a line have one number of coordinates
		for i := range rows {
			heights = heights && rows[i].Z == rows[i].Z
		}
		o.put(`{"type":"LineString","coordinates":[`)
		for i := range rows {
			if i > 0 {
				o.put(",")
			}
			o.place(&rows[i], heights)
		}
		o.put("]}")
	}
}

func (o *historyWriter) place(b *realtime.Believed, height bool) {
	o.buf = append(o.buf[:0], '[')
	o.buf = append(appendNumber(o.buf, b.Lon), ',')
	o.buf = appendNumber(o.buf, b.Lat)
	if height {
		o.buf = appendNumber(append(o.buf, ','), b.Z)
	}
	_, _ = o.w.Write(append(o.buf, ']'))
}

// collection writes the entities of a box as a FeatureCollection of points.
func (o *historyWriter) collection(next string) {
	o.put(`{"type":"FeatureCollection","numberReturned":` + strconv.Itoa(len(o.p.rows)) + `,"features":[`)
	for i := range o.p.rows {
		b := &o.p.rows[i]
		if i > 0 {
			o.put(",\n")
		}
		o.put(`{"type":"Feature","id":`)
		o.text(b.ID)
		o.put(`,"geometry":{"type":"Point","coordinates":`)
		o.place(b, b.Z == b.Z)
		o.put(`},"properties":{`)
		o.members(i)
		o.put("}}")
	}
	o.put("]")
	o.links(next)
	o.put("}\n")
}

// members writes what is known of row i beside its place.
func (o *historyWriter) members(i int) {
	b := &o.p.rows[i]
	o.buf = quoted(append(o.buf[:0], `"time":`...), b.Time)
	o.buf = quoted(append(o.buf, `,"received":`...), b.Received)
	o.buf = appendNumber(append(o.buf, `,"course":`...), b.Course)
	o.buf = appendNumber(append(o.buf, `,"speed":`...), b.Speed)
	o.buf = strconv.AppendUint(append(o.buf, `,"flags":`...), uint64(b.Flags), 10)
	if o.p.states != nil {
		o.buf = append(append(append(o.buf, `,"state":"`...), o.p.states[i].String()...), '"')
	}
	if o.p.stays != nil {
		v := o.p.stays[i]
		o.buf = quoted(append(o.buf, `,"first":`...), v.first)
		o.buf = quoted(append(o.buf, `,"last":`...), v.last)
		o.buf = strconv.AppendInt(append(o.buf, `,"positions":`...), int64(v.positions), 10)
	}
	if len(b.Properties) > 0 {
		o.buf = append(append(o.buf, `,"properties":`...), b.Properties...)
	}
	_, _ = o.w.Write(o.buf)
}

// ndjson writes one position a line, as POST /live/positions and twind replay
// take it: what is known beside it is in the other formats.
func (o *historyWriter) ndjson() {
	for i := range o.p.rows {
		b := &o.p.rows[i]
		o.put(`{"layer":"` + string(o.q.layer) + `","id":`)
		o.text(b.ID)
		dst := quoted(append(o.buf[:0], `,"time":`...), b.Time)
		for _, m := range [...]struct {
			name  string
			value float64
		}{{`,"lon":`, b.Lon}, {`,"lat":`, b.Lat}, {`,"z":`, b.Z}, {`,"course":`, b.Course}, {`,"speed":`, b.Speed}} {
			if m.value == m.value {
				dst = appendNumber(append(dst, m.name...), m.value)
			}
		}
		if len(b.Properties) > 0 {
			dst = append(append(dst, `,"properties":`...), b.Properties...)
		}
		o.buf = append(dst, '}', '\n')
		_, _ = o.w.Write(o.buf)
	}
}

// csv writes a line of names and one position a line.
func (o *historyWriter) csv() {
	o.put("layer,id,time,received,lon,lat,z,course,speed,flags")
	if o.p.states != nil {
		o.put(",state")
	}
	if o.p.stays != nil {
		o.put(",first,last,positions")
	}
	o.put(",properties\r\n")
	for i := range o.p.rows {
		o.csvRow(i)
	}
}

func (o *historyWriter) csvRow(i int) {
	b := &o.p.rows[i]
	dst := append(o.buf[:0], o.q.layer...)
	dst = appendField(append(dst, ','), b.ID)
	dst = appendStamp(append(dst, ','), b.Time)
	dst = appendStamp(append(dst, ','), b.Received)
	for _, v := range [...]float64{b.Lon, b.Lat, b.Z, b.Course, b.Speed} {
		if dst = append(dst, ','); v == v {
			dst = appendNumber(dst, v)
		}
	}
	dst = strconv.AppendUint(append(dst, ','), uint64(b.Flags), 10)
	if o.p.states != nil {
		dst = append(append(dst, ','), o.p.states[i].String()...)
	}
	if o.p.stays != nil {
		v := o.p.stays[i]
		dst = appendStamp(append(dst, ','), v.first)
		dst = appendStamp(append(dst, ','), v.last)
		dst = strconv.AppendInt(append(dst, ','), int64(v.positions), 10)
	}
	dst = appendField(append(dst, ','), string(b.Properties))
	o.buf = append(dst, '\r', '\n')
	_, _ = o.w.Write(o.buf)
}

// appendField writes a field of CSV (RFC 4180).
func appendField(dst []byte, s string) []byte {
	plain := true
	for i := range len(s) {
		switch s[i] {
		case '"', ',', '\r', '\n', ' ':
			plain = false
		}
	}
	if plain {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
