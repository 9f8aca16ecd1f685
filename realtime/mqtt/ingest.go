package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
	"twind/realtime"
)

// Sink is where positions go: a *realtime.Hub.
type Sink interface {
	Apply(ctx context.Context, positions []realtime.Position) (realtime.Result, error)
	// Recorded waits until what Apply accepted before is on disk.
	Recorded(ctx context.Context) error
}

// MaxMessage bounds a message's payload, bytes.
const MaxMessage = 4 << 20

// maxBatch is how many positions of a message are applied at once.
const maxBatch = 512

// ingest gives the positions of messages to the sink.
type ingest struct {
	sink     Sink
	readings Readings // nil: none are taken
	messages *prometheus.CounterVec
	rows     *prometheus.CounterVec
	dropped  prometheus.Counter
}

func newIngest(sink Sink, readings Readings, r prometheus.Registerer) (*ingest, error) {
	g := &ingest{
		sink: sink, readings: readings,
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_mqtt_messages_total", Help: "Messages by what became of them."}, []string{"outcome"}),
		rows:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_mqtt_positions_total", Help: "Positions of messages by what became of them."}, []string{"outcome"}),
		dropped:  prometheus.NewCounter(prometheus.CounterOpts{Name: "twind_mqtt_dropped_total", Help: "Messages that were not passed on to a subscriber that reads too slowly."}),
	}
	if r == nil {
		return g, nil
	}
	var was prometheus.AlreadyRegisteredError // a broker and clients count together
	if err := r.Register(g.dropped); errors.As(err, &was) {
		g.dropped = was.ExistingCollector.(prometheus.Counter)
	} else if err != nil {
		return nil, err
	}
	for _, c := range []**prometheus.CounterVec{&g.messages, &g.rows} {
		if err := r.Register(*c); errors.As(err, &was) {
			*c = was.ExistingCollector.(*prometheus.CounterVec)
		} else if err != nil {
			return nil, err
		}
	}
	return g, nil
}

// topic takes a topic of twind apart; it fails with layers.ErrInvalid for any other.
func topic(name string) (layer layers.ID, id string, err error) {
	rest, ok := strings.CutPrefix(name, "twind/")
	if !ok {
		return "", "", layers.Errorf(layers.ErrInvalid, "topic %.80q: positions are published on twind/{layer}/{id} or twind/{layer}", name)
	}
	first, id, _ := strings.Cut(rest, "/")
	layer, err = layers.ParseID(first)
	return layer, id, err
}

// message takes a message on any topic; those that are not twind's own belong to
// fallback, unless that is empty.
func (g *ingest) message(ctx context.Context, name string, fallback layers.ID, payload []byte, durable bool) error {
	if isReadings(name) {
		return g.takeReadings(ctx, payload, durable)
	}
	layer, id, err := topic(name)
	if err != nil && fallback != "" {
		layer, id, err = fallback, "", nil
	}
	if err != nil {
		return g.counted(err)
	}
	return g.take(ctx, layer, id, payload, durable)
}

// take applies a message's positions; with durable it returns once they are on
// disk. id, when not empty, is the only entity that the message may speak of. It
// fails with layers.ErrInvalid for a message that holds nothing that was taken.
func (g *ingest) take(ctx context.Context, layer layers.ID, id string, payload []byte, durable bool) error {
	err := g.apply(ctx, layer, id, payload)
	if err == nil && durable {
		err = g.sink.Recorded(ctx)
	}
	return g.counted(err)
}

// counted counts a message by what became of it.
func (g *ingest) counted(err error) error {
	outcome := "taken"
	if err != nil {
		outcome = "refused"
	}
	g.messages.WithLabelValues(outcome).Inc()
	return err
}

func (g *ingest) apply(ctx context.Context, layer layers.ID, id string, payload []byte) error {
	if len(payload) > MaxMessage {
		return layers.Errorf(layers.ErrInvalid, "a message of %d bytes, at most %d are taken; send fewer positions at a time", len(payload), MaxMessage)
	}
	r := realtime.NewReader(bytes.NewReader(payload), isLines(payload))
	r.DefaultLayer(layer)
	t := taking{ingest: g, ctx: ctx}
	for {
		var p realtime.Position
		_, err := r.Next(&p)
		var item *realtime.ItemError
		switch {
		case err == nil:
			err = t.add(&p, layer, id)
		case errors.As(err, &item):
			t.refuse(realtime.Invalid, item.Error())
			err = nil
		}
		if errors.Is(err, io.EOF) {
			return t.end()
		}
		if err != nil {
			return errors.Join(err, t.flush())
		}
	}
}

// taking is one message that is being taken.
type taking struct {
	*ingest
	ctx      context.Context
	batch    []realtime.Position
	accepted int
	reason   string // why the first refused position was
}

func (t *taking) add(p *realtime.Position, layer layers.ID, id string) error {
	if p.Layer != layer || id != "" && p.ID != id {
		t.refuse(realtime.Invalid, fmt.Sprintf("the topic says %s/%s, the position %s/%s", layer, id, p.Layer, p.ID))
		return nil
	}
	p.Properties = bytes.Clone(p.Properties)
	if t.batch = append(t.batch, *p); len(t.batch) == maxBatch {
		return t.flush()
	}
	return nil
}

func (t *taking) refuse(o realtime.Outcome, reason string) {
	t.rows.WithLabelValues(o.String()).Inc()
	if t.reason == "" {
		t.reason = reason
	}
}

func (t *taking) flush() error {
	if len(t.batch) == 0 {
		return nil
	}
	result, err := t.sink.Apply(t.ctx, t.batch)
	t.batch = t.batch[:0]
	t.accepted += result.Accepted
	t.rows.WithLabelValues(realtime.Accepted.String()).Add(float64(result.Accepted))
	for _, r := range result.Refused {
		if r.Outcome == realtime.Duplicate {
			t.accepted++ // sent again, as QoS 1 does: it is there
		}
		t.refuse(r.Outcome, r.Reason)
	}
	if result.Unrecorded > 0 {
		err = errors.Join(err, result.JournalError)
	}
	return err
}

// end concludes a message that was read whole.
func (t *taking) end() error {
	if err := t.flush(); err != nil {
		return err
	}
	if t.accepted == 0 && t.reason != "" {
		return layers.Errorf(layers.ErrInvalid, "%s", t.reason)
	}
	return nil
}

// isLines tells NDJSON, in which an object ends before the payload does, from
// one object.
func isLines(payload []byte) bool {
	p := bytes.TrimSpace(payload)
	return len(p) > 0 && p[0] == '{' && bytes.IndexByte(p, '\n') >= 0 && bytes.Contains(p, []byte("}\n"))
}
