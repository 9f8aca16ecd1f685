package tiles

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what the service does.
type metrics struct {
	answers  *prometheus.CounterVec
	renders  prometheus.Histogram
	features prometheus.Counter
	repaired prometheus.Counter
	dropped  prometheus.Counter
	forms    *prometheus.CounterVec
}

// Results of answers.
const (
	resultHit         = "hit"
	resultMiss        = "miss"
	resultShared      = "shared" // waited for another's rendering
	resultNotModified = "not_modified"
	resultError       = "error"
)

func newMetrics(r prometheus.Registerer, c *cache) (*metrics, error) {
	m := &metrics{
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_tile_answers_total",
			Help: "Tile requests by result: hit (from the cache), miss (rendered), shared (rendered for another request), not_modified, error."}, []string{"result"}),
		renders: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "twind_tile_render_seconds",
			Help:    "Time to search, encode and first compress a tile.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}}),
		features: prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_tile_features_total", Help: "Features written to tiles."}),
		repaired: prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_tile_repaired_total", Help: "Polygons that rounding or clipping had made invalid and that were repaired."}),
		dropped:  prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_tile_dropped_total", Help: "Features left out of generalised tiles."}),
		forms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_tile_forms_total",
			Help: "Compressions and expansions of tiles, by encoding and level."}, []string{"encoding", "level"}),
	}
	if r == nil {
		return m, nil
	}
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	for _, c := range []prometheus.Collector{
		m.answers, m.renders, m.features, m.repaired, m.dropped, m.forms,
		gauge("twind_tile_cache_entries", "Tiles in the cache.", func() float64 { n, _, _ := c.stats(); return float64(n) }),
		gauge("twind_tile_cache_bytes", "Bytes of tiles in the cache, all forms.", func() float64 { _, b, _ := c.stats(); return float64(b) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "twind_tile_cache_evictions_total", Help: "Tiles that left the cache for others."},
			func() float64 { _, _, n := c.stats(); return float64(n) }),
	} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
