package sensorthings

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// maxAnswer is where an answer's page ends early, with a link to the next.
const maxAnswer = 25 << 20

// writer appends JSON. The store's lock is held while it is used.
type writer struct {
	s    *Store
	ctx  context.Context
	base string // absolute URL of the root
	buf  []byte
	err  error
}

func (w *writer) put(parts ...string) {
	for _, p := range parts {
		w.buf = append(w.buf, p...)
	}
}

// text writes a JSON string; addresses keep their ampersands.
func (w *writer) text(s string) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // never fails
	w.buf = append(w.buf, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}

func (w *writer) self(e *entity) string {
	return w.base + "/" + e.kind.String() + "(" + strconv.FormatInt(e.id, 10) + ")"
}

// member begins one of an object.
func (w *writer) member(name string) {
	if w.buf[len(w.buf)-1] != '{' {
		w.put(",")
	}
	w.text(name)
	w.put(":")
}

// entity writes one with its expansions.
func (w *writer) entity(e *entity, o *options) {
	d := &definitions[e.kind]
	wanted := func(name string) bool { return o.selected == nil || o.selected[name] }
	w.put("{")
	if wanted("id") {
		w.member("@iot.id")
		w.buf = strconv.AppendInt(w.buf, e.id, 10)
	}
	if wanted("@iot.selfLink") {
		w.member("@iot.selfLink")
		w.text(w.self(e))
	}
	for i, m := range d.members {
		v := w.s.value(e, i)
		if !wanted(m.name) || v == nil && !m.shown {
			continue
		}
		w.member(m.name)
		if v == nil {
			v = json.RawMessage("null")
		}
		w.buf = append(w.buf, v...)
	}
	for i := range d.relations {
		w.relation(e, i, o)
	}
	w.put("}")
}

// relation writes an expansion or a link.
func (w *writer) relation(e *entity, i int, o *options) {
	r := &definitions[e.kind].relations[i]
	for _, x := range o.expand {
		if x.relation == i {
			w.expanded(e, i, x.options)
			return
		}
	}
	if o.selected == nil || o.selected[r.name] {
		w.member(r.name + "@iot.navigationLink")
		w.text(w.self(e) + "/" + r.name)
	}
}

func (w *writer) expanded(e *entity, i int, o *options) {
	r := &definitions[e.kind].relations[i]
	if !r.many {
		w.member(r.name)
		w.entity(w.s.find(r.to, e.one(i)), o)
		return
	}
	p, err := w.s.query(w.ctx, r.to, e.links[i], o)
	if err != nil {
		w.err = err
	}
	if o.count {
		w.member(r.name + "@iot.count")
		w.put(strconv.Itoa(p.count))
	}
	w.member(r.name)
	if next := w.rows(p, o, w.entity); next > 0 {
		w.member(r.name + "@iot.nextLink")
		w.text(w.next(w.self(e)+"/"+r.name, o, next))
	}
}

// rows writes an array and returns how many to skip for the next page; 0 without.
func (w *writer) rows(p page, o *options, one func(*entity, *options)) int {
	w.put("[")
	defer w.put("]")
	for i, e := range p.rows {
		if len(w.buf) > maxAnswer || w.err != nil {
			return o.skip + i
		}
		if i > 0 {
			w.put(",")
		}
		one(e, o)
	}
	if p.more && len(p.rows) > 0 {
		return o.skip + len(p.rows)
	}
	return 0
}

// next is the address of the next page.
func (w *writer) next(address string, o *options, skip int) string {
	var b strings.Builder
	b.WriteString(address + "?")
	for _, pair := range o.raw {
		b.WriteString(pair[0] + "=" + url.QueryEscape(pair[1]) + "&")
	}
	b.WriteString("$top=" + strconv.Itoa(o.top) + "&$skip=" + strconv.Itoa(skip))
	return b.String()
}

// collection writes a page of a target.
func (w *writer) collection(t *target, o *options, address string) {
	p, err := w.s.query(w.ctx, t.kind, w.s.ids(t), o)
	if err != nil {
		w.err = err
		return
	}
	w.put("{")
	if o.count {
		w.member("@iot.count")
		w.put(strconv.Itoa(p.count))
	}
	w.member("value")
	var next int
	switch {
	case o.dataArray:
		next = w.dataArrays(p, o)
	case t.ref:
		next = w.rows(p, o, w.reference)
	default:
		next = w.rows(p, o, w.entity)
	}
	if next > 0 {
		w.member("@iot.nextLink")
		w.text(w.next(address, o, next))
	}
	w.put("}")
}

func (w *writer) reference(e *entity, _ *options) {
	w.put(`{"@iot.selfLink":`)
	w.text(w.self(e))
	w.put("}")
}

// dataArrays writes Observations as arrays of values, one for each Datastream.
func (w *writer) dataArrays(p page, o *options) int {
	var streams []int64
	byStream := map[int64][]*entity{}
	for _, e := range p.rows {
		id := e.one(readingStream)
		if byStream[id] == nil {
			streams = append(streams, id)
		}
		byStream[id] = append(byStream[id], e)
	}
	columns := []string{"id"}
	for _, m := range definitions[observations].members {
		columns = append(columns, m.name)
	}
	if o.selected != nil {
		var chosen []string
		for _, c := range columns {
			if o.selected[c] {
				chosen = append(chosen, c)
			}
		}
		columns = chosen
	}
	w.put("[")
	for i, id := range streams {
		if i > 0 {
			w.put(",")
		}
		w.dataArray(id, columns, byStream[id])
	}
	w.put("]")
	if p.more && len(p.rows) > 0 {
		return o.skip + len(p.rows)
	}
	return 0
}

func (w *writer) dataArray(stream int64, columns []string, rows []*entity) {
	w.put("{")
	w.member("Datastream@iot.navigationLink")
	w.text(w.base + "/Datastreams(" + strconv.FormatInt(stream, 10) + ")")
	w.member("components")
	names, _ := json.Marshal(columns) // never fails
	w.buf = append(w.buf, names...)
	w.member("dataArray@iot.count")
	w.put(strconv.Itoa(len(rows)))
	w.member("dataArray")
	w.put("[")
	for i, e := range rows {
		if i > 0 {
			w.put(",")
		}
		w.put("[")
		for j, c := range columns {
			if j > 0 {
				w.put(",")
			}
			w.cell(e, c)
		}
		w.put("]")
	}
	w.put("]}")
}

func (w *writer) cell(e *entity, column string) {
	if column == "id" {
		w.buf = strconv.AppendInt(w.buf, e.id, 10)
		return
	}
	v := w.s.value(e, e.kind.member(column))
	if v == nil {
		v = json.RawMessage("null")
	}
	w.buf = append(w.buf, v...)
}
