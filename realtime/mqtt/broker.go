package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// BrokerOptions of NewBroker.
type BrokerOptions struct {
	Sink     Sink     // must be set
	Readings Readings // takes observations; nil: they are refused
	// Authorize gives the rights of a client by its user name and password, and
	// false to let it not in at all; nil: everybody may do everything.
	Authorize func(user, password string) (Rights, bool)
	// Things takes and watches the topics of SensorThings; nil: there are none.
	Things Things

	MaxClients int64        // default 10,000
	Log        *slog.Logger // default: discards
	Registerer prometheus.Registerer
}

// Things is SensorThings as the broker sees it: a *sensorthings.Topics. Everybody
// who is let in may subscribe to its topics.
type Things interface {
	// Owns tells whether a topic is one of SensorThings.
	Owns(topic string) bool
	// Watch prepares a topic that a client subscribes to; Watched tells whether it
	// has been. Watch fails with layers.ErrInvalid or ErrUnavailable.
	Watch(topic string) error
	Watched(topic string) bool
	// Create takes what a client publishes and returns when it is on disk.
	Create(ctx context.Context, topic string, body []byte) error
}

// Rights are what a client may do.
type Rights struct {
	Write bool                    // publish positions and Observations
	Reads func(id layers.ID) bool // subscribe to a layer; nil: to every one
}

// Broker is an MQTT broker for twind's topics and those of SensorThings.
type Broker struct{ server *mochi.Server }

// Send passes a message on to the subscribers of a topic, each with the quality
// it subscribed with. It waits for none: of who reads too slowly, messages are
// dropped and counted.
func (b *Broker) Send(topic string, payload []byte) {
	_ = b.server.Publish(topic, payload, false, 2) // the inline client is never refused
}

// Hears tells whether a topic has subscribers, sessions of absent clients included.
func (b *Broker) Hears(topic string) bool {
	return len(b.server.Topics.Subscribers(topic).Subscriptions) > 0
}

// NewBroker makes a broker; it fails with layers.ErrInvalid.
func NewBroker(o BrokerOptions) (*Broker, error) {
	if o.Sink == nil {
		return nil, layers.Errorf(layers.ErrInvalid, "mqtt: a sink is needed")
	}
	if o.MaxClients <= 0 {
		o.MaxClients = 10_000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	in, err := newIngest(o.Sink, o.Readings, o.Registerer)
	if err != nil {
		return nil, err
	}
	limits := mochi.NewDefaultServerCapabilities()
	limits.MaximumClients = o.MaxClients
	limits.MaximumPacketSize = MaxMessage + 64<<10
	limits.MaximumClientWritesPending = 1024
	limits.MaximumInflight = 1024
	limits.MaximumSessionExpiryInterval = 3600
	s := mochi.New(&mochi.Options{Capabilities: limits, Logger: quiet(o.Log), InlineClient: true, SysTopicResendInterval: 3600})
	if err := s.AddHook(&hook{o: o, in: in, complain: complaints{log: o.Log, now: time.Now}}, nil); err != nil {
		return nil, err
	}
	return &Broker{s}, nil
}

// Serve takes connections until ctx ends, then closes them all and returns nil.
// It closes ln.
func (b *Broker) Serve(ctx context.Context, ln net.Listener) error {
	if err := b.server.AddListener(listeners.NewNet("twind", ln)); err != nil {
		return err
	}
	if err := b.server.Serve(); err != nil {
		return err
	}
	<-ctx.Done()
	return b.server.Close()
}

// quiet passes on what an operator must know: the library warns of each client
// that goes away, and adds whole packets, with payloads and passwords, to its
// errors.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(levelled{log.Handler()}) }

type levelled struct{ slog.Handler }

func (l levelled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && l.Handler.Enabled(ctx, level)
}

// Handle passes a record on as a warning, without packets.
func (l levelled) Handle(ctx context.Context, r slog.Record) error {
	short := slog.NewRecord(r.Time, slog.LevelWarn, "MQTT: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" || a.Key == "client" || a.Key == "listener" {
			short.AddAttrs(slog.String(a.Key, fmt.Sprintf("%.200v", a.Value.Any())))
		}
		return true
	})
	if !l.Handler.Enabled(ctx, slog.LevelWarn) {
		return nil
	}
	return l.Handler.Handle(ctx, short)
}

func (l levelled) WithAttrs(a []slog.Attr) slog.Handler { return levelled{l.Handler.WithAttrs(a)} }
func (l levelled) WithGroup(n string) slog.Handler      { return levelled{l.Handler.WithGroup(n)} }

// hook is what twind adds to the broker.
type hook struct {
	mochi.HookBase
	o        BrokerOptions
	in       *ingest
	rights   sync.Map // *mochi.Client → Rights
	complain complaints
}

// ID names the hook.
func (h *hook) ID() string { return "twind" }

// Provides lists what the hook does.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnDisconnect, mochi.OnWill, mochi.OnSubscribe, mochi.OnPublishDropped:
		return true
	}
	return false
}

// OnConnectAuthenticate finds a client's rights.
func (h *hook) OnConnectAuthenticate(cl *mochi.Client, pk packets.Packet) bool {
	rights, ok := Rights{Write: true}, true
	if h.o.Authorize != nil {
		rights, ok = h.o.Authorize(string(pk.Connect.Username), string(pk.Connect.Password))
	}
	if ok {
		h.rights.Store(cl, rights)
	}
	return ok
}

// OnDisconnect forgets a client's rights.
func (h *hook) OnDisconnect(cl *mochi.Client, _ error, _ bool) { h.rights.Delete(cl) }

// OnACLCheck keeps clients to twind's topics, and to wildcards over layers only
// where they may read every layer.
func (h *hook) OnACLCheck(cl *mochi.Client, name string, write bool) bool {
	v, ok := h.rights.Load(cl)
	if !ok {
		return false
	}
	rights := v.(Rights)
	if write {
		return rights.Write && !strings.HasPrefix(name, "$")
	}
	rest, ok := strings.CutPrefix(name, "twind/")
	if !ok {
		return h.o.Things != nil && h.o.Things.Owns(name) && h.o.Things.Watched(name)
	}
	if rights.Reads == nil {
		return true
	}
	layer, _, _ := strings.Cut(rest, "/")
	id, err := layers.ParseID(layer)
	return err == nil && rights.Reads(id)
}

// OnSubscribe prepares topics of SensorThings, and makes filters of what cannot
// be one that the client is told are invalid.
func (h *hook) OnSubscribe(cl *mochi.Client, pk packets.Packet) packets.Packet {
	for i := range pk.Filters {
		f := &pk.Filters[i]
		if h.o.Things == nil || !h.o.Things.Owns(f.Filter) {
			continue
		}
		if err := h.o.Things.Watch(f.Filter); err != nil {
			h.complain.about("an MQTT subscription is refused", "topic", f.Filter, cl.ID, err)
			f.Filter = ""
		}
	}
	return pk
}

// OnPublishDropped counts what a client was too slow for.
func (h *hook) OnPublishDropped(*mochi.Client, packets.Packet) { h.in.dropped.Inc() }

// maxPassedOn bounds the messages that are passed on to subscribers, bytes: what
// waits for a slow one is copied for it.
const maxPassedOn = 64 << 10

// OnPublish takes a message before it is acknowledged and passed on.
func (h *hook) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline { // the broker's own, see Send
		return pk, nil
	}
	pk.FixedHeader.Retain = false // the hub knows the latest, and its age
	if h.o.Things != nil && h.o.Things.Owns(pk.TopicName) {
		err := h.in.counted(h.o.Things.Create(context.Background(), pk.TopicName, pk.Payload))
		if err == nil {
			return pk, packets.CodeSuccessIgnore // subscribers are told of the Observation itself
		}
		return h.refuse(cl, pk, err)
	}
	err := h.in.message(context.Background(), pk.TopicName, "", pk.Payload, pk.FixedHeader.Qos > 0)
	switch {
	case err != nil:
		return h.refuse(cl, pk, err)
	case len(pk.Payload) > maxPassedOn:
		return pk, packets.CodeSuccessIgnore
	}
	return pk, nil
}

// refuse tells the client, where its version of MQTT can be told, and the log.
func (h *hook) refuse(cl *mochi.Client, pk packets.Packet, err error) (packets.Packet, error) {
	h.complain.about("an MQTT message is refused", "topic", pk.TopicName, cl.ID, err)
	if cl.Properties.ProtocolVersion < 5 || pk.FixedHeader.Qos == 0 {
		if errors.Is(err, layers.ErrUnavailable) && pk.FixedHeader.Qos > 0 {
			return pk, packets.ErrRejectPacket // no acknowledgement: the client sends it again
		}
		return pk, packets.CodeSuccessIgnore // acknowledged, since a repetition would change nothing, and not passed on
	}
	code := packets.ErrPayloadFormatInvalid
	if errors.Is(err, layers.ErrUnavailable) {
		code = packets.ErrServerBusy
	}
	code.Reason = err.Error()
	return pk, code
}

// OnWill drops wills: a silent entity becomes stale by itself.
func (h *hook) OnWill(_ *mochi.Client, _ mochi.Will) (mochi.Will, error) {
	return mochi.Will{}, nil
}
