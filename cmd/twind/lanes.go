package main

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
	"twind/realtime/rules"
	"twind/realtime/sensorthings"
	"twind/realtime/webhooks"
)

// lanes are what viewers get besides what moves: events and readings.
type lanes struct {
	cases    *cases.Register // nil without a history
	webhooks *webhooks.Hooks // too
	events   *realtime.EventLane
	readings *realtime.ReadingsLane
	log      *slog.Logger
}

// openLanes opens the register of events and gives the hub its lanes. Without a
// history there are readings only.
func openLanes(ctx context.Context, c config.Config, recorded *history.Log, watched *rules.Rules, catalog *snapshot.Catalog, hub *realtime.Hub, ob *realtime.Observatory, things *sensorthings.Store, log *slog.Logger, metrics prometheus.Registerer) (*lanes, error) {
	l := &lanes{log: log}
	names := sensorthings.NewNames(things)
	o := realtime.ReadingsLaneOptions{
		Observatory: ob,
		Describe:    func(x *realtime.Observation) (layers.Text, string) { return describe(catalog, names, x) },
		Place:       func(x *realtime.Observation) (lon, lat float64, ok bool) { return placeOf(catalog, x.Layer, x.Feature) },
	}
	if watched != nil {
		o.Level = watched.Level
	}
	l.readings = realtime.NewReadingsLane(o)
	if recorded != nil {
		hooks, err := webhooks.Open(webhooks.Options{Dir: filepath.Join(filepath.Dir(historyDir(c)), "webhooks"), Log: recorded, Logger: log, Registerer: metrics})
		if err != nil {
			return nil, err
		}
		register, err := cases.Open(ctx, cases.Options{Log: recorded, Logger: log, Place: placesIn(catalog, hub)})
		if err != nil {
			return nil, err
		}
		l.cases, l.webhooks = register, hooks
		l.events = realtime.NewEventLane(realtime.EventLaneOptions{Log: recorded, Open: register.Open})
	}
	hub.SetLanes(l.events, l.readings)
	return l, nil
}

func (l *lanes) close() {
	l.readings.Close()
	if l.events == nil {
		return
	}
	l.events.Close()
	l.cases.Close()
	if err := l.webhooks.Close(); err != nil {
		l.log.Error("webhooks post again what they posted last", "cause", err)
	}
}

// run runs what has to until ctx ends.
func (l *lanes) run(ctx context.Context, g *errgroup.Group) {
	if l.events == nil {
		return
	}
	g.Go(func() error { return ended(ctx, l.cases.Run(ctx)) })
	g.Go(func() error { return ended(ctx, l.webhooks.Run(ctx)) })
}

// describe names what a reading of an object's property is, by the Datastream of
// SensorThings that is bound to it, else by the layer's schema.
func describe(catalog *snapshot.Catalog, names *sensorthings.Names, x *realtime.Observation) (name layers.Text, unit string) {
	if name, unit, ok := names.Of(realtime.Binding{Layer: x.Layer, Feature: x.Feature, Property: x.Property}); ok {
		return name, unit
	}
	name = layers.Text{EN: x.Property}
	v, err := catalog.View(x.Layer)
	if err != nil {
		return name, ""
	}
	defer v.Release()
	d := v.Layer()
	i := d.PropertyIndex(x.Property)
	if i < 0 {
		return name, ""
	}
	if p := d.Schema[i]; p.Title != (layers.Text{}) {
		return p.Title, p.Unit
	}
	return name, d.Schema[i].Unit
}

// placesIn finds where the objects of layers are, the middle of their envelope,
// and where what moves is now. It fails for a layer that there is not.
func placesIn(catalog *snapshot.Catalog, hub *realtime.Hub) func(layers.ID, string) (lon, lat float64, err error) {
	return func(id layers.ID, feature string) (lon, lat float64, err error) {
		if e, err := hub.Find(id, feature); err == nil {
			return e.Lon, e.Lat, nil
		}
		v, err := catalog.View(id)
		if err != nil {
			return math.NaN(), math.NaN(), err
		}
		v.Release()
		if lon, lat, ok := placeOf(catalog, id, feature); ok {
			return lon, lat, nil
		}
		return math.NaN(), math.NaN(), nil
	}
}
