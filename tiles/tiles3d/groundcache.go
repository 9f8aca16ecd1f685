package tiles3d

import (
	"strconv"
	"sync"

	"twind/tiles"
)

// groundCache keeps the rims as long as the layers that tell them are the same.
type groundCache struct {
	mu    sync.Mutex // held while rims are read
	state tiles.Key
	rims  *rims
}

// ground is what things stand on now.
func (s *Service) ground() *ground {
	g := &ground{model: s.o.Ground}
	if s.o.GroundRevision != nil {
		g.name = s.o.GroundRevision()
	}
	if s.o.Layers == nil {
		return g
	}
	g.rims = s.rims()
	g.name += " " + strconv.FormatUint(g.rims.key, 36)
	return g
}

// rims are those of the layers as they are now.
func (s *Service) rims() *rims {
	var views []View
	defer func() {
		for _, v := range views {
			v.Release()
		}
	}()
	var buf [512]byte
	w := tiles.KeyWriter(buf[:0])
	for _, id := range rimLayers(s.o.Layers()) {
		v, err := s.o.Views(id)
		if err != nil {
			continue // removed meanwhile, or not readable yet
		}
		views = append(views, v)
		h := s.described.Hash(v.Layer())
		w = append(w, h[:]...)
		w.Text(v.Identity())
		w.Number(uint64(v.Revision()))
	}
	key := w.Key()
	c := &s.grounds
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rims != nil && c.state == key {
		return c.rims
	}
	r := &rims{cells: map[[2]int32][]rim{}}
	for _, v := range views {
		r.add(v)
	}
	c.state, c.rims = key, r
	return r
}
