package realtime

import (
	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// metrics are the hub's counters, twind_live_…
type metrics struct {
	positions *prometheus.CounterVec // layer, outcome
	unknown   prometheus.Counter
	counts    *prometheus.GaugeVec // layer, state
	viewers   prometheus.Gauge
	tick      prometheus.Histogram
	frames    prometheus.Counter
	shared    prometheus.Counter
	bytes     prometheus.Counter
	messages  *prometheus.CounterVec // direction
	in, out   prometheus.Counter     // of messages
	malformed prometheus.Counter
	closed    *prometheus.CounterVec // reason
}

// layerMetrics are one layer's.
type layerMetrics struct {
	outcome [numOutcomes]prometheus.Counter
	state   [numStates]prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		positions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_live_positions_total", Help: "Positions received, by layer and by what became of them."}, []string{"layer", "outcome"}),
		unknown:   prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_live_positions_unknown_layer_total", Help: "Positions of layers that are not live."}),
		counts:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "twind_live_entities", Help: "Entities, by layer and state."}, []string{"layer", "state"}),
		viewers:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "twind_live_viewers", Help: "Connected viewers."}),
		tick: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "twind_live_tick_seconds", Help: "Duration of one tick: ageing, encoding and serving all viewers.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .2, .5}}),
		frames:    prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_live_frames_encoded_total", Help: "Frames of entities encoded."}),
		shared:    prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_live_frames_shared_total", Help: "Frames given to a further viewer without encoding."}),
		bytes:     prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_live_sent_bytes_total", Help: "Bytes of messages written to viewers."}),
		messages:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_live_messages_total", Help: "Messages of viewers, by direction."}, []string{"direction"}),
		closed:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_live_disconnects_total", Help: "Connections that ended, by reason."}, []string{"reason"}),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_live_positions_malformed_total", Help: "Positions whose JSON could not be read."}),
	}
	m.in, m.out = m.messages.WithLabelValues("in"), m.messages.WithLabelValues("out")
	return m
}

func (m *metrics) register(r prometheus.Registerer) {
	if r == nil {
		return
	}
	r.MustRegister(m.positions, m.unknown, m.counts, m.viewers, m.tick, m.frames, m.shared, m.bytes, m.messages, m.closed, m.malformed)
}

func (m *metrics) layer(id layers.ID) *layerMetrics {
	lm := &layerMetrics{}
	for o := range lm.outcome {
		lm.outcome[o] = m.positions.WithLabelValues(string(id), Outcome(o).String())
	}
	for s := range lm.state {
		lm.state[s] = m.counts.WithLabelValues(string(id), State(s).String())
	}
	return lm
}

func (m *metrics) forget(id layers.ID) {
	m.counts.DeletePartialMatch(prometheus.Labels{"layer": string(id)})
}

func (lm *layerMetrics) count(n [numOutcomes]int) {
	for o, k := range n {
		if k > 0 {
			lm.outcome[o].Add(float64(k))
		}
	}
}

func (lm *layerMetrics) entities(c [numStates]int) {
	for s, k := range c {
		lm.state[s].Set(float64(k))
	}
}
