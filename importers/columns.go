package importers

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"twind/layers"
	"twind/layers/geojson"
)

// column gathers what is known about one property over all files.
type column struct {
	name     string
	declared layers.ValueType
	count    [layers.DateTime + 1]int64 // values met, by type; Null is not counted here
	records  int64                      // values that are not null
	dates    int64                      // texts that are dates
	times    int64                      // texts that are times
	big      bool                       // integers beyond 2⁵³
	min, max float64
	minInt   int64
	maxInt   int64
	minText  string
	maxText  string
	longest  int
	samples  []string
}

// columns are the properties in order of appearance.
type columns struct {
	list  []*column
	index map[string]int
}

func (c *columns) find(name string, declared layers.ValueType) int {
	if i, ok := c.index[name]; ok {
		if c.list[i].declared != declared {
			c.list[i].declared = layers.Null
		}
		return i
	}
	if c.index == nil {
		c.index = make(map[string]int)
	}
	c.index[name] = len(c.list)
	c.list = append(c.list, &column{name: name, declared: declared, min: math.Inf(1), max: math.Inf(-1), minInt: math.MaxInt64, maxInt: math.MinInt64})
	return len(c.list) - 1
}

// add takes one value into account; texts may die with the record.
func (c *column) add(v layers.Value) {
	t := v.Type()
	if t == layers.Null {
		return
	}
	c.records++
	c.count[t]++
	switch t {
	case layers.Integer:
		n := v.Int()
		c.minInt, c.maxInt = min(c.minInt, n), max(c.maxInt, n)
		c.big = c.big || n > 1<<53 || n < -1<<53
		fallthrough
	case layers.Number:
		f := v.Float()
		c.min, c.max = min(c.min, f), max(c.max, f)
	case layers.String, layers.Date, layers.DateTime:
		s := v.Text()
		if t == layers.String {
			texts := c.count[layers.String]
			if c.dates == texts-1 && geojson.IsTime(layers.Date, s) {
				c.dates++
			} else if c.times == texts-1 && geojson.IsTime(layers.DateTime, s) {
				c.times++
			}
		}
		if n := utf8.RuneCountInString(s); n > c.longest {
			c.longest = n
		}
		if c.minText == "" || s < c.minText {
			c.minText = clipText(s)
		}
		if s > c.maxText {
			c.maxText = clipText(s)
		}
	}
	if len(c.samples) < 3 && c.records < 10_000 {
		s := clipText(v.String())
		for _, have := range c.samples {
			if have == s {
				return
			}
		}
		c.samples = append(c.samples, s)
	}
}

func clipText(s string) string {
	if len(s) > 80 {
		n := 80
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		return s[:n] + "…"
	}
	return strings.Clone(s)
}

// valueType is the narrowest type that holds every value met: integers widen to
// numbers and all else to text. Texts that are all dates, or all times, are such.
func (c *column) valueType() layers.ValueType {
	if c.records == 0 {
		if c.declared != layers.Null {
			return c.declared
		}
		return layers.String
	}
	switch c.records {
	case c.count[layers.Boolean]:
		return layers.Boolean
	case c.count[layers.Integer]:
		if c.declared == layers.Number {
			return layers.Number
		}
		return layers.Integer
	case c.count[layers.Integer] + c.count[layers.Number]:
		if c.big {
			return layers.String // neither type holds both without loss
		}
		return layers.Number
	case c.count[layers.Date]:
		return layers.Date
	case c.count[layers.DateTime]:
		return layers.DateTime
	case c.count[layers.String]:
		if c.declared == layers.Null {
			if c.dates == c.records {
				return layers.Date
			}
			if c.times == c.records {
				return layers.DateTime
			}
		}
	}
	return layers.String
}

// report describes the column; total is the number of accepted records.
func (c *column) report(t layers.ValueType, total int64) PropertyReport {
	r := PropertyReport{Name: c.name, Type: t, Nulls: total - c.records, Longest: c.longest, Samples: c.samples}
	if c.records == 0 {
		return r
	}
	switch numeric := c.count[layers.Integer] + c.count[layers.Number]; {
	case c.count[layers.Integer] == c.records:
		r.Min, r.Max = c.minInt, c.maxInt
	case numeric == c.records:
		r.Min, r.Max = c.min, c.max
	case c.longest > 0:
		r.Min, r.Max = c.minText, c.maxText
	}
	return r
}

// convert makes v a value of type t without losing anything; ok is false where
// it cannot.
func convert(v layers.Value, t layers.ValueType) (out layers.Value, ok bool) {
	from := v.Type()
	if from == layers.Null || from == t {
		return v, true
	}
	switch t {
	case layers.String:
		if from == layers.Number {
			return layers.StringValue(strconv.FormatFloat(v.Float(), 'f', -1, 64)), true
		}
		return layers.StringValue(v.String()), true
	case layers.Number:
		if from == layers.Integer {
			f := v.Float()
			return layers.FloatValue(f), math.Abs(f) < 1<<63 && int64(f) == v.Int()
		}
		if from == layers.String {
			f, err := strconv.ParseFloat(strings.TrimSpace(v.Text()), 64)
			return layers.FloatValue(f), err == nil && plainNumber(v.Text()) && !math.IsInf(f, 0)
		}
	case layers.Integer:
		if from == layers.Number {
			f := v.Float()
			return layers.IntValue(int64(f)), f == math.Trunc(f) && math.Abs(f) < 1<<53
		}
		if from == layers.String {
			n, err := strconv.ParseInt(strings.TrimSpace(v.Text()), 10, 64)
			return layers.IntValue(n), err == nil
		}
	case layers.Boolean:
		if from == layers.Integer && (v.Int() == 0 || v.Int() == 1) {
			return layers.BoolValue(v.Int() == 1), true
		}
		if from == layers.String {
			switch strings.ToLower(strings.TrimSpace(v.Text())) {
			case "true", "t", "yes", "y", "1", "是":
				return layers.BoolValue(true), true
			case "false", "f", "no", "n", "0", "否":
				return layers.BoolValue(false), true
			}
		}
	case layers.Date, layers.DateTime:
		if from == layers.String && geojson.IsTime(t, v.Text()) {
			return layers.TextValue(t, v.Text()), true
		}
		if t == layers.DateTime && from == layers.Date {
			return layers.TextValue(t, v.Text()+"T00:00:00Z"), true
		}
	}
	return layers.Value{}, false
}

// plainNumber refuses what strconv reads beyond decimal numbers: hexadecimal,
// underscores, NaN.
func plainNumber(s string) bool {
	for _, c := range strings.TrimSpace(s) {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return false
		}
	}
	return true
}
