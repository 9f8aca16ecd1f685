package shapefile

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"twind/importers"
)

// drivers maps the language driver byte of a .dbf to a code page.
var drivers = map[byte]string{
	0x01: "437", 0x02: "850", 0x03: "1252", 0x08: "865", 0x09: "437", 0x0a: "850", 0x0b: "437", 0x0d: "437", 0x0e: "850", 0x0f: "437",
	0x10: "850", 0x11: "437", 0x12: "850", 0x13: "932", 0x14: "850", 0x15: "437", 0x16: "850", 0x17: "865", 0x18: "437", 0x19: "437", 0x1a: "850", 0x1b: "437", 0x1c: "863", 0x1d: "850", 0x1f: "852",
	0x22: "852", 0x23: "852", 0x24: "860", 0x25: "850", 0x26: "866", 0x37: "850", 0x40: "852", 0x4d: "936", 0x4e: "949", 0x4f: "950", 0x50: "874",
	0x57: "1252", 0x58: "1252", 0x59: "1252", 0x64: "852", 0x65: "866", 0x66: "865", 0x6c: "863", 0x78: "950", 0x79: "949", 0x7a: "936", 0x7b: "932", 0x7c: "874",
	0x87: "852", 0xc8: "1250", 0xc9: "1251", 0xca: "1254", 0xcb: "1253", 0xcc: "1257",
}

// found is a charset with how it was found.
type found struct {
	encoding importers.Encoding
	method   string
	samples  []string
	warnings []string
}

// evidence is what the bytes of all texts tell.
type evidence struct {
	ascii   bool // no byte beyond ASCII
	utf8    bool // valid, but for characters cut at a field's end
	gb      bool // the same for GB18030
	pairs   int  // pairs of bytes that GB 2312 would use, in texts made of nothing else beyond ASCII
	odd     bool // bytes beyond ASCII that are no such pairs
	samples [][]byte
}

// findEncoding decides the charset of the texts: the one that is given; else
// what the .cpg and the language driver claim, unless the bytes contradict; else
// UTF-8 if the texts of the whole file are that, and GB18030 if not. Where it is
// given and need not be checked, the texts are not looked at.
func (t *table) findEncoding(given, cpg string, check bool) (found, error) {
	f := found{}
	if given != "" && !check {
		e, err := importers.LookupEncoding(given)
		return found{encoding: e, method: "given"}, err
	}
	seen, err := t.look()
	if err != nil {
		return f, err
	}
	if given != "" {
		if f.encoding, err = importers.LookupEncoding(given); err != nil {
			return f, err
		}
		f.method = "given"
		f.samples = t.samples(f.encoding, seen)
		return f, nil
	}
	type claim struct {
		e    importers.Encoding
		from string
	}
	var claims []claim
	if cpg != "" {
		if e, err := importers.LookupEncoding(cpg); err == nil {
			claims = append(claims, claim{e, "the .cpg file (" + short(cpg) + ")"})
		} else {
			f.warnings = append(f.warnings, fmt.Sprintf("its .cpg names %q, which is no known charset", short(cpg)))
		}
	}
	if page, ok := drivers[t.driver]; ok {
		if e, err := importers.LookupEncoding(page); err == nil {
			claims = append(claims, claim{e, fmt.Sprintf("the language driver 0x%02x of the .dbf", t.driver)})
		}
	}
	kept := claims[:0]
	for _, c := range claims {
		if why := seen.contradicts(c.e); why != "" {
			f.warnings = append(f.warnings, fmt.Sprintf("%s says that the texts are %s, but %s", c.from, c.e.Name, why))
			continue
		}
		kept = append(kept, c)
	}
	switch {
	case len(kept) > 0:
		f.encoding, f.method = kept[0].e, kept[0].from
		if len(kept) > 1 && kept[1].e.Name != kept[0].e.Name && !seen.ascii {
			f.warnings = append(f.warnings, fmt.Sprintf("%s says %s and %s says %s; the former was followed", kept[0].from, kept[0].e.Name, kept[1].from, kept[1].e.Name))
		}
	case seen.ascii:
		f.encoding, f.method = importers.UTF8, "all texts are ASCII"
	case seen.utf8:
		f.encoding, f.method = importers.UTF8, "the bytes of all texts are valid UTF-8"
	case seen.gb:
		f.encoding, f.method = importers.GB18030, "the bytes of the texts are not UTF-8, and valid GB18030"
	default:
		if f.encoding, err = importers.LookupEncoding("1252"); err != nil {
			return f, err
		}
		f.method = "the bytes of the texts are neither UTF-8 nor GB18030"
		f.warnings = append(f.warnings, "the charset of its texts is not known and Windows-1252 was assumed; name it with --encoding if the samples look wrong")
	}
	f.samples = t.samples(f.encoding, seen)
	return f, nil
}

func short(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// contradicts says why the texts cannot be in e, or "".
func (v *evidence) contradicts(e importers.Encoding) string {
	switch {
	case v.ascii:
		return ""
	case e.Name == importers.UTF8.Name:
		if !v.utf8 {
			return "their bytes are not UTF-8"
		}
		return ""
	case v.utf8:
		return "their bytes are valid UTF-8 throughout, which is no accident"
	case e.Name == importers.GB18030.Name:
		if !v.gb {
			return "their bytes are not GB18030"
		}
		return ""
	case strings.HasPrefix(e.Name, "Windows-125") || strings.HasPrefix(e.Name, "ISO-8859") || strings.HasPrefix(e.Name, "CP"):
		// A charset of single bytes takes any bytes; but nobody writes accented
		// letters always in pairs, and Chinese is nothing else.
		if v.gb && !v.odd && v.pairs >= 8 {
			return "their bytes come in pairs throughout, as in GB18030"
		}
	}
	return ""
}

// look reads all texts of the table once.
func (t *table) look() (*evidence, error) {
	v := &evidence{ascii: true, utf8: true, gb: true}
	text := false
	for _, f := range t.fields {
		text = text || f.kind == 'C'
	}
	if !text {
		return v, nil
	}
	for n := int64(0); n < t.count; n++ {
		if _, err := io.ReadFull(t.r, t.buf); err != nil {
			return nil, fmt.Errorf("record %d of its .dbf cannot be read: %w", n+1, err)
		}
		for i := range t.fields {
			if f := &t.fields[i]; f.kind == 'C' {
				v.add(trim(t.buf[f.at : f.at+f.wide]))
			}
		}
	}
	t.rewind()
	return v, nil
}

func (v *evidence) add(b []byte) {
	i := 0
	for i < len(b) && b[i] < utf8.RuneSelf {
		i++
	}
	if i == len(b) {
		return
	}
	v.ascii = false
	if v.utf8 && !utf8.Valid(b) && !utf8.Valid(wholeUTF8(b)) {
		v.utf8 = false
	}
	v.gb = v.gb && validGB18030(b)
	for i < len(b) {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		if i+1 < len(b) && b[i] >= 0xa1 && b[i] <= 0xf7 && b[i+1] >= 0xa1 && b[i+1] <= 0xfe {
			v.pairs++
			i += 2
			continue
		}
		if i+1 < len(b) { // a character cut at the end says nothing
			v.odd = true
		}
		i++
	}
	if len(v.samples) < 5 {
		v.samples = append(v.samples, append([]byte(nil), b...))
	}
}

// validGB18030 tells whether b is GB18030 by its structure, but for a character
// cut at its end.
func validGB18030(b []byte) bool {
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c < 0x80:
			i++
		case c == 0x80 || c == 0xff:
			return false
		case i+1 >= len(b):
			return true
		case b[i+1] >= 0x30 && b[i+1] <= 0x39: // four bytes
			if i+3 >= len(b) {
				return true
			}
			if b[i+2] < 0x81 || b[i+2] == 0xff || b[i+3] < 0x30 || b[i+3] > 0x39 {
				return false
			}
			i += 4
		case b[i+1] >= 0x40 && b[i+1] != 0x7f && b[i+1] != 0xff:
			i += 2
		default:
			return false
		}
	}
	return true
}

// samples are some texts in a charset, for people to look at.
func (t *table) samples(e importers.Encoding, v *evidence) []string {
	var out []string
	for _, b := range v.samples {
		if s, err := e.Charset.NewDecoder().Bytes(b); err == nil {
			out = append(out, string(s))
		}
	}
	return out
}
