package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"twind/layers"
)

// History says where and how long what was live is recorded.
//
//	history:
//	  dir: /var/lib/twind/history
//	  retention: {vehicles: 30d, trains: {age: 1y, bytes: 20GiB}}
//	  default: 90d
//	  maxBytes: 200GiB
type History struct {
	Dir       string                  `yaml:"dir"`       // folder; default: history, beside or in the data folder
	Off       bool                    `yaml:"off"`       // record nothing; a restart then begins without positions
	Retention map[layers.ID]Retention `yaml:"retention"` // by layer
	Default   Retention               `yaml:"default"`   // of layers that retention does not name; 30d
	MaxBytes  Bytes                   `yaml:"maxBytes"`  // of everything; 64GiB
}

// Retention is an age, or {age, bytes}; 0 is no bound.
type Retention struct {
	Age   Age   `yaml:"age"`
	Bytes Bytes `yaml:"bytes"`
}

// UnmarshalYAML reads an age, or a mapping of age and bytes.
func (r *Retention) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return n.Decode(&r.Age)
	}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		var err error
		switch k := n.Content[i].Value; k {
		case "age":
			err = n.Content[i+1].Decode(&r.Age)
		case "bytes":
			err = n.Content[i+1].Decode(&r.Bytes)
		default:
			err = fmt.Errorf("line %d: unknown key %q in a retention: expected age and bytes", n.Content[i].Line, k)
		}
		if err != nil {
			return err
		}
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a retention is an age such as 30d, or {age: 30d, bytes: 10GiB}", n.Line)
	}
	return nil
}

// Age is a duration in years of 365 days, weeks, days, or the units of Go: 1y, 2w, 30d, 36h.
type Age time.Duration

// UnmarshalYAML reads an age.
func (a *Age) UnmarshalYAML(n *yaml.Node) error {
	v, ok := ParseAge(n.Value)
	if !ok {
		return fmt.Errorf("line %d: age %q: expected a number and a unit, such as 30d, 36h or 1y", n.Line, n.Value)
	}
	*a = v
	return nil
}

// ParseAge reads an age of at most 100 years; false: it is none.
func ParseAge(text string) (Age, bool) {
	for unit, d := range map[string]time.Duration{"y": 365 * 24 * time.Hour, "w": 7 * 24 * time.Hour, "d": 24 * time.Hour} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			v, err := strconv.ParseFloat(digits, 64)
			if err != nil || !(v >= 0) || v*float64(d) > float64(100*365*24*time.Hour) {
				return 0, false
			}
			return Age(v * float64(d)), true
		}
	}
	if text == "0" {
		return 0, true
	}
	d, err := time.ParseDuration(text)
	return Age(d), err == nil && d >= 0
}

// Bytes is a size: 10GiB, 500MiB, 2TiB, or a number of bytes.
type Bytes int64

// UnmarshalYAML reads a size.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error {
	digits, scale := n.Value, int64(1)
	for unit, s := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
		if d, ok := strings.CutSuffix(n.Value, unit); ok {
			digits, scale = strings.TrimSpace(d), s
		}
	}
	v, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || v < 0 || v > (1<<62)/scale {
		return fmt.Errorf("line %d: size %q: expected a whole number of bytes, KiB, MiB, GiB or TiB, such as 10GiB", n.Line, n.Value)
	}
	*b = Bytes(v * scale)
	return nil
}

func (h *History) faults(bad func(format string, args ...any)) {
	for id := range h.Retention {
		if _, err := layers.ParseID(string(id)); err != nil && id != "_events" && id != "_observations" {
			bad("history: retention: %s", err)
		}
	}
}
