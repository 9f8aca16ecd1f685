package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"twind/realtime"
)

// Limits of request bodies, in bytes.
const (
	maxItemBody      = 16 << 20 // one feature
	maxPositionsBody = 32 << 20 // one batch of positions
)

func (s *Server) routes() chi.Router {
	r := chi.NewRouter()
	r.Use(s.guard, s.cors, s.measure)
	r.NotFound(s.handle(func(http.ResponseWriter, *http.Request) error {
		return nothingHere()
	}))
	routes := r
	r.MethodNotAllowed(s.handle(s.otherMethod(routes)))
	gz, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.CompressionLevel(5), gzhttp.SuffixETag("-gzip"), gzhttp.ContentTypeFilter(compressible))
	if err != nil {
		panic(err) // constant options
	}
	compressed := func(h http.Handler) http.Handler { return gz(h) }
	get := func(r chi.Router, pattern string, h handler) {
		r.Method(http.MethodGet, pattern, s.handle(h))
		r.Method(http.MethodHead, pattern, s.handle(h))
	}

	r.Group(func(r chi.Router) {
		r.Use(compressed)
		for _, p := range []string{"/ogc", "/ogc/"} {
			get(r, p, s.landing)
		}
		get(r, "/ogc/conformance", s.conformance)
		get(r, "/ogc/api", s.openAPI)
		get(r, "/ogc/processes", s.processes)
		get(r, "/ogc/processes/{process}", s.process)
		r.Post("/ogc/processes/{process}/execution", s.handle(s.execute))
		get(r, "/ogc/collections", s.collections)
		get(r, "/ogc/collections/{collection}", s.collection)
		get(r, "/ogc/collections/{collection}/schema", s.schema)
		get(r, "/ogc/collections/{collection}/queryables", s.queryables)
		get(r, "/ogc/collections/{collection}/items", s.items)
		get(r, "/ogc/collections/{collection}/nearest", s.nearest)
		get(r, "/ogc/collections/{collection}/items/{item}", s.item)
		get(r, "/ogc/collections/{collection}/tiles", s.collectionTilesets)
		get(r, "/ogc/collections/{collection}/tiles/{tileMatrixSet}", s.collectionTilesetInfo)
		get(r, "/ogc/tiles", s.datasetTilesets)
		get(r, "/ogc/tiles/{tileMatrixSet}", s.datasetTilesetInfo)
		get(r, "/ogc/tileMatrixSets", s.tileMatrixSets)
		get(r, "/ogc/tileMatrixSets/{tileMatrixSet}", s.tileMatrixSet)
		r.Post("/ogc/collections/{collection}/items", s.handle(s.mayWrite(s.createItem)))
		r.Put("/ogc/collections/{collection}/items/{item}", s.handle(s.mayWrite(s.replaceItem)))
		r.Patch("/ogc/collections/{collection}/items/{item}", s.handle(s.mayWrite(s.patchItem)))
		r.Delete("/ogc/collections/{collection}/items/{item}", s.handle(s.mayWrite(s.deleteItem)))
		r.Options("/ogc/collections/{collection}/items", s.handle(s.itemsOptions))
		r.Options("/ogc/collections/{collection}/items/{item}", s.handle(s.itemOptions))
		get(r, "/styles/{file}", s.style)
		get(r, "/wmts", s.ows(s.wmts, false))
		get(r, "/wmts/1.0.0/WMTSCapabilities.xml", s.ows(s.wmtsCapabilitiesResource, true))
		get(r, "/search", s.searchItems)
		get(r, "/live/history", s.history)
		s.routeSensorThings(r)
		s.routeRules(r, get)
		s.routeEvents(r, get)
		s.routeWebhooks(r, get)
		get(r, "/viewer/config.json", s.viewerConfig)
		get(r, "/*", s.fileOr(routes))
	})
	get(r, "/tiles/{file}", s.tileJSON)
	get(r, "/3d/{layer}/tileset.json", s.withSolids(s.solidTileset))
	get(r, "/3d/{layer}/implicit/tileset.json", s.withSolids(s.solidImplicit))
	get(r, "/3d/{layer}/implicit/s/{level}/{x}/{file}", s.withSolids(s.solidImplicitSubtree))
	get(r, "/3d/{layer}/report.json", s.withSolids(s.solidReport))
	get(r, "/3d/{layer}/t/{level}/{x}/{file}", s.withSolids(s.solidSubtree))
	get(r, "/3d/{layer}/c/{level}/{x}/{file}", s.withSolids(s.solidContent))
	get(r, tilePattern, s.vectorTile)
	get(r, "/sprites/{file}", s.sprite)
	get(r, "/raster/{file}", s.rasterTileJSON)
	get(r, "/raster/{layer}/{z}/{x}/{file}", s.rasterTile)
	get(r, "/raster/{layer}/elevation", s.elevation)
	get(r, "/terrain/{id}/layer.json", s.terrainLayer)
	get(r, "/terrain/{id}/{z}/{x}/{file}", s.terrainTile)
	get(r, "/wmts/1.0.0/{layer}/{style}/{tileMatrixSet}/{tileMatrix}/{tileRow}/{file}", s.ows(s.wmtsResource, true))
	get(r, "/ogc/tiles/{tileMatrixSet}/{tileMatrix}/{tileRow}/{tileCol}", s.datasetTile)
	get(r, "/ogc/collections/{collection}/tiles/{tileMatrixSet}/{tileMatrix}/{tileRow}/{tileCol}", s.collectionTile)

	hosts := s.originHosts()
	r.Handle("/live", realtime.Handler(s.o.Context, s.o.Hub, realtime.HandlerOptions{Origins: hosts, Policies: s.policy}))
	s.takePositions = realtime.PositionsHandler(s.o.Hub, realtime.PositionsOptions{MaxBody: maxPositionsBody, Origins: hosts})
	r.Post("/live/positions", s.handle(s.mayWrite(s.ingest(s.takePositions))))
	if s.o.Observatory != nil {
		s.takeObservations = realtime.ObservationsHandler(s.o.Observatory, realtime.PositionsOptions{MaxBody: maxPositionsBody, Origins: hosts})
	}
	r.Post("/live/observations", s.handle(s.mayWrite(s.ingest(s.takeObservations))))
	if s.o.Cases != nil {
		s.takeEvents = realtime.EventsHandler(s.o.Cases, realtime.PositionsOptions{MaxBody: maxPositionsBody, Origins: hosts})
	}
	r.Post("/live/events", s.handle(s.mayWrite(s.withEvents(s.ingest(s.takeEvents)))))

	get(r, "/healthz", func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err := w.Write([]byte("ok\n"))
		return err
	})
	get(r, "/readyz", func(w http.ResponseWriter, _ *http.Request) error {
		if s.o.Ready != nil {
			if err := s.o.Ready(); err != nil {
				return fail(503, err.Error())
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err := w.Write([]byte("ready\n"))
		return err
	})
	numbers := promhttp.HandlerFor(s.o.Metrics, promhttp.HandlerOpts{})
	get(r, "/metrics", func(w http.ResponseWriter, r *http.Request) error {
		numbers.ServeHTTP(w, r)
		return nil
	})
	return r
}

// tilePattern is the route of vector tiles.
const tilePattern = "/tiles/{layers}/{z}/{x}/{file}"

// tilesFirst answers GET of vector tiles without the router, which takes two fifths
// of what an answer from the cache costs besides net/http; all else goes to it.
func (s *Server) tilesFirst(router http.Handler) http.Handler {
	tiles := s.guard(s.cors(s.measureAs(tilePattern, s.handle(func(w http.ResponseWriter, r *http.Request) error {
		p, _ := readTilePath(r)
		return s.tileAt(w, r, p)
	}))))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := readTilePath(r); ok && r.Method == http.MethodGet {
			tiles.ServeHTTP(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

// compressible are the media types worth compressing; tiles compress themselves.
func compressible(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	switch t {
	case "application/json", "application/geo+json", "application/schema+json", "application/problem+json",
		"application/vnd.oai.openapi+json", "application/xml", "text/html", "text/css", "text/javascript", "application/javascript",
		"image/svg+xml", "text/plain", "text/csv", "application/x-ndjson", "font/ttf", "application/manifest+json":
		return true
	}
	return false
}

// Values of headers that most answers carry; nobody writes to them.
var (
	nosniff        = []string{"nosniff"}
	sameOrigin     = []string{"same-origin"}
	noCache        = []string{"no-cache"}
	acceptEncoding = []string{"Accept-Encoding"}
	tileType       = []string{typeMVT}
)

// guard sets what every answer carries and turns a panic of one request into a
// 500 for it alone.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = nosniff
		h["Referrer-Policy"] = sameOrigin
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
					panic(p)
				}
				s.o.Log.Error("a request panicked", "method", r.Method, "path", r.URL.Path, "panic", p)
				s.metrics.panics.Inc()
				s.fail(w, r, fail(500, "The server failed to answer; its log says why."))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// cors lets pages of any origin read, and only allowed ones write.
func (s *Server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		requested := r.Header.Get("Access-Control-Request-Method")
		preflight := r.Method == http.MethodOptions && requested != ""
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead ||
			preflight && (requested == http.MethodGet || requested == http.MethodHead)
		if reads {
			h.Set("Access-Control-Allow-Origin", "*")
		} else if s.originAllowed(r, origin) {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Add("Vary", "Origin")
		}
		h.Set("Access-Control-Expose-Headers", "ETag, Location, Link, Content-Crs, Twind-Generalized")
		if preflight {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "Accept, Accept-Language, Authorization, Content-Type, If-Match, If-None-Match")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// measure counts answers by their route.
func (s *Server) measure(next http.Handler) http.Handler { return s.measureAs("", next) }

// measureAs counts them as answers of one route, or of the router's if that is empty.
func (s *Server) measureAs(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		sw := &answerWriter{ResponseWriter: w, patience: s.patience}
		next.ServeHTTP(sw, r)
		pattern := route
		if pattern == "" {
			pattern = chi.RouteContext(r.Context()).RoutePattern()
		}
		if sw.status == 0 { // an empty answer, not sent yet
			sw.expect(0)
			sw.status = http.StatusOK
		}
		s.metrics.observe(r.Method, pattern, sw.status, time.Since(start))
	})
}
