package main

import (
	"context"
	"log/slog"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/history"
	"twind/realtime/rules"
	"twind/spatial"
)

// openRules opens the rules beside the history, which keeps their events; nil
// where there is none.
func openRules(ctx context.Context, c config.Config, recorded *history.Log, catalog *snapshot.Catalog, hub *realtime.Hub, ob *realtime.Observatory, log *slog.Logger, metrics prometheus.Registerer) (*rules.Rules, error) {
	if recorded == nil {
		return nil, nil
	}
	r, err := rules.Open(ctx, rules.Options{
		Dir: filepath.Join(filepath.Dir(historyDir(c)), "rules"), Log: recorded, Recorded: recorded, Logger: log, Registerer: metrics,
		Zones: func(ctx context.Context, id layers.ID, features []string) ([]rules.Zone, error) {
			return zonesOf(ctx, catalog, id, features)
		},
		Layer: func(id layers.ID) (found, live bool) { return kindOf(catalog, hub, id) },
		Place: func(id layers.ID, feature string) (lon, lat float64, ok bool) { return placeOf(catalog, id, feature) },
		Entity: func(id layers.ID, entity string) bool {
			_, err := hub.Find(id, entity)
			return err == nil
		},
		Reading: func(datastream string, of realtime.Binding) (known bool) {
			if datastream != "" {
				_, known = ob.Latest(datastream)
			} else {
				_, known = ob.Of(of)
			}
			return known
		},
		Entities: func(id layers.ID) []realtime.Entity {
			all, _ := hub.Box(id, spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}) // none of a layer that is not live yet
			return all
		},
	})
	if err != nil {
		return nil, err
	}
	hub.Watch(r.Positions)
	ob.Subscribe(r.Observations)
	return r, nil
}

// kindOf tells whether there is a layer, and whether its entities report positions.
func kindOf(catalog *snapshot.Catalog, hub *realtime.Hub, id layers.ID) (found, live bool) {
	if _, err := hub.Layer(id); err == nil {
		return true, true
	}
	v, err := catalog.View(id)
	if err != nil {
		return false, false
	}
	v.Release()
	return true, false
}

// placeOf is the point of a feature, or the middle of its box.
func placeOf(catalog *snapshot.Catalog, id layers.ID, feature string) (lon, lat float64, ok bool) {
	v, err := catalog.View(id)
	if err != nil {
		return 0, 0, false
	}
	defer v.Release()
	ref, ok := v.Find(feature)
	if !ok {
		return 0, 0, false
	}
	e := v.Envelope(ref)
	lon, lat = e.Center()
	return lon, lat, !e.IsEmpty()
}

// zonesOf lists the polygons of a layer, or of some of its features.
func zonesOf(ctx context.Context, catalog *snapshot.Catalog, id layers.ID, features []string) ([]rules.Zone, error) {
	v, err := catalog.View(id)
	if err != nil {
		return nil, err
	}
	defer v.Release()
	var out []rules.Zone
	add := func(f *layers.Feature) {
		if t := f.Geometry.Type; t == spatial.Polygon || t == spatial.MultiPolygon {
			out = append(out, rules.Zone{Name: f.ID, Geometry: f.Geometry.Clone()})
		}
	}
	for _, name := range features {
		ref, ok := v.Find(name)
		if !ok {
			return nil, layers.Errorf(layers.ErrNotFound, "layer %s has no feature %.80q", id, name)
		}
		var f layers.Feature
		v.Feature(ref, &f)
		add(&f)
	}
	if len(features) == 0 {
		err = v.Scan(ctx, layers.Query{}, func(f *layers.Feature) error {
			if add(f); len(out) > rules.MaxZones {
				return layers.Errorf(layers.ErrInvalid, "layer %s has more than %d polygons, too many for a rule; name features", id, rules.MaxZones)
			}
			return nil
		})
	}
	return out, err
}
