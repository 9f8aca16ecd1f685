package gltf

import "math"

// tableView opens a view of a table, aligned to 8 bytes.
func (w *Writer) tableView(length int) (int, []byte) {
	b := w.open(max(length, 1), 0, 0, 8)
	b[0] = 0
	return len(w.views) - 1, b
}

// strings writes text; a null is the empty text, or "␀" where that is a value.
func (w *Writer) strings(e *propEntry, p *Property) {
	e.kind = "STRING"
	null := ""
	if p.hasNull() {
		if p.hasEmpty() {
			null = "␀"
		}
		e.noData, e.noDataText = noDataText, null
	}
	total := 0
	from := uint32(0)
	for i, to := range p.Ends {
		if p.null(i) {
			total += len(null)
		} else {
			total += int(to - from)
		}
		from = to
	}
	values, b := w.tableView(total)
	e.values = values
	width := 1
	e.component = "UINT8"
	if total > math.MaxUint16 {
		width, e.component = 4, "UINT32"
	} else if total > math.MaxUint8 {
		width, e.component = 2, "UINT16"
	}
	at := 0
	from = 0
	w.narrow = append(w.narrow[:0], 0)
	for i, to := range p.Ends {
		if p.null(i) {
			at += copy(b[at:], null)
		} else {
			at += copy(b[at:], p.Text[from:to])
		}
		w.narrow = append(w.narrow, uint64(at))
		from = to
	}
	e.offsets = w.numbers(width)
}

// hasEmpty tells whether an empty text is a value.
func (p *Property) hasEmpty() bool {
	from := uint32(0)
	for i, to := range p.Ends {
		if to == from && !p.null(i) {
			return true
		}
		from = to
	}
	return false
}

// numbers writes w.narrow in so many bytes each and returns the view.
func (w *Writer) numbers(width int) int {
	v, b := w.tableView(width * len(w.narrow))
	for i, x := range w.narrow {
		switch width {
		case 1:
			b[i] = byte(x)
		case 2:
			le.PutUint16(b[2*i:], uint16(x))
		case 4:
			le.PutUint32(b[4*i:], uint32(x))
		default:
			le.PutUint64(b[8*i:], x)
		}
	}
	return v
}

// integerTypes are tried in order; the last one holds everything. null is the
// value that stands for none and so is not in the range when there are nulls.
var integerTypes = [...]struct {
	name   string
	width  int
	lo, hi int64
	null   int64
}{
	{"UINT8", 1, 0, math.MaxUint8, math.MaxUint8},
	{"INT8", 1, math.MinInt8, math.MaxInt8, math.MinInt8},
	{"UINT16", 2, 0, math.MaxUint16, math.MaxUint16},
	{"INT16", 2, math.MinInt16, math.MaxInt16, math.MinInt16},
	{"UINT32", 4, 0, math.MaxUint32, math.MaxUint32},
	{"INT32", 4, math.MinInt32, math.MaxInt32, math.MinInt32},
	{"INT64", 8, math.MinInt64, math.MaxInt64, math.MinInt64},
}

func (w *Writer) integers(e *propEntry, p *Property) {
	lo, hi, found := int64(math.MaxInt64), int64(math.MinInt64), false
	for i, v := range p.Ints {
		if !p.null(i) {
			lo, hi, found = min(lo, v), max(hi, v), true
		}
	}
	if !found {
		lo, hi = 0, 0
	}
	nulls := p.hasNull()
	e.kind = "SCALAR"
	for _, t := range integerTypes {
		if lo < t.lo || hi > t.hi || nulls && (lo == t.null || hi == t.null) && t.width < 8 {
			continue
		}
		e.component = t.name
		if nulls {
			e.noData, e.noDataNumber = noDataNumber, float64(t.null)
		}
		w.narrow = w.narrow[:0]
		for i, v := range p.Ints {
			if p.null(i) {
				v = t.null
			}
			w.narrow = append(w.narrow, uint64(v))
		}
		e.values = w.numbers(t.width)
		return
	}
}

// floatNull stands for an absent number: the lowest float32.
const floatNull = -math.MaxFloat32

func (w *Writer) floats(e *propEntry, p *Property) {
	e.kind, e.component = "SCALAR", "FLOAT32"
	width, nulls := 4, false
	w.narrow = w.narrow[:0]
	for i, v := range p.Floats {
		if p.null(i) || math.IsNaN(v) || math.IsInf(v, 0) {
			v, nulls = floatNull, true
		}
		if float64(float32(v)) != v {
			width, e.component = 8, "FLOAT64"
		}
		w.narrow = append(w.narrow, math.Float64bits(v))
	}
	if width == 4 {
		for i, v := range w.narrow {
			w.narrow[i] = uint64(math.Float32bits(float32(math.Float64frombits(v))))
		}
	}
	if nulls {
		e.noData, e.noDataNumber = noDataNumber, floatNull
	}
	e.values = w.numbers(width)
}

func (w *Writer) bools(e *propEntry, p *Property, rows int) {
	if p.hasNull() {
		e.kind, e.component = "SCALAR", "UINT8"
		e.noData, e.noDataNumber = noDataNumber, 255
		w.narrow = w.narrow[:0]
		for i, v := range p.Bools {
			x := uint64(0)
			switch {
			case p.null(i):
				x = 255
			case v:
				x = 1
			}
			w.narrow = append(w.narrow, x)
		}
		e.values = w.numbers(1)
		return
	}
	e.kind = "BOOLEAN"
	v, b := w.tableView((rows + 7) / 8)
	clear(b)
	for i, set := range p.Bools {
		if set {
			b[i/8] |= 1 << (i % 8)
		}
	}
	e.values = v
}

func (w *Writer) codes(e *propEntry, p *Property) {
	e.kind, e.enum = "ENUM", len(w.enums)
	en := enumEntry{names: p.Names}
	if p.hasNull() {
		en.null = freeName(p.Names)
		e.noData, e.noDataText = noDataText, en.null
	}
	w.enums = append(w.enums, en)
	width := 1
	if len(p.Names) > 255 {
		width = 2
	}
	w.narrow = w.narrow[:0]
	for i, c := range p.Codes {
		if p.null(i) {
			c = uint16(len(p.Names))
		}
		w.narrow = append(w.narrow, uint64(c))
	}
	e.values = w.numbers(width)
}

// freeName is a name for null that no value has.
func freeName(names []string) string {
	name := "null"
	for i := 0; i < len(names); i++ {
		if names[i] == name {
			name += "_"
			i = -1
		}
	}
	return name
}

func (e *enumEntry) wide() bool { return len(e.names) > 255 }
