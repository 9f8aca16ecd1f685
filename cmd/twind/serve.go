package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"twind/internal/config"
	"twind/internal/demo"
	"twind/internal/server"
	"twind/layers"
	"twind/layers/cql2"
	"twind/layers/pyramid"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial"
	"twind/tiles"
	"twind/tiles/mvt"
	"twind/tiles/tiles3d"
	"twind/web/viewer"
)

type serveCommand struct {
	Addr      string `help:"Address to listen on; 127.0.0.1:8080 unless the config says otherwise." placeholder:"HOST:PORT"`
	Store     string `help:"geopackage:PATH or postgres://user@host/database." placeholder:"STORE"`
	Config    string `help:"Configuration file." placeholder:"twind.yaml"`
	PublicURL string `name:"public-url" help:"Absolute URL under which clients reach the server." placeholder:"URL"`
	Data      string `help:"Folder of the snapshots." placeholder:"DIR"`
	MQTT      string `name:"mqtt" help:"Address of the embedded MQTT broker; none by default." placeholder:"HOST:PORT"`
	JT808     string `name:"jt808" help:"Address for vehicle terminals of JT/T 808; none by default." placeholder:"HOST:PORT"`
	Debug     string `help:"Loopback address of profiles of the running program (net/http/pprof); none by default." placeholder:"HOST:PORT"`
	Verbose   bool   `short:"v" help:"Log each failed request."`
}

func (c *serveCommand) Run(p *program) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	log := newLog(p, c.Verbose, slog.LevelInfo)
	store, err := openStore(p.ctx, conf, true, log)
	if err != nil {
		return err
	}
	defer store.Close()
	return serve(p, conf, store, log, serving{})
}

// config reads the file and lets flags win over it.
func (c *serveCommand) config() (config.Config, error) {
	var conf config.Config
	if c.Config != "" {
		var err error
		if conf, err = config.Load(c.Config); err != nil {
			return conf, usageError{err}
		}
	}
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	set(&conf.Addr, c.Addr)
	set(&conf.Store, c.Store)
	set(&conf.PublicURL, c.PublicURL)
	set(&conf.Data, c.Data)
	set(&conf.MQTT.Listen, c.MQTT)
	set(&conf.JT808.Listen, c.JT808)
	set(&conf.Debug, c.Debug)
	conf.EnsureDefaults()
	if err := conf.Validate(); err != nil {
		return conf, usageError{err}
	}
	return conf, nil
}

// newLog logs from a level up, or everything.
func newLog(p *program, verbose bool, level slog.Level) *slog.Logger {
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(p.errOut, &slog.HandlerOptions{Level: level}))
}

// serving is what the demo adds to serve.
type serving struct {
	groups  []server.Group
	feeds   func(ctx context.Context, live demo.Live) error // runs until ctx ends
	started func(url string, conf config.Config)            // called once requests are answered
}

// serve wires the parts, answers requests until p.ctx ends, and closes in order.
func serve(p *program, conf config.Config, store layers.Store, log *slog.Logger, o serving) error {
	ln, err := listen(p.ctx, conf.Addr, "--addr")
	if err != nil {
		return err
	}
	defer ln.Close()
	conf.Addr = ln.Addr().String() // port 0 is known now

	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	gatherState(conf, log)
	dir := dataDir(conf)
	if err := writable(dir); err != nil {
		return err
	}
	feeds, err := openFeeds(p.ctx, conf, log, metrics)
	if err != nil {
		return err
	}
	defer feeds.close()
	if feeds.mqtt != nil {
		conf.MQTT.Listen = feeds.mqtt.Addr().String() // as announced
	}
	profiles, err := openDebug(p.ctx, conf.Debug)
	if err != nil {
		return err
	}
	if err := makeLiveLayers(p.ctx, store, conf.Live); err != nil {
		return err
	}
	if err := describeLayers(p.ctx, conf, store, log); err != nil {
		return err
	}
	bar := newProgress(p)
	catalog, err := snapshot.Open(p.ctx, store, snapshot.Options{
		Dir: dir, Log: log, Registerer: metrics,
		Progress: func(l layers.ID, done, total int64) { bar.set("indexing "+string(l), done, total) },
	})
	bar.done()
	if err != nil {
		return err
	}
	defer catalog.Close()

	recorded, journal, err := openHistory(conf, log, metrics)
	if err != nil {
		return err
	}
	if recorded != nil {
		defer recorded.Close()
	}
	hub := realtime.New(realtime.Options{
		Codec: wire.NewCodec(), Log: log, Registerer: metrics, Journal: journal,
		NewCodec:    func() realtime.Codec { return wire.NewCodec() },
		ParseFilter: func(l *layers.Layer, text string) (layers.Filter, error) { return cql2.ParseText(text, l) },
	})
	pyramids, err := pyramid.New(pyramid.Options{Views: pyramid.Views(catalog), Dir: dir, Identity: catalog.Identity(), Log: log, Registerer: metrics, Late: func(id layers.ID) {
		hub.PublishChange(layers.Change{Layer: id, Envelope: spatial.Envelope{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}})
	}})
	if err != nil {
		return err
	}
	defer pyramids.Close()
	defer pyramids.Follow(catalog)()
	drawings, err := mvt.NewDrawings(int64(conf.DrawingBytes), metrics)
	if err != nil {
		return err
	}
	tileService, err := tiles.New(tiles.Options{
		Views: tiles.From(catalog), Pyramids: pyramids, NewEncoder: drawings.NewEncoder,
		CacheBytes: int64(conf.TileCacheBytes), Log: log, Registerer: metrics,
	})
	if err != nil {
		return err
	}
	defer tileService.Close()
	ground, err := openModels(conf, log, metrics)
	if err != nil {
		return err
	}
	defer ground.Close()
	solids, err := tiles3d.New(tiles3d.Options{Views: tiles3d.From(catalog), Ground: ground, GroundRevision: ground.Revision, Layers: catalog.Layers, CacheBytes: int64(conf.TileCacheBytes), Log: log, Registerer: metrics})
	if err != nil {
		return err
	}
	defer solids.Close()
	if err := followLiveLayers(catalog, hub); err != nil {
		return err
	}
	defer catalog.Subscribe(func(c layers.Change) {
		if c.Whole {
			if err := followLiveLayers(catalog, hub); err != nil {
				log.Error("a live layer cannot be followed", "layer", c.Layer, "error", err)
			}
		}
		hub.PublishChange(c)
	})()

	sprites, err := icons(conf.Icons, log)
	if err != nil {
		return err
	}
	observatory := newObservatory(catalog, journal, log)
	watched, err := openRules(p.ctx, conf, recorded, catalog, hub, observatory, log, metrics)
	if err != nil {
		return err
	}
	if watched != nil {
		defer watched.Close()
		defer catalog.Subscribe(func(c layers.Change) { watched.Changed(c.Layer) })()
	}
	sensorThings, err := openSensorThings(conf)
	if err != nil {
		return err
	}
	defer sensorThings.Close()
	lanes, err := openLanes(p.ctx, conf, recorded, watched, catalog, hub, observatory, sensorThings, log, metrics)
	if err != nil {
		return err
	}
	defer lanes.close()
	photos, err := openImages(conf, log, metrics)
	if err != nil {
		return err
	}
	defer photos.Close()
	rasters := slices.Concat(photos.rasters, ground.rasters)
	archives := openArchives(p.ctx, conf, catalog.Layers(), rasters, log)
	defer closeArchives(archives)

	g, ctx := errgroup.WithContext(p.ctx)
	srv, err := server.New(server.Options{
		Context: ctx,
		Store:   store, Catalog: catalog, Tiles: tileService, Solids: solids, Hub: hub, Viewer: viewer.FS(), Log: log, Metrics: metrics,
		History: recorded, Observatory: observatory, Rules: watched, Cases: lanes.cases, Webhooks: lanes.webhooks, SensorThings: sensorThings,
		Config: conf, Version: version, Groups: o.groups, Sprites: sprites,
		Rasters: rasters, Grounds: ground.grounds, Archives: archives,
		Ready: func() error { return answers(ctx, store) },
	})
	if err != nil {
		return err
	}
	if err := feeds.run(ctx, g, hub, observatory, sensorThingsTopics(conf, sensorThings, observatory, log)); err != nil {
		return err
	}
	runDebug(ctx, g, profiles)
	runArchives(ctx, g, archives)
	httpServer := srv.HTTP()
	httpServer.BaseContext = func(net.Listener) context.Context { return ctx }
	g.Go(func() error { return ended(ctx, catalog.Run(ctx)) })
	g.Go(func() error { return ended(ctx, hub.Run(ctx)) })
	g.Go(func() error { return ended(ctx, sensorThings.Keep(ctx, log)) })
	if watched != nil {
		g.Go(func() error { return ended(ctx, watched.Run(ctx)) })
	}
	lanes.run(ctx, g)
	if o.feeds != nil {
		live := demo.Live{Positions: hub, Readings: observatory, Rules: watched, Things: sensorThings}
		if lanes.cases != nil {
			live.Events = lanes.cases
		}
		g.Go(func() error { return ended(ctx, o.feeds(ctx, live)) })
	}
	g.Go(func() error {
		if err := httpServer.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if httpServer.Shutdown(stop) != nil {
			return httpServer.Close()
		}
		return nil
	})
	url := "http://" + conf.Addr
	if conf.PublicURL != "" {
		url = strings.TrimRight(conf.PublicURL, "/")
	}
	if o.started != nil {
		o.started(url, conf)
	} else {
		fmt.Fprintf(p.out, "twind serves %d layers on %s\n", len(catalog.Layers()), url)
	}
	return g.Wait()
}

// answers tells whether a store can be read and, where it knows, written.
func answers(ctx context.Context, store layers.Store) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if s, ok := store.(interface{ Writable() error }); ok {
		if err := s.Writable(); err != nil {
			return err
		}
	}
	_, err := store.Head(ctx)
	return err
}

// followLiveLayers makes the hub's layers those live ones that the store describes.
func followLiveLayers(catalog *snapshot.Catalog, hub *realtime.Hub) error {
	described := map[layers.ID]bool{}
	for _, l := range catalog.Layers() {
		if l.Live == nil {
			continue
		}
		described[l.ID] = true
		if err := hub.AddLayer(l); err != nil && !errors.Is(err, layers.ErrExists) {
			return err
		}
	}
	for _, l := range hub.Layers() {
		if !described[l.ID] {
			if err := hub.RemoveLayer(l.ID); err != nil && !errors.Is(err, layers.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// ended drops the error of what was asked to stop.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func listen(ctx context.Context, addr, flag string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err == nil {
		return ln, nil
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, layers.Errorf(layers.ErrUnavailable, "address %s is in use by another program; choose another with %s, or port 0 for any free one", addr, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, layers.Errorf(layers.ErrUnavailable, "address %s may not be used by this user; choose a port above 1023 with %s", addr, flag)
	}
	return nil, layers.Errorf(layers.ErrUnavailable, "address %s cannot be used: %v; choose another with %s", addr, err, flag)
}

// writable makes the folder and tries to write in it.
func writable(dir string) error {
	bad := func(err error) error {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return layers.Errorf(layers.ErrUnavailable, "folder %s is not writable (%v); choose another with --data", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return bad(err)
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return bad(err)
	}
	f.Close()
	return os.Remove(f.Name())
}
