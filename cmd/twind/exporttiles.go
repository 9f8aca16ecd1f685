package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"twind/exporters"
	"twind/internal/config"
	"twind/layers"
	"twind/layers/pyramid"
	"twind/layers/snapshot"
	"twind/spatial"
	"twind/spatial/tile"
	"twind/tiles"
	"twind/tiles/mvt"
	"twind/tiles/pmtiles"
)

// exportTiles renders layers into a PMTiles archive, from one state of the store.
func (c *exportCommand) exportTiles(p *program, ids []layers.ID, conf config.Config, store layers.Store) error {
	bounds, err := parseBounds(string(c.BBox))
	if err != nil {
		return usageError{err}
	}
	bar := newProgress(p)
	defer bar.done()
	dir := snapshotDir(conf, store)
	catalog, err := snapshot.Open(p.ctx, store, snapshot.Options{
		Dir: dir, Log: slog.New(slog.DiscardHandler),
		Progress: func(l layers.ID, done, total int64) { bar.set("indexing "+string(l), done, total) },
	})
	if err != nil {
		return err
	}
	defer catalog.Close()
	bar.set("generalising", 0, 0)
	src, err := newTileSource(p.ctx, catalog, ids, dir)
	if err != nil {
		return err
	}
	defer src.close()
	o := exporters.TileOptions{
		Bounds: bounds, Order: pmtiles.TileID,
		Progress: func(z uint8, done, total int64) { bar.set("writing zoom "+strconv.Itoa(int(z)), done, total) },
	}
	doc, err := src.describe(p.ctx, &o, c.MinZoom, c.MaxZoom)
	if err != nil {
		return err
	}
	target, err := exporters.Target(c.Output, exporters.PMTiles)
	if err != nil {
		return err
	}
	w, err := pmtiles.Create(target, doc)
	if err != nil {
		return err
	}
	n, err := exporters.ExportTiles(p.ctx, w, src, o)
	if err != nil {
		return err
	}
	bar.done()
	info, err := os.Stat(target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "%d tiles of %s, zooms %d to %d, %d bytes, in %s\n", n, strings.Join(c.Layer, ", "), o.MinZoom, o.MaxZoom, info.Size(), c.Output)
	return err
}

// boxFlag is a value that may begin with a minus sign: --bbox -74,40,-73,41.
type boxFlag string

// Decode implements kong.MapperValue.
func (f *boxFlag) Decode(ctx *kong.DecodeContext) error {
	t := ctx.Scan.Pop()
	if t.IsEOL() {
		return errors.New("expected west,south,east,north")
	}
	*f = boxFlag(t.String())
	return nil
}

// parseBounds reads west,south,east,north; empty is the world.
func parseBounds(s string) (e spatial.Envelope, err error) {
	if s == "" {
		return e, nil
	}
	var v [4]float64
	parts := strings.Split(s, ",")
	for i := range v {
		if len(parts) == len(v) {
			v[i], err = strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		}
		if len(parts) != len(v) || err != nil || math.IsNaN(v[i]) {
			return e, layers.Errorf(layers.ErrInvalid, "--bbox %s: expected four numbers west,south,east,north in degrees", s)
		}
	}
	e = spatial.Envelope{MinX: v[0], MinY: v[1], MaxX: v[2], MaxY: v[3]}
	if e.MinX >= e.MaxX || e.MinY >= e.MaxY || e.MinX < -180 || e.MaxX > 180 || e.MinY < -90 || e.MaxY > 90 {
		return e, layers.Errorf(layers.ErrInvalid, "--bbox %s: expected west < east within ±180 and south < north within ±90 degrees", s)
	}
	return e, nil
}

// tileSource renders the tiles of an export. It implements exporters.TileSource.
type tileSource struct {
	ids      []layers.ID
	views    []*snapshot.View
	pyramids *pyramid.Catalog
	service  *tiles.Service
}

func newTileSource(ctx context.Context, catalog *snapshot.Catalog, ids []layers.ID, dir string) (*tileSource, error) {
	s := &tileSource{ids: ids}
	for _, id := range ids {
		v, err := catalog.View(id)
		if err != nil {
			s.close()
			return nil, err
		}
		s.views = append(s.views, v)
	}
	var err error
	if s.pyramids, err = pyramid.New(pyramid.Options{Views: pyramid.Views(catalog), Dir: dir}); err != nil {
		s.close()
		return nil, err
	}
	if err := s.pyramids.Settle(ctx, ids...); err != nil {
		s.close()
		return nil, err
	}
	// A tile is asked for once: the cache need not hold any.
	if s.service, err = tiles.New(tiles.Options{Views: tiles.From(catalog), Pyramids: s.pyramids, NewEncoder: mvt.New, CacheBytes: 1 << 20}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *tileSource) close() {
	for _, v := range s.views {
		v.Release()
	}
	if s.service != nil {
		_ = s.service.Close() // waits; it has no error to tell
	}
	if s.pyramids != nil {
		_ = s.pyramids.Close() // its files are derived
	}
}

// describe says what the archive is, and sets the zooms: those asked for, within
// those of the layers.
func (s *tileSource) describe(ctx context.Context, o *exporters.TileOptions, first, last *uint8) (pmtiles.WriterOptions, error) {
	d, err := s.service.TileJSON(ctx, tiles.Request{Layers: s.ids}, "")
	if err != nil {
		return pmtiles.WriterOptions{}, err
	}
	o.MinZoom, o.MaxZoom = d.MinZoom, d.MaxZoom
	if first != nil {
		o.MinZoom = max(o.MinZoom, *first)
	}
	if last != nil {
		o.MaxZoom = min(o.MaxZoom, *last)
	}
	if o.MinZoom > o.MaxZoom {
		return pmtiles.WriterOptions{}, usageError{layers.Errorf(layers.ErrInvalid, "the layers have tiles at zooms %d to %d; choose --min-zoom and --max-zoom among them", d.MinZoom, d.MaxZoom)}
	}
	m := pmtiles.Metadata{Name: d.Name, Description: d.Description, Attribution: credits(d.Attribution), Type: "overlay"}
	for _, l := range d.VectorLayers {
		if first, last := max(l.MinZoom, o.MinZoom), min(l.MaxZoom, o.MaxZoom); first <= last {
			m.VectorLayers = append(m.VectorLayers, pmtiles.VectorLayer{ID: string(l.ID), Description: l.Description, MinZoom: first, MaxZoom: last, Fields: l.Fields})
		}
	}
	b := spatial.Envelope{MinX: d.Bounds[0], MinY: d.Bounds[1], MaxX: d.Bounds[2], MaxY: d.Bounds[3]}
	if o.Bounds != (spatial.Envelope{}) && o.Bounds.Intersects(b) {
		b = spatial.Envelope{MinX: max(b.MinX, o.Bounds.MinX), MinY: max(b.MinY, o.Bounds.MinY), MaxX: min(b.MaxX, o.Bounds.MaxX), MaxY: min(b.MaxY, o.Bounds.MaxY)}
		if !b.ContainsPoint(d.Center[0], d.Center[1]) {
			lon, lat := b.Center()
			d.Center = [3]float64{lon, lat, d.Center[2]}
		}
	}
	d.Center[2] = max(float64(o.MinZoom), min(float64(o.MaxZoom), d.Center[2]))
	return pmtiles.WriterOptions{Metadata: m, Type: pmtiles.MVT, Tiles: pmtiles.Gzip, Bounds: b, Center: d.Center}, nil
}

// credits names each of those that layers name only once.
func credits(text string) string {
	var list []string
	for name := range strings.SplitSeq(strings.ReplaceAll(text, " · ", ";"), ";") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, "; ")
}

// reach is how far around a tile, in units of its grid, features may lie that
// are drawn in it: the buffer, and what generalising moves.
const reach = 512

// Holds tells whether a layer has a feature in or near the tile.
func (s *tileSource) Holds(id tile.ID) bool {
	box := id.World(reach, tiles.GridSize)
	var found []uint32
	for _, v := range s.views {
		segments := v.Segments()
		for i := range segments {
			if found = segments[i].Search(box, found[:0]); len(found) > 0 {
				return true
			}
		}
	}
	return false
}

// Tile renders a tile in gzip; empty where nothing is drawn.
func (s *tileSource) Tile(ctx context.Context, id tile.ID) ([]byte, error) {
	t, err := s.service.Tile(ctx, tiles.Request{Layers: s.ids, Tile: id})
	if errors.Is(err, tiles.ErrZoom) || err == nil && t.Empty {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return pmtiles.Deflate(nil, t.Bytes)
}
