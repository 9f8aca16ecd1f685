package tiles

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"

	"twind/layers"
	"twind/spatial"
)

// keyVersion changes whenever the same request on the same state gives other
// bytes than an older program gave.
const keyVersion = 4

// Key names the content of an answer for ever: equal keys, equal features.
type Key [sha256.Size]byte

// etag is the strong validator of a form of the tile. A compressed one has two:
// the quick one made first and the better one that replaces it when the tile is
// asked for often.
func (k *Key) etag(e Encoding, better bool) string {
	var b [etagSize]byte
	return string(k.appendETag(b[:0], e, better))
}

// etagSize is the length of the longest.
const etagSize = 28

func (k *Key) appendETag(b []byte, e Encoding, better bool) []byte {
	b = append(b, '"')
	b = base64.RawURLEncoding.AppendEncode(b, k[:15])
	b = append(b, '-', "igz"[e])
	if better {
		b = append(b, '9')
	}
	return append(b, '"')
}

// matches tells whether an If-None-Match header names a form of the tile in the
// encoding or in none, by the weak comparison of RFC 9110 §8.8.3.2, and which.
func (k *Key) matches(header string, e Encoding) (etag string, ok bool) {
	if header == "" {
		return "", false
	}
	var b [3][etagSize]byte
	quick, better, plain := k.appendETag(b[0][:0], e, false), k.appendETag(b[1][:0], e, true), k.appendETag(b[2][:0], Identity, false)
	for item := range strings.SplitSeq(header, ",") {
		switch item = strings.TrimPrefix(strings.TrimSpace(item), "W/"); item {
		case "*":
			return string(quick), true
		case string(quick), string(better), string(plain):
			return item, true
		}
	}
	return "", false
}

// KeyWriter collects what a key is made of. Every part is preceded by its length,
// so that no two requests collide.
type KeyWriter []byte

// Number writes a number.
func (w *KeyWriter) Number(n uint64) { *w = binary.AppendUvarint(*w, n) }

// Text writes a text.
func (w *KeyWriter) Text(s string) {
	w.Number(uint64(len(s)))
	*w = append(*w, s...)
}

// Texts writes a list of texts.
func (w *KeyWriter) Texts(list []string) {
	w.Number(uint64(len(list)))
	for _, s := range list {
		w.Text(s)
	}
}

// Policy writes what a reader may see of a layer.
func (w *KeyWriter) Policy(p layers.Policy) {
	w.Text(p.Key())
	if p.Key() == "" { // no compiler named it: its content does
		w.Filter(p.Rows)
		w.Texts(p.Hidden)
	}
}

// Key is the key of all that was written.
func (w *KeyWriter) Key() Key { return sha256.Sum256(*w) }

func (w *KeyWriter) value(v layers.Value) {
	w.Number(uint64(v.Type()))
	w.Text(v.String())
}

// Filter writes an expression; a nil one and an empty list differ.
func (w *KeyWriter) Filter(f layers.Filter) {
	list := func(op uint64, fs []layers.Filter) {
		w.Number(op)
		w.Number(uint64(len(fs)))
		for _, m := range fs {
			w.Filter(m)
		}
	}
	switch f := f.(type) {
	case nil:
		w.Number(0)
	case layers.And:
		list(1, f)
	case layers.Or:
		list(2, f)
	case layers.Not:
		w.Number(3)
		w.Filter(f.Filter)
	case layers.Comparison:
		w.Number(4)
		w.Text(f.Property)
		w.Number(uint64(f.Op))
		w.value(f.Value)
	case layers.Like:
		w.Number(5)
		w.Text(f.Property)
		w.Text(f.Pattern)
		if f.FoldCase {
			w.Number(1)
		} else {
			w.Number(0)
		}
	case layers.In:
		w.Number(6)
		w.Text(f.Property)
		w.Number(uint64(len(f.Values)))
		for _, v := range f.Values {
			w.value(v)
		}
	case layers.Between:
		w.Number(7)
		w.Text(f.Property)
		w.value(f.Low)
		w.value(f.High)
	case layers.IsNull:
		w.Number(8)
		w.Text(f.Property)
	case layers.Intersects:
		w.Number(9)
		w.Text(f.Box.String())
	case layers.PropertyComparison:
		w.Number(10)
		w.Text(f.Left)
		w.Number(uint64(f.Op))
		w.Text(f.Right)
	case layers.IntersectsGeometry:
		w.Number(11)
		w.geometry(&f.Geometry)
	case layers.GeometryIsNull:
		w.Number(12)
	default:
		panic(fmt.Sprintf("tiles: a key of %T", f)) // it would be the key of another filter too
	}
}

func (w *KeyWriter) geometry(g *spatial.Geometry) {
	w.Number(uint64(g.Type))
	w.Number(uint64(len(g.XY)))
	for _, v := range g.XY {
		*w = binary.BigEndian.AppendUint64(*w, math.Float64bits(v))
	}
	for _, ends := range [][]int32{g.Ends, g.Parts} {
		w.Number(uint64(len(ends)))
		for _, n := range ends {
			w.Number(uint64(n))
		}
	}
	w.Number(uint64(len(g.Members)))
	for i := range g.Members {
		w.geometry(&g.Members[i])
	}
}

// descriptions remembers a hash of each layer's description as long as the
// description is the same object.
type descriptions struct {
	mu   sync.RWMutex
	last map[layers.ID]description
}

type description struct {
	layer *layers.Layer
	hash  [16]byte
}

func (d *descriptions) hash(l *layers.Layer) [16]byte {
	d.mu.RLock()
	known := d.last[l.ID]
	d.mu.RUnlock()
	if known.layer == l {
		return known.hash
	}
	b, err := json.Marshal(l)
	if err != nil { // nothing in a layer refuses to be marshalled
		panic(err)
	}
	sum := sha256.Sum256(b)
	known = description{l, [16]byte(sum[:16])}
	d.mu.Lock()
	if d.last == nil {
		d.last = map[layers.ID]description{}
	}
	d.last[l.ID] = known
	d.mu.Unlock()
	return known.hash
}

// key is the key of a request on the state that the views show.
func (s *Service) key(r *Request, views viewList, found generalized) Key {
	var buf [512]byte
	w := KeyWriter(buf[:0])
	w.Number(keyVersion)
	w.Number(uint64(r.Tile.Grid))
	w.Number(uint64(r.Tile.Z))
	w.Number(uint64(r.Tile.X))
	w.Number(uint64(r.Tile.Y))
	exact := uint64(0)
	if r.Exact {
		exact = 1
	}
	w.Number(exact)
	w.Filter(r.Filter)
	if r.Properties == nil {
		w.Number(0)
	} else {
		w.Number(1)
		w.Texts(r.Properties)
	}
	box := Box(r.Tile)
	w.Number(uint64(len(views)))
	for i, v := range views {
		h := s.described.hash(v.Layer())
		w = append(w, h[:]...)
		w.Text(string(r.Layers[i]))
		w.Text(v.Identity())
		found.key(&w, i, v, box)
		w.Policy(r.policy(i))
	}
	return w.Key()
}
