package realtime

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"twind/spatial/tile"
)

// jsonCodec is the format of simple clients: the same frames as JSON objects.
type jsonCodec struct{}

var _ Codec = jsonCodec{}

func appendHead(dst []byte, kind string, h *Head) []byte {
	dst = append(dst, `{"kind":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","epoch":`...)
	dst = strconv.AppendUint(dst, h.Epoch, 10)
	dst = append(dst, `,"sequence":`...)
	dst = strconv.AppendUint(dst, h.Sequence, 10)
	dst = append(dst, `,"time":`...)
	dst = strconv.AppendInt(dst, h.Time, 10)
	dst = append(dst, `,"layer":"`...)
	dst = append(dst, h.Layer...) // [a-z0-9_-]
	if h.Replay {
		return append(dst, `","replay":true`...)
	}
	return append(dst, '"')
}

func appendUint(dst []byte, key string, v uint64) []byte {
	dst = append(dst, key...)
	return strconv.AppendUint(dst, v, 10)
}

// appendFloat appends a member unless it is absent.
func appendFloat(dst []byte, key string, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst
	}
	dst = append(dst, key...)
	return strconv.AppendFloat(dst, v, 'f', -1, bits)
}

func appendText(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b, _ := json.Marshal(s) // never fails
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// AppendSync appends {"kind":"sync",…}.
func (jsonCodec) AppendSync(dst []byte, s *Sync) []byte {
	dst = appendHead(dst, "sync", &s.Head)
	dst = append(dst, `,"reset":`...)
	dst = strconv.AppendBool(dst, s.Reset)
	if s.Mode == ModeCells {
		dst = append(dst, `,"mode":"cells"`...)
	} else {
		dst = append(dst, `,"mode":"entities"`...)
	}
	dst = appendUint(dst, `,"view":`, uint64(s.View))
	dst = appendUint(dst, `,"window":{"z":`, uint64(s.Window.Z))
	dst = appendUint(dst, `,"x":`, uint64(s.Window.X))
	dst = appendUint(dst, `,"y":`, uint64(s.Window.Y))
	dst = appendUint(dst, `,"w":`, uint64(s.Window.W))
	dst = appendUint(dst, `,"h":`, uint64(s.Window.H))
	dst = append(dst, `},"newest":`...)
	dst = strconv.AppendInt(dst, s.Newest, 10)
	dst = appendUint(dst, `,"live":`, uint64(s.Live))
	dst = appendUint(dst, `,"stale":`, uint64(s.Stale))
	dst = appendUint(dst, `,"offline":`, uint64(s.Offline))
	if s.Classes != nil {
		dst = append(dst, `,"classes":[`...)
		for i, c := range s.Classes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendText(dst, c)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// AppendEntities appends {"kind":"entities",…}.
func (jsonCodec) AppendEntities(dst []byte, e *Entities) []byte {
	dst = appendHead(dst, "entities", &e.Head)
	dst = appendUint(dst, `,"base":`, e.Base)
	dst = append(dst, `,"tile":"`...)
	dst = append(dst, e.Tile.String()...)
	dst = append(dst, `","entities":[`...)
	named := 0
	for i, id := range e.ID {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":`...)
		dst = appendText(dst, id)
		dst = appendFloat(dst, `,"lon":`, e.Lon[i], 64)
		dst = appendFloat(dst, `,"lat":`, e.Lat[i], 64)
		dst = appendFloat(dst, `,"z":`, float64(e.Z[i]), 32)
		dst = appendFloat(dst, `,"course":`, float64(e.Course[i]), 32)
		dst = appendFloat(dst, `,"speed":`, float64(e.Speed[i]), 32)
		dst = append(dst, `,"time":"`...)
		dst = time.UnixMilli(e.Time-int64(e.Age[i])).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999Z")
		dst = append(dst, `","state":"`...)
		dst = append(dst, e.State[i].String()...)
		dst = append(dst, '"')
		if e.Flags[i] != 0 {
			dst = appendUint(dst, `,"flags":`, uint64(e.Flags[i]))
		}
		if named < len(e.Named) && int(e.Named[named]) == i {
			dst = append(dst, `,"properties":`...)
			if p := e.Properties[named]; len(p) > 0 {
				dst = append(dst, p...)
			} else {
				dst = append(dst, `{}`...)
			}
			named++
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"left":[`...)
	for i, id := range e.LeftID {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, id)
	}
	return append(dst, `]}`...)
}

// AppendCells appends {"kind":"cells",…}.
func (jsonCodec) AppendCells(dst []byte, c *Cells) []byte {
	dst = appendHead(dst, "cells", &c.Head)
	dst = appendUint(dst, `,"base":`, c.Base)
	dst = append(dst, `,"tile":"`...)
	dst = append(dst, c.Tile.String()...)
	dst = append(dst, `","cells":[`...)
	for i, number := range c.Cell {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendUint(dst, `{"cell":`, uint64(number))
		lon, lat := lonLatIn(c.Tile, c.X[i], c.Y[i])
		dst = appendFloat(dst, `,"lon":`, lon, 64)
		dst = appendFloat(dst, `,"lat":`, lat, 64)
		dst = appendUint(dst, `,"live":`, uint64(c.Live[i]))
		dst = appendUint(dst, `,"stale":`, uint64(c.Stale[i]))
		dst = appendUint(dst, `,"offline":`, uint64(c.Offline[i]))
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}

// lonLatIn is the place at fractions of a tile's width, in degrees.
func lonLatIn(t tile.ID, x, y float32) (lon, lat float64) {
	size := float64(uint64(1) << (32 - t.Z))
	return tile.LonLat((float64(t.X)+float64(x))*size, (float64(t.Y)+float64(y))*size)
}
