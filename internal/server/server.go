// Package server answers HTTP: OGC API, tiles, styles, the live socket and the
// viewer, each in a file of its own name. It reads snapshots and the hub, and
// writes through the store's contract; which store that is it does not know.
//
//	request ─▶ routes ─▶ limits, CORS, log ─▶ handler ─▶ answer
//	                                             └─ error ─▶ problem (RFC 9457)
package server

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/internal/config"
	"twind/layers"
	"twind/layers/snapshot"
	"twind/realtime"
	"twind/realtime/cases"
	"twind/realtime/history"
	"twind/realtime/rules"
	"twind/realtime/sensorthings"
	"twind/realtime/webhooks"
	"twind/tiles"
	"twind/tiles/archive"
	"twind/tiles/sprite"
	"twind/tiles/tiles3d"
)

// Options are what a Server is made of. All but the last four must be set.
type Options struct {
	Store   layers.Store
	Catalog *snapshot.Catalog
	Tiles   *tiles.Service
	Solids  *tiles3d.Service // nil: no 3D
	Hub     *realtime.Hub
	Viewer  fs.FS           // the built viewer: index.html and assets
	Context context.Context // ends the live connections
	Log     *slog.Logger
	Metrics *prometheus.Registry

	config.Config
	Version string
	Groups  []Group // how the viewer's layer tree is grouped; layers in none come last

	// History is what was recorded of the live layers; nil: /live/history answers 501.
	History *history.Log
	// Observatory takes readings; nil: /live/observations answers 501.
	Observatory *realtime.Observatory
	// SensorThings holds the entities below /sensorthings/v1.1; nil: they answer 501.
	SensorThings *sensorthings.Store

	// Rules watch what is live; nil: /live/rules and /live/alarms answer 501.
	Rules *rules.Rules

	// Cases are the events that have a life; nil: /live/events answers 501. It needs History.
	Cases *cases.Register
	// Webhooks post events to other systems; nil: /live/webhooks answers 501.
	Webhooks *webhooks.Hooks

	// Rasters are the layers of image tiles, each with an id of its own.
	Rasters []Raster
	// Archives are files of finished tiles, each with an id that no layer and no
	// raster has. One that is not open is no layer.
	Archives []*archive.Archive

	// Grounds are the elevation models.
	Grounds []Ground

	// Sprites are the icons of the styles; nil is the built-in ones.
	Sprites *sprite.Set

	// Ready is asked by /readyz; nil is always ready.
	Ready func() error
}

// Group is a branch of the viewer's layer tree.
type Group struct {
	ID     string      `json:"id"`
	Title  layers.Text `json:"title"`
	Layers []layers.ID `json:"layers"`
}

// Server answers HTTP. It is safe for concurrent use.
type Server struct {
	o       Options
	proxies []netip.Prefix
	counts  *countCache
	metrics *metrics
	handler http.Handler
	// policies are the readers' rights; nil: everybody may read everything.
	policies func(*http.Request, layers.ID) layers.Policy

	takePositions    http.Handler
	takeObservations http.Handler // nil without an Observatory
	takeEvents       http.Handler // nil without Cases
	perTile          int          // layers of one rendering: tiles.MaxLayers, less in tests
	patience         patience
	making, sending  *room // of large answers
	largeWait        time.Duration
}

// New makes a server of valid options; it fails with layers.ErrInvalid.
func New(o Options) (*Server, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Sprites == nil {
		o.Sprites, _ = sprite.New(sprite.Builtin()) // which have no faults
	}
	s := &Server{o: o, counts: newCountCache(), metrics: newMetrics(o.Metrics), perTile: tiles.MaxLayers, patience: defaultPatience(), largeWait: defaultLargeWait}
	s.making, s.sending = newRoom(largeAnswers, s.metrics, "made"), newRoom(largeAnswers, s.metrics, "sent")
	for _, p := range o.TrustedProxies {
		prefix, err := config.Prefix(p)
		if err != nil {
			return nil, err
		}
		s.proxies = append(s.proxies, prefix)
	}
	s.handler = s.tilesFirst(s.routes())
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// HTTP is an http.Server for s with limits against slow and greedy clients: 10 s
// for a header of at most 256 KiB, 2 min of idleness. Bodies have limits of their
// own, and so has each write of an answer.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    256 << 10,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
}
