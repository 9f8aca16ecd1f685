package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"twind/internal/config"
	"twind/layers"
	"twind/realtime"
	"twind/realtime/gtfsrt"
	"twind/realtime/jt808"
	"twind/realtime/mqtt"
	"twind/realtime/sensorthings"
	"twind/spatial"
)

// makeLiveLayers adds the live layers of the configuration that the store does
// not have.
func makeLiveLayers(ctx context.Context, store layers.Store, list []config.LiveLayer) error {
	for _, c := range list {
		l := layers.Layer{
			ID: c.ID, Title: c.Title, Kind: c.Kind, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16,
			ClassBy: c.ClassBy, Label: c.Label, Owner: c.Owner, Provenance: c.Source,
			Live: &layers.Live{Period: c.Period, Stale: c.Stale, Offline: c.Offline, Removed: c.Removed, MaxSpeed: c.MaxSpeed},
		}
		if l.Kind == "" {
			l.Kind = layers.KindVehicle
		}
		if l.Title == (layers.Text{}) {
			l.Title.EN = string(l.ID)
		}
		if err := store.CreateLayer(ctx, l); err != nil && !errors.Is(err, layers.ErrExists) {
			return err
		}
	}
	return nil
}

// feeds are the ways of live data into the hub besides HTTP. Their ports are
// taken before anything is served, so that a busy one ends the start.
type feeds struct {
	conf     config.Config
	log      *slog.Logger
	metrics  *prometheus.Registry
	mqtt     net.Listener // nil: none
	vehicles net.Listener // of JT/T 808; nil: none
}

func openFeeds(ctx context.Context, conf config.Config, log *slog.Logger, metrics *prometheus.Registry) (f *feeds, err error) {
	f = &feeds{conf: conf, log: log, metrics: metrics}
	if conf.MQTT.Listen != "" {
		if f.mqtt, err = listen(ctx, conf.MQTT.Listen, "--mqtt"); err != nil {
			return nil, err
		}
	}
	if conf.JT808.Listen != "" {
		if f.vehicles, err = listen(ctx, conf.JT808.Listen, "--jt808"); err != nil {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

func (f *feeds) close() {
	for _, ln := range []net.Listener{f.mqtt, f.vehicles} {
		if ln != nil {
			ln.Close()
		}
	}
}

// run starts every feed in g; each ends with ctx.
func (f *feeds) run(ctx context.Context, g *errgroup.Group, hub *realtime.Hub, readings *realtime.Observatory, topics *sensorthings.Topics) error {
	if err := f.runMQTT(ctx, g, hub, readings, topics); err != nil {
		return err
	}
	if err := f.runJT808(ctx, g, hub); err != nil {
		return err
	}
	for _, c := range f.conf.GTFS {
		o := gtfsrt.PollOptions{URL: c.URL, Every: c.Every, Header: c.Header, Log: f.log, Feed: func(feed *gtfsrt.Feed) error {
			_, err := hub.Apply(ctx, feed.Positions(c.Layer))
			return err
		}}
		g.Go(func() error { return ended(ctx, gtfsrt.Poll(ctx, o)) })
	}
	return nil
}

func (f *feeds) runMQTT(ctx context.Context, g *errgroup.Group, hub *realtime.Hub, readings *realtime.Observatory, topics *sensorthings.Topics) error {
	if f.mqtt != nil {
		o := mqtt.BrokerOptions{Sink: hub, Readings: readings, Things: topics, Log: f.log, Registerer: f.metrics}
		if len(f.conf.Tokens) > 0 || !config.Loopback(f.conf.MQTT.Listen) {
			o.Authorize = func(_, password string) (mqtt.Rights, bool) {
				return mqtt.Rights{Write: f.conf.KnowsToken(password)}, true
			}
		}
		broker, err := mqtt.NewBroker(o)
		if err != nil {
			return err
		}
		topics.Connect(broker)
		g.Go(func() error { return ended(ctx, broker.Serve(ctx, f.mqtt)) })
	}
	for _, b := range f.conf.MQTT.Brokers {
		o := mqtt.ClientOptions{
			Sink: hub, Readings: readings, URL: b.URL, User: b.User, Password: b.Password, ClientID: b.ClientID,
			Topics: b.Topics, Layer: b.Layer, QoS: byte(b.QoS), Log: f.log, Registerer: f.metrics,
		}
		o.EnsureDefaults()
		if err := o.Validate(); err != nil {
			return err
		}
		g.Go(func() error { return ended(ctx, mqtt.Follow(ctx, o)) })
	}
	return nil
}

func (f *feeds) runJT808(ctx context.Context, g *errgroup.Group, hub *realtime.Hub) error {
	if f.vehicles == nil {
		return nil
	}
	c := f.conf.JT808
	if _, err := hub.Layer(c.Layer); err != nil {
		return layers.Errorf(layers.ErrInvalid, "jt808: there is no live layer %s; name one with jt808.layer, or make it with live: [{id: %s}]", c.Layer, c.Layer)
	}
	datum, err := jt808.ParseDatum(c.Datum)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return err
	}
	secret, err := secretFile(filepath.Join(dataDir(f.conf), "jt808.key"))
	if err != nil {
		return err
	}
	s, err := jt808.New(jt808.Options{
		Sink: hub, Layer: c.Layer, Accept: jt808.Accept(c.Accept), Known: c.Known, Secret: secret,
		Datum: datum, Zone: zone, Log: f.log, Registerer: f.metrics,
	})
	if err != nil {
		return err
	}
	g.Go(func() error { return ended(ctx, s.Serve(ctx, f.vehicles)) })
	return nil
}

// secretFile reads 32 random bytes from a file, and makes it at the first time.
func secretFile(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err == nil && len(b) >= 16 {
		return b, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", path, err)
	}
	b = make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "%s cannot be written: %w", path, err)
	}
	return b, nil
}
