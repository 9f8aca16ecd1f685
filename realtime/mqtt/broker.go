package mqtt

import (
	"context"
	"errors"
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

	MaxClients int64 // default 10,000
	// Patience is how long a client may leave what is written to it unread before
	// it is disconnected; 10 s.
	Patience   time.Duration
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
type Broker struct {
	server *mochi.Server
	hook   *hook
}

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
	if o.Patience <= 0 {
		o.Patience = 10 * time.Second
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
	limits.MaximumInflight = maxWaiting
	limits.MaximumSessionExpiryInterval = maxAbsence
	complain := &complaints{log: o.Log, now: time.Now}
	s := mochi.New(&mochi.Options{Capabilities: limits, Logger: complain.quiet(), InlineClient: true, SysTopicResendInterval: 3600,
		// Each packet is written at once: the library leaves what it collects lying
		// when the last of a row is not sent after all (OnPacketEncode).
		ClientNetWriteBufferSize: 1})
	h := &hook{o: o, in: in, server: s, parcels: newParcels(maxParcels), complain: complain, absent: newAbsence()}
	if err := s.AddHook(h, nil); err != nil {
		return nil, err
	}
	return &Broker{s, h}, nil
}

// Serve takes connections until ctx ends, then closes them all and returns nil.
// It closes ln.
func (b *Broker) Serve(ctx context.Context, ln net.Listener) error {
	if err := b.server.AddListener(listeners.NewNet("twind", &patient{ln, b.hook.o.Patience, b.hook.complain})); err != nil {
		return err
	}
	if err := b.server.Serve(); err != nil {
		return err
	}
	<-ctx.Done()
	return b.server.Close()
}

// hook is what twind adds to the broker.
type hook struct {
	mochi.HookBase
	o        BrokerOptions
	in       *ingest
	server   *mochi.Server
	parcels  *parcels
	rights   sync.Map // *mochi.Client → Rights, also of those that are away
	waits    sync.Map // *mochi.Client → []packets.Packet: what to send to who is back
	ids      sync.Map // *mochi.Client → *packetIDs, also of those that are away
	flows    sync.Map // *mochi.Client → *flow, of those that take only so many at a time
	absent   *absence
	complain *complaints
}

// ID names the hook.
func (h *hook) ID() string { return "twind" }

// Provides lists what the hook does.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnDisconnect, mochi.OnWill, mochi.OnSubscribe, mochi.OnPublishDropped,
		mochi.OnSessionEstablish, mochi.OnSessionEstablished, mochi.OnPacketEncode, mochi.OnQosPublish, mochi.OnClientExpired, mochi.OnPacketRead, mochi.OnPacketProcessed:
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
	cl.Properties.Props.TopicAliasMaximum = 0 // the message that says what an alias means might be dropped
	return ok
}

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
	if h.absent.full(cl) {
		h.in.dropped.Inc()
		return false
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

// OnPacketEncode puts the payload in the place of its label, and the client's
// packet id in that of the library's. A message without its payload, and one that
// the client has no room for yet, is not sent.
func (h *hook) OnPacketEncode(cl *mochi.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Publish {
		return h.answer(cl, pk)
	}
	payload, ok := h.parcels.payload(pk.Payload)
	var f *flow
	if pk.FixedHeader.Qos > 0 {
		f = h.flow(cl)
	}
	switch {
	case !ok:
		h.in.dropped.Inc()
		h.unqueue(cl, pk.PacketID)
		if f != nil {
			f.done(pk.PacketID)
		}
	case f == nil || f.pass(pk):
		pk.Payload = payload
		return pk
	}
	pk.FixedHeader.Type = packets.Reserved // no packet, which the library does not send
	return pk
}

// around is how much there is with a message's payload, bytes.
func around(pk *packets.Packet) int {
	p := &pk.Properties
	n := len(pk.TopicName) + len(p.ContentType) + len(p.ResponseTopic) + len(p.CorrelationData)
	for _, u := range p.User {
		n += len(u.Key) + len(u.Val) + 32
	}
	return n
}

// passOn is a message as it waits for its subscribers; CodeSuccessIgnore for one
// that is too large for that.
func (h *hook) passOn(pk packets.Packet) (packets.Packet, error) {
	if len(pk.Payload) > maxPassedOn {
		return pk, packets.CodeSuccessIgnore
	}
	if len(pk.Payload) <= smallPayload {
		return pk, nil
	}
	if to := h.server.Topics.Subscribers(pk.TopicName); len(to.Subscriptions)+len(to.Shared) > 0 {
		pk.Payload = h.parcels.put(pk.Payload)
	}
	return pk, nil
}

// OnPublish takes a message before it is acknowledged and passed on.
func (h *hook) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if cl.Net.Inline { // the broker's own, see Send
		return h.passOn(pk)
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
	if err != nil {
		return h.refuse(cl, pk, err)
	}
	if around(&pk) > maxAround {
		return pk, packets.CodeSuccessIgnore
	}
	return h.passOn(pk)
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
