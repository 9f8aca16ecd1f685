package mvt

import (
	"fmt"
	"strings"
)

// Text prints a tile for people and golden files: each layer, each feature with
// its properties, and its parts one a line, in the tile's order.
func (t *Tile) Text() string {
	var b strings.Builder
	for i := range t.Layers {
		l := &t.Layers[i]
		fmt.Fprintf(&b, "layer %q version %d extent %d features %d\n", l.Name, l.Version, l.Extent, len(l.Features))
		for k := range l.Features {
			f := &l.Features[k]
			fmt.Fprintf(&b, "  %v", f.Type)
			if f.HasID {
				fmt.Fprintf(&b, " %d", f.ID)
			}
			for _, p := range f.Properties {
				fmt.Fprintf(&b, " %s=%s", p.Key, valueText(p.Value))
			}
			b.WriteByte('\n')
			for _, part := range f.Parts {
				b.WriteString("   ")
				for _, p := range part {
					fmt.Fprintf(&b, " %d,%d", p.X, p.Y)
				}
				switch {
				case f.Type != Polygon:
				case Area2(part) > 0:
					b.WriteString(" shell")
				default:
					b.WriteString(" hole")
				}
				b.WriteByte('\n')
			}
		}
	}
	for _, f := range t.Faults {
		fmt.Fprintf(&b, "fault: %s\n", f)
	}
	return b.String()
}

// valueText writes a value so that its type shows: text in quotes, float32 and
// float64 with a suffix, uint64 plain, int64 and Sint64 with a suffix.
func valueText(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case float32:
		return fmt.Sprintf("%vf", v)
	case float64:
		return fmt.Sprintf("%vd", v)
	case int64:
		return fmt.Sprintf("%di", v)
	case Sint64:
		return fmt.Sprintf("%ds", int64(v))
	}
	return fmt.Sprint(v)
}
