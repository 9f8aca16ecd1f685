package server

import (
	"bufio"
	"net/http"
	"strconv"

	"twind/layers/geojson"
	"twind/realtime"
	"twind/realtime/history"
)

// readingsPage is one answer about readings: rows, or intervals.
type readingsPage struct {
	q         *readingsQuery
	rows      []realtime.Observation
	intervals []history.Interval
	next      string // address of the next page
}

// readingsWriter writes one page.
type readingsWriter struct {
	w *bufio.Writer
	p *readingsPage
	b []byte // of one row
}

func (s *Server) writeReadings(w http.ResponseWriter, r *http.Request, p *readingsPage, err error) error {
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", historyTypes[p.q.format])
	h.Set("Cache-Control", "no-store")
	if p.next != "" {
		h.Set("Link", "<"+p.next+`>; rel="next"`)
	}
	if r.Method == http.MethodHead {
		return nil
	}
	out := readingsWriter{w: bufio.NewWriterSize(w, 64<<10), p: p}
	switch {
	case p.q.format == "json":
		out.document()
	case p.q.every > 0 && p.q.format == "csv":
		out.intervalsCSV()
	case p.q.format == "csv":
		out.rowsCSV()
	default:
		out.lines()
	}
	return out.w.Flush()
}

func (o *readingsWriter) flush(b []byte) {
	_, _ = o.w.Write(b) // Flush tells the error
	o.b = b[:0]
}

func appendText(dst []byte, s string) []byte { return geojson.AppendString(dst, s) }

// document writes an object with the members of the question, and the rows as
// observations, or the intervals as intervals.
func (o *readingsWriter) document() {
	q := o.p.q
	b := append(o.b, '{')
	if q.series.Datastream != "" {
		b = appendText(append(b, `"datastream":`...), q.series.Datastream)
	} else {
		b = appendText(append(b, `"layer":`...), string(q.series.Layer))
		b = appendText(append(b, `,"feature":`...), q.series.Feature)
		b = appendText(append(b, `,"property":`...), q.series.Property)
	}
	b = quoted(append(b, `,"start":`...), q.from)
	b = quoted(append(b, `,"end":`...), q.to)
	if q.every > 0 {
		b = strconv.AppendFloat(append(b, `,"every":`...), q.every.Seconds(), 'f', -1, 64)
		b = append(b, `,"intervals":[`...)
	} else {
		b = append(b, `,"observations":[`...)
	}
	o.flush(b)
	o.members(",\n")
	b = append(o.b, ']')
	if o.p.next != "" {
		b = appendText(append(b, `,"links":[{"rel":"next","type":"application/json","href":`...), o.p.next)
		b = append(b, `}]`...)
	}
	o.flush(append(b, "}\n"...))
}

// members writes each row or interval as an object.
func (o *readingsWriter) members(between string) {
	for i := range o.p.intervals {
		if i > 0 {
			_, _ = o.w.WriteString(between)
		}
		o.flush(appendInterval(o.b, &o.p.intervals[i]))
	}
	for i := range o.p.rows {
		if i > 0 {
			_, _ = o.w.WriteString(between)
		}
		o.flush(o.appendRow(&o.p.rows[i]))
	}
}

func appendInterval(b []byte, i *history.Interval) []byte {
	b = quoted(append(b, `{"time":`...), i.Time)
	b = strconv.AppendInt(append(b, `,"count":`...), int64(i.Count), 10)
	b = appendNumber(append(b, `,"min":`...), i.Min)
	b = appendNumber(append(b, `,"mean":`...), i.Mean)
	b = appendNumber(append(b, `,"max":`...), i.Max)
	return append(b, '}')
}

// appendRow writes an observation; of a datastream asked for by its object its
// id is told too.
func (o *readingsWriter) appendRow(x *realtime.Observation) []byte {
	b := quoted(append(o.b, `{"time":`...), x.Time)
	b = x.AppendResult(append(b, `,"result":`...))
	if x.ResultTime != 0 {
		b = quoted(append(b, `,"resultTime":`...), x.ResultTime)
	}
	b = quoted(append(b, `,"received":`...), x.Received)
	b = strconv.AppendUint(append(b, `,"flags":`...), uint64(x.Flags), 10)
	if o.p.q.series.Datastream == "" {
		b = appendText(append(b, `,"datastream":`...), x.Datastream)
	} else if x.Layer != "" {
		b = appendText(append(b, `,"layer":`...), string(x.Layer))
		b = appendText(append(b, `,"feature":`...), x.Feature)
		b = appendText(append(b, `,"property":`...), x.Property)
	}
	if x.Parameters != "" {
		b = append(append(b, `,"parameters":`...), x.Parameters...)
	}
	return append(b, '}')
}

// lines writes one observation a line as POST /live/observations and twind
// replay take it, or one interval a line.
func (o *readingsWriter) lines() {
	for i := range o.p.intervals {
		o.flush(append(appendInterval(o.b, &o.p.intervals[i]), '\n'))
	}
	for i := range o.p.rows {
		x := &o.p.rows[i]
		b := append(o.b, '{')
		if x.Layer == "" {
			b = appendText(append(b, `"datastream":`...), x.Datastream)
		} else {
			b = appendText(append(b, `"layer":`...), string(x.Layer))
			b = appendText(append(b, `,"id":`...), x.Feature)
			b = appendText(append(b, `,"property":`...), x.Property)
		}
		b = quoted(append(b, `,"phenomenonTime":`...), x.Time)
		b = x.AppendResult(append(b, `,"result":`...))
		if x.ResultTime != 0 {
			b = quoted(append(b, `,"resultTime":`...), x.ResultTime)
		}
		if x.Parameters != "" {
			b = append(append(b, `,"parameters":`...), x.Parameters...)
		}
		o.flush(append(b, "}\n"...))
	}
}

func (o *readingsWriter) rowsCSV() {
	_, _ = o.w.WriteString("time,result,resultTime,received,flags,datastream,layer,feature,property,parameters\r\n")
	for i := range o.p.rows {
		x := &o.p.rows[i]
		b := append(appendStamp(o.b, x.Time), ',')
		if x.Type == realtime.ResultText {
			b = appendField(b, x.Text)
		} else {
			b = x.AppendResult(b)
		}
		if b = append(b, ','); x.ResultTime != 0 {
			b = appendStamp(b, x.ResultTime)
		}
		b = appendStamp(append(b, ','), x.Received)
		b = strconv.AppendUint(append(b, ','), uint64(x.Flags), 10)
		for _, text := range [...]string{x.Datastream, string(x.Layer), x.Feature, x.Property, x.Parameters} {
			b = appendField(append(b, ','), text)
		}
		o.flush(append(b, "\r\n"...))
	}
}

func (o *readingsWriter) intervalsCSV() {
	_, _ = o.w.WriteString("time,count,min,mean,max\r\n")
	for i := range o.p.intervals {
		x := &o.p.intervals[i]
		b := appendStamp(o.b, x.Time)
		b = strconv.AppendInt(append(b, ','), int64(x.Count), 10)
		for _, v := range [...]float64{x.Min, x.Mean, x.Max} {
			if b = append(b, ','); v == v {
				b = appendNumber(b, v)
			}
		}
		o.flush(append(b, "\r\n"...))
	}
}
