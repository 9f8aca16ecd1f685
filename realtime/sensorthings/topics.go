package sensorthings

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"twind/layers"
	"twind/realtime"
)

// Broker carries the messages of Topics; *mqtt.Broker is one.
type Broker interface {
	// Send passes a message on to the subscribers of exactly this topic. It waits
	// for none of them.
	Send(topic string, payload []byte)
	// Hears tells whether a topic has subscribers.
	Hears(topic string) bool
}

// TopicOptions of NewTopics. Base must be set.
type TopicOptions struct {
	// Base is the absolute URL of the service's root over HTTP, without a trailing
	// slash; self links begin with it.
	Base string
	// Observe is given the Observations that were made, when they are on disk;
	// nil: nobody.
	Observe func(context.Context, []realtime.Observation)
	Log     *slog.Logger // nil: none
}

// Topics is SensorThings over MQTT (18-088, the requirements classes
// create-observations-via-mqtt and receive-updates-via-mqtt): what is published
// to a collection of Observations is made as by POST, and who subscribes to an
// address is told of what is made or changed there, as a GET would show it, once
// it is on disk. It is safe for concurrent use.
type Topics struct {
	s *Store
	o TopicOptions
}

// NewTopics connects a store, which has one Topics at most, with a broker.
func NewTopics(s *Store, o TopicOptions) *Topics {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Topics{s: s, o: o}
}

// Connect names the broker that carries the messages; call it before it serves.
func (t *Topics) Connect(b Broker) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.topicBase, t.s.watches.heard = t.o.Base, b.Hears
	t.s.out.send = b.Send
	t.s.out.skip = func(topic string, size int) {
		t.o.Log.Debug("a SensorThings entity is too large for MQTT; its subscribers are not told", "topic", cutTopic(topic), "bytes", size)
	}
}

// Owns tells whether a topic is one of SensorThings.
func (t *Topics) Owns(topic string) bool { return strings.HasPrefix(topic, topicPrefix) }

// Watch prepares a topic that a client subscribes to. It fails with
// layers.ErrInvalid for a topic that tells of nothing: wildcards, addresses that
// do not exist, query options but $select; and with layers.ErrUnavailable when
// too many topics are known.
func (t *Topics) Watch(topic string) error {
	w, err := parseTopic(topic)
	if err == nil {
		err = t.s.watches.add(w, t.s.now())
	}
	if err != nil {
		return topicError(err)
	}
	return nil
}

// Watched tells whether a topic has been prepared.
func (t *Topics) Watched(topic string) bool { return t.s.watches.has(topic) }

// Create makes the Observation that a client publishes, and returns when it is on
// disk. It fails with layers.ErrInvalid for what POST refuses and for topics of
// other collections, and with layers.ErrUnavailable while the disk takes nothing.
func (t *Topics) Create(ctx context.Context, topic string, body []byte) error {
	path, ok := strings.CutPrefix(topic, topicPrefix)
	if !ok || len(topic) > maxTopicBytes {
		return layers.Errorf(layers.ErrInvalid, "topic %.80q: Observations are published on v1.1/Observations or v1.1/Datastreams(1)/Observations", topic)
	}
	if len(body) > MaxBody {
		return layers.Errorf(layers.ErrInvalid, "a message of %d bytes: at most %d are taken", len(body), MaxBody)
	}
	o, err := parseObject(body)
	if err != nil {
		return topicError(err)
	}
	var readings []realtime.Observation
	err = t.s.write(func(c *change) error {
		to, err := t.s.resolve(path)
		if err != nil {
			return err
		}
		if to.kind != observations || to.one != nil {
			return bad("Topic %s: only Observations can be made by MQTT, on v1.1/Observations, v1.1/Datastreams(1)/Observations or v1.1/FeaturesOfInterest(1)/Observations.", short(topic))
		}
		if _, err = c.insertAt(path, o); err == nil {
			readings = c.readings()
		}
		return err
	})
	if err != nil {
		return topicError(err)
	}
	if t.o.Observe != nil && len(readings) > 0 {
		t.o.Observe(ctx, readings)
	}
	return nil
}

// Create makes the entity of a body in a collection, as POST does, and returns
// when it is on disk. It fails as Topics.Create does.
func (s *Store) Create(path string, body []byte) error {
	o, err := parseObject(body)
	if err == nil {
		err = s.write(func(c *change) error {
			_, err := c.insertAt(path, o)
			return err
		})
	}
	if err != nil {
		return topicError(err)
	}
	return nil
}

func cutTopic(topic string) string { return fmt.Sprintf("%.80q", topic) }

// Observe gives readings to an Observatory, which may believe them less than the
// client that sent them: their clock may be ahead, their object unknown. nil: to
// none.
func Observe(ob *realtime.Observatory, log *slog.Logger) func(context.Context, []realtime.Observation) {
	if ob == nil {
		return nil
	}
	return func(ctx context.Context, readings []realtime.Observation) {
		result, err := ob.Apply(ctx, readings)
		if err != nil {
			return // the client has gone
		}
		for _, r := range result.Refused {
			log.Debug("an observation of SensorThings is not shown live", "datastream", r.ID, "reason", r.Reason)
		}
	}
}
