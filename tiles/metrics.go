package tiles

import "github.com/prometheus/client_golang/prometheus"

// answerMetrics counts what an Answers does.
type answerMetrics struct {
	answers map[string]prometheus.Counter // by result
	renders prometheus.Histogram
	forms   *prometheus.CounterVec
}

// Results of answers.
const (
	resultHit         = "hit"
	resultMiss        = "miss"
	resultShared      = "shared" // waited for another's rendering
	resultNotModified = "not_modified"
	resultError       = "error"
)

// newAnswerMetrics names what is rendered, such as "tile".
func newAnswerMetrics(r prometheus.Registerer, name string, c *cache) (*answerMetrics, error) {
	prefix := "twind_" + name + "_"
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "answers_total",
		Help: "Requests by result: hit (from the cache), miss (rendered), shared (rendered for another request), not_modified, error."}, []string{"result"})
	m := &answerMetrics{
		answers: map[string]prometheus.Counter{},
		renders: prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + "render_seconds",
			Help:    "Time to search, encode and first compress a " + name + ".",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}}),
		forms: prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + "forms_total",
			Help: "Compressions and expansions, by encoding and level."}, []string{"encoding", "level"}),
	}
	for _, result := range []string{resultHit, resultMiss, resultShared, resultNotModified, resultError} {
		m.answers[result] = answers.WithLabelValues(result)
	}
	gauge := func(what, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: prefix + what, Help: help}, read)
	}
	return m, register(r,
		answers, m.renders, m.forms,
		gauge("cache_entries", "Answers in the cache.", func() float64 { n, _, _ := c.stats(); return float64(n) }),
		gauge("cache_bytes", "Bytes of answers in the cache, all forms.", func() float64 { _, b, _ := c.stats(); return float64(b) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: prefix + "cache_evictions_total", Help: "Answers that left the cache for others."},
			func() float64 { _, _, n := c.stats(); return float64(n) }),
	)
}

// serviceMetrics counts what the tiles of a Service hold.
type serviceMetrics struct {
	features, repaired, dropped prometheus.Counter
}

func newServiceMetrics(r prometheus.Registerer) (*serviceMetrics, error) {
	counter := func(what, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_tile_" + what + "_total", Help: help})
	}
	m := &serviceMetrics{
		features: counter("features", "Features written to tiles."),
		repaired: counter("repaired", "Polygons that rounding or clipping had made invalid and that were repaired."),
		dropped:  counter("dropped", "Features left out of generalised tiles."),
	}
	return m, register(r, m.features, m.repaired, m.dropped)
}

// register publishes collectors; a nil registerer publishes nothing.
func register(r prometheus.Registerer, list ...prometheus.Collector) error {
	if r == nil {
		return nil
	}
	for _, c := range list {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}
