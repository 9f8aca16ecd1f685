package main

import (
	"context"
	"log/slog"
	"math"

	"twind/layers"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
	"twind/realtime/rules"
	"twind/realtime/sensorthings"
)

// lanes are what viewers get besides what moves: events and readings.
type lanes struct {
	cases    *cases.Register // nil without a history
	events   *realtime.EventLane
	readings *realtime.ReadingsLane
}

// openLanes opens the register of events and gives the hub its lanes. Without a
// history there are readings only.
func openLanes(ctx context.Context, recorded *history.Log, watched *rules.Rules, catalog *snapshot.Catalog, hub *realtime.Hub, ob *realtime.Observatory, things *sensorthings.Store, log *slog.Logger) (*lanes, error) {
	l := &lanes{}
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
		register, err := cases.Open(ctx, cases.Options{Log: recorded, Logger: log, Place: placesIn(catalog, hub)})
		if err != nil {
			return nil, err
		}
		l.cases = register
		l.events = realtime.NewEventLane(realtime.EventLaneOptions{Log: recorded, Open: register.Open})
	}
	hub.SetLanes(l.events, l.readings)
	return l, nil
}

func (l *lanes) close() {
	l.readings.Close()
	if l.events != nil {
		l.events.Close()
		l.cases.Close()
	}
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
