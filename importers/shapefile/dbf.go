package shapefile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"twind/importers"
	"twind/layers"
)

// table reads a .dbf of dBASE III, IV or FoxPro.
//
//	version u8 │ date 3 │ records u32 LE │ header length u16 │ record length u16 │ … │ language driver u8 at 29 │ …
//	field descriptors of 32 bytes: name 11 │ type │ … │ length at 16 │ decimals at 17, then 0x0d
//	records: '*' deleted or ' ' │ the fields in fixed widths
type table struct {
	file    part
	r       *bufio.Reader
	read    int64
	count   int64 // records, by the header
	header  int
	length  int // of a record
	driver  byte
	fields  []field
	buf     []byte
	charset encoding.Encoding // nil: UTF-8
	decoder *encoding.Decoder
	text    []byte
	spoiled int64 // texts with bytes that are not of the charset
	cut     int64 // texts that end within a character
	nan     int64 // numbers that are none
}

// field is a column of the table.
type field struct {
	raw      []byte // name as it stands
	name     string
	kind     byte
	at, wide int // place in the record
	decimals int
}

func openTable(file part) (*table, error) {
	t := &table{file: file}
	return t, t.open()
}

func (t *table) open() error {
	in := io.NewSectionReader(t.file, 0, t.file.size)
	head := make([]byte, 32)
	if _, err := io.ReadFull(in, head); err != nil {
		return fmt.Errorf("it is %d bytes long, and its header alone has 32", t.file.size)
	}
	switch v := head[0] & 0x07; {
	case head[0] == 0x04 || v == 4:
		return errors.New("it is of dBASE level 7, which is not read; save it as dBASE IV")
	case v != 3 && v != 0 && v != 2 && v != 1 && v != 5:
		return fmt.Errorf("it begins with byte %d, which no .dbf does", head[0])
	}
	t.count = int64(binary.LittleEndian.Uint32(head[4:]))
	t.header, t.length = int(binary.LittleEndian.Uint16(head[8:])), int(binary.LittleEndian.Uint16(head[10:]))
	t.driver = head[29]
	if t.header < 33 || int64(t.header) > t.file.size {
		return fmt.Errorf("its header says that it is %d bytes long, in a file of %d", t.header, t.file.size)
	}
	desc := make([]byte, t.header-32)
	if _, err := io.ReadFull(in, desc); err != nil {
		return err
	}
	if err := t.readFields(desc); err != nil {
		return err
	}
	if need := int64(t.header) + t.count*int64(t.length); need > t.file.size {
		return fmt.Errorf("its header says %d records of %d bytes, and it has room for %d: it is cut off or damaged", t.count, t.length, (t.file.size-int64(t.header))/int64(max(t.length, 1)))
	}
	t.buf = make([]byte, t.length)
	t.rewind()
	return nil
}

// rewind goes to the first record.
func (t *table) rewind() {
	t.r = bufio.NewReaderSize(io.NewSectionReader(t.file, int64(t.header), t.file.size-int64(t.header)), 256<<10)
	t.read = int64(t.header)
}

func (t *table) readFields(desc []byte) error {
	at := 1
	for len(desc) >= 32 && desc[0] != 0x0d {
		d := desc[:32]
		desc = desc[32:]
		f := field{kind: d[11], at: at, wide: int(d[16]), decimals: int(d[17])}
		f.raw = append([]byte(nil), d[:11]...)
		if i := bytes.IndexByte(f.raw, 0); i >= 0 {
			f.raw = f.raw[:i]
		}
		f.raw = bytes.TrimRight(f.raw, " ")
		if f.kind == 'C' && f.decimals > 0 && at+f.wide+f.decimals*256 <= t.length { // long texts of Clipper and FoxPro
			f.wide += f.decimals * 256
		}
		at += f.wide
		t.fields = append(t.fields, f)
		if len(t.fields) > layers.MaxProperties {
			return fmt.Errorf("it has more than %d fields", layers.MaxProperties)
		}
	}
	if t.length < 1 || at > t.length {
		return fmt.Errorf("its fields take %d bytes, and it says that a record has %d", at, t.length)
	}
	kept := t.fields[:0]
	for _, f := range t.fields {
		if f.kind != '0' { // FoxPro's null flags
			kept = append(kept, f)
		}
	}
	t.fields = kept
	return nil
}

// nameFields decodes the names and sets the charset for the texts. A name that
// was cut within a character loses the rest of it; an empty or repeated one gets
// a number.
func (t *table) nameFields(e importers.Encoding) ([]importers.Field, error) {
	t.charset = nil
	if e.Name != importers.UTF8.Name {
		t.charset = e.Charset
		t.decoder = e.Charset.NewDecoder()
	}
	seen := map[string]bool{}
	var out []importers.Field
	for i := range t.fields {
		f := &t.fields[i]
		name, _, _ := t.decode(f.raw)
		base := name
		if base == "" {
			base = "field"
		}
		for n := 2; name == "" || seen[name]; n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		for _, r := range name {
			if r < ' ' || r == 0x7f {
				return nil, fmt.Errorf("the name of field %d of its .dbf holds a control character", i+1)
			}
		}
		seen[name] = true
		f.name = name
		out = append(out, importers.Field{Name: name, Type: f.valueType()})
	}
	return out, nil
}

func (f *field) valueType() layers.ValueType {
	switch f.kind {
	case 'N':
		if f.decimals == 0 {
			return layers.Integer
		}
		return layers.Number
	case 'F', 'B', 'O', 'Y':
		return layers.Number
	case 'I', '+':
		return layers.Integer
	case 'L':
		return layers.Boolean
	case 'D':
		return layers.Date
	case '@', 'T':
		return layers.DateTime
	}
	return layers.String
}

// next reads a record's values.
func (t *table) next(r *importers.Record) (deleted bool, err error) {
	if _, err := io.ReadFull(t.r, t.buf); err != nil {
		return false, fmt.Errorf("it cannot be read: %w", err)
	}
	t.read += int64(t.length)
	if t.buf[0] == '*' {
		return true, nil
	}
	if cap(r.Values) < len(t.fields) {
		r.Values = make([]layers.Value, 0, len(t.fields))
	}
	for i := range t.fields {
		f := &t.fields[i]
		r.Values = append(r.Values, t.value(f, t.buf[f.at:f.at+f.wide]))
	}
	return false, nil
}

// value makes a value of what stands in a field. What does not fit the field's
// type stays text, so that nothing is lost.
func (t *table) value(f *field, b []byte) layers.Value {
	switch f.kind {
	case 'I':
		if len(b) == 4 {
			return layers.IntValue(int64(int32(binary.LittleEndian.Uint32(b))))
		}
	case 'B', 'O':
		if len(b) == 8 {
			return t.float(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case 'Y':
		if len(b) == 8 {
			return layers.FloatValue(float64(int64(binary.LittleEndian.Uint64(b))) / 1e4)
		}
	case '@', 'T':
		if len(b) == 8 {
			return julian(b)
		}
	case 'M', 'G', 'P':
		return layers.Value{}
	}
	b = trim(b)
	if len(b) == 0 {
		return layers.Value{}
	}
	switch f.kind {
	case 'N', 'F', '+':
		return t.number(b)
	case 'L':
		switch b[0] {
		case 'T', 't', 'Y', 'y', '1':
			return layers.BoolValue(true)
		case 'F', 'f', 'N', 'n', '0':
			return layers.BoolValue(false)
		case '?':
			return layers.Value{}
		}
	case 'D':
		if v, null, ok := date(b); ok {
			if null {
				return layers.Value{}
			}
			return v
		}
	}
	s, cut, spoiled := t.decode(b)
	if cut && len(b) >= f.wide-1 {
		t.cut++
	}
	if spoiled {
		t.spoiled++
	}
	if s == "" {
		return layers.Value{}
	}
	return layers.StringValue(s)
}

// trim leaves out the blanks behind a value and what follows a zero byte. Most
// of a table is blanks, so they are taken eight at a time.
func trim(b []byte) []byte {
	const blanks = 0x2020202020202020
	n := len(b)
	for n >= 8 && binary.LittleEndian.Uint64(b[n-8:]) == blanks {
		n -= 8
	}
	b = b[:n]
	if i := bytes.IndexByte(b, 0); i >= 0 { // C programs end texts so and leave what was there before
		b = b[:i]
	}
	for n = len(b); n > 0; n-- {
		switch b[n-1] {
		case ' ', '\t', '\r', '\n':
		default:
			return b[:n]
		}
	}
	return nil
}

func (t *table) float(v float64) layers.Value {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		t.nan++
		return layers.Value{}
	}
	return layers.FloatValue(v)
}

func (t *table) number(b []byte) layers.Value {
	b = bytes.TrimLeft(b, " ")
	if len(b) == 0 || b[0] == '*' { // asterisks: a value too wide for its field
		return layers.Value{}
	}
	plain, integer := true, true
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' || (c == '-' || c == '+') && i == 0:
		case c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+':
			integer = false
		default:
			plain = false
		}
	}
	if plain && integer {
		if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			return layers.IntValue(n)
		}
		if len(b) > 18 { // more digits than an integer has: text keeps them
			return layers.StringValue(string(b))
		}
	}
	if plain {
		if v, err := strconv.ParseFloat(string(b), 64); err == nil {
			return layers.FloatValue(v)
		}
	}
	switch low := bytes.ToLower(bytes.TrimLeft(b, "+-")); {
	case bytes.HasPrefix(low, []byte("nan")), bytes.HasPrefix(low, []byte("inf")), bytes.HasPrefix(low, []byte("1.#")):
		t.nan++
		return layers.Value{}
	}
	s, _, _ := t.decode(b)
	return layers.StringValue(s)
}

// date reads YYYYMMDD.
func date(b []byte) (v layers.Value, null, ok bool) {
	if len(b) != 8 {
		return layers.Value{}, false, false
	}
	zero := true
	for _, c := range b {
		if c < '0' || c > '9' {
			return layers.Value{}, false, false
		}
		zero = zero && c == '0'
	}
	if zero {
		return layers.Value{}, true, true
	}
	d, err := time.Parse("20060102", string(b))
	if err != nil {
		return layers.Value{}, false, false
	}
	return layers.TextValue(layers.Date, d.Format(time.DateOnly)), false, true
}

// julian reads a day number and the milliseconds of the day, as FoxPro keeps them.
func julian(b []byte) layers.Value {
	day, ms := int64(int32(binary.LittleEndian.Uint32(b))), int64(int32(binary.LittleEndian.Uint32(b[4:])))
	if day <= 0 || ms < 0 || ms > 86_400_000 {
		return layers.Value{}
	}
	at := time.Unix((day-2440588)*86400, ms*1e6).UTC()
	if at.Year() < 1 || at.Year() > 9999 {
		return layers.Value{}
	}
	return layers.TextValue(layers.DateTime, at.Format(time.RFC3339Nano))
}

// decode makes text of bytes. cut tells that they end within a character, which
// is left out; spoiled that some are not of the charset and became U+FFFD.
func (t *table) decode(b []byte) (s string, cut, spoiled bool) {
	ascii := true
	for _, c := range b {
		if c >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return string(b), false, false
	}
	if t.charset == nil {
		if utf8.Valid(b) {
			return string(b), false, false
		}
		whole := wholeUTF8(b)
		if utf8.Valid(whole) {
			return string(whole), true, false
		}
		return string(bytes.ToValidUTF8(whole, []byte("\uFFFD"))), len(whole) < len(b), true
	}
	if need := 4*len(b) + 16; cap(t.text) < need {
		t.text = make([]byte, need)
	}
	t.decoder.Reset()
	n, used, err := t.decoder.Transform(t.text[:cap(t.text)], b, false)
	out := t.text[:n]
	if errors.Is(err, transform.ErrShortSrc) && used < len(b) {
		cut = true
	} else if err != nil {
		spoiled = true
	}
	return string(out), cut, spoiled || bytes.Contains(out, []byte("\uFFFD"))
}

// wholeUTF8 is b without the beginning of a character at its end.
func wholeUTF8(b []byte) []byte {
	for i := 1; i <= 3 && i <= len(b); i++ {
		c := b[len(b)-i]
		if c < 0x80 {
			break
		}
		if c >= 0xc0 {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}
