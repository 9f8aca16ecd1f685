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
const keyVersion = 1

// key names the content of a tile for ever: equal keys, equal features.
type key [sha256.Size]byte

// etag is the strong validator of a form of the tile. A compressed one has two:
// the quick one made first and the better one that replaces it when the tile is
// asked for often.
func (k *key) etag(e Encoding, better bool) string {
	b := make([]byte, 0, 28)
	b = append(b, '"')
	b = base64.RawURLEncoding.AppendEncode(b, k[:15])
	b = append(b, '-', "igz"[e])
	if better {
		b = append(b, '9')
	}
	return string(append(b, '"'))
}

// matches tells whether an If-None-Match header names a form of the tile in the
// encoding or in none, by the weak comparison of RFC 9110 §8.8.3.2, and which.
func (k *key) matches(header string, e Encoding) (etag string, ok bool) {
	if header == "" {
		return "", false
	}
	quick, better, plain := k.etag(e, false), k.etag(e, true), k.etag(Identity, false)
	for item := range strings.SplitSeq(header, ",") {
		switch item = strings.TrimPrefix(strings.TrimSpace(item), "W/"); item {
		case quick, "*":
			return quick, true
		case better, plain:
			return item, true
		}
	}
	return "", false
}

// keyWriter collects what a key is made of. Every part is preceded by its length,
// so that no two requests collide.
type keyWriter []byte

func (w *keyWriter) number(n uint64) { *w = binary.AppendUvarint(*w, n) }

func (w *keyWriter) text(s string) {
	w.number(uint64(len(s)))
	*w = append(*w, s...)
}

func (w *keyWriter) texts(list []string) {
	w.number(uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

func (w *keyWriter) value(v layers.Value) {
	w.number(uint64(v.Type()))
	w.text(v.String())
}

// filter writes an expression; a nil one and an empty list differ.
func (w *keyWriter) filter(f layers.Filter) {
	list := func(op uint64, fs []layers.Filter) {
		w.number(op)
		w.number(uint64(len(fs)))
		for _, m := range fs {
			w.filter(m)
		}
	}
	switch f := f.(type) {
	case nil:
		w.number(0)
	case layers.And:
		list(1, f)
	case layers.Or:
		list(2, f)
	case layers.Not:
		w.number(3)
		w.filter(f.Filter)
	case layers.Comparison:
		w.number(4)
		w.text(f.Property)
		w.number(uint64(f.Op))
		w.value(f.Value)
	case layers.Like:
		w.number(5)
		w.text(f.Property)
		w.text(f.Pattern)
		if f.FoldCase {
			w.number(1)
		} else {
			w.number(0)
		}
	case layers.In:
		w.number(6)
		w.text(f.Property)
		w.number(uint64(len(f.Values)))
		for _, v := range f.Values {
			w.value(v)
		}
	case layers.Between:
		w.number(7)
		w.text(f.Property)
		w.value(f.Low)
		w.value(f.High)
	case layers.IsNull:
		w.number(8)
		w.text(f.Property)
	case layers.Intersects:
		w.number(9)
		w.text(f.Box.String())
	case layers.PropertyComparison:
		w.number(10)
		w.text(f.Left)
		w.number(uint64(f.Op))
		w.text(f.Right)
	case layers.IntersectsGeometry:
		w.number(11)
		w.geometry(&f.Geometry)
	case layers.GeometryIsNull:
		w.number(12)
	default:
		panic(fmt.Sprintf("tiles: a key of %T", f)) // it would be the key of another filter too
	}
}

func (w *keyWriter) geometry(g *spatial.Geometry) {
	w.number(uint64(g.Type))
	w.number(uint64(len(g.XY)))
	for _, v := range g.XY {
		*w = binary.BigEndian.AppendUint64(*w, math.Float64bits(v))
	}
	for _, ends := range [][]int32{g.Ends, g.Parts} {
		w.number(uint64(len(ends)))
		for _, n := range ends {
			w.number(uint64(n))
		}
	}
	w.number(uint64(len(g.Members)))
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
func (s *Service) key(r *Request, views viewList) key {
	var buf [512]byte
	w := keyWriter(buf[:0])
	w.number(keyVersion)
	w.number(uint64(r.Tile.Z))
	w.number(uint64(r.Tile.X))
	w.number(uint64(r.Tile.Y))
	exact := uint64(0)
	if r.Exact {
		exact = 1
	}
	w.number(exact)
	w.filter(r.Filter)
	if r.Properties == nil {
		w.number(0)
	} else {
		w.number(1)
		w.texts(r.Properties)
	}
	box := Box(r.Tile)
	w.number(uint64(len(views)))
	for i, v := range views {
		h := s.described.hash(v.Layer())
		w = append(w, h[:]...)
		w.text(string(r.Layers[i]))
		w.text(v.Identity())
		w.number(uint64(v.TileRevision(box)))
		p := r.policy(i)
		w.text(p.Key())
		if p.Key() == "" { // no compiler named it: its content does
			w.filter(p.Rows)
			w.texts(p.Hidden)
		}
	}
	return sha256.Sum256(w)
}
