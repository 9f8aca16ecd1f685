package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// BrokerOptions of NewBroker.
type BrokerOptions struct {
	Sink Sink // must be set
	// Authorize gives the rights of a client by its user name and password, and
	// false to let it not in at all; nil: everybody may do everything.
	Authorize func(user, password string) (Rights, bool)

	MaxClients int64        // default 10,000
	Log        *slog.Logger // default: discards
	Registerer prometheus.Registerer
}

// Rights are what a client may do.
type Rights struct {
	Write bool                    // publish positions
	Reads func(id layers.ID) bool // subscribe to a layer; nil: to every one
}

// Broker is an MQTT broker for twind's topics.
type Broker struct{ server *mochi.Server }

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
	in, err := newIngest(o.Sink, o.Registerer)
	if err != nil {
		return nil, err
	}
	limits := mochi.NewDefaultServerCapabilities()
	limits.MaximumClients = o.MaxClients
	limits.MaximumPacketSize = MaxMessage + 64<<10
	limits.MaximumClientWritesPending = 1024
	limits.MaximumInflight = 1024
	limits.MaximumSessionExpiryInterval = 3600
	s := mochi.New(&mochi.Options{Capabilities: limits, Logger: quiet(o.Log), SysTopicResendInterval: 3600})
	if err := s.AddHook(&hook{o: o, in: in}, nil); err != nil {
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
	o      BrokerOptions
	in     *ingest
	rights sync.Map // *mochi.Client → Rights
}

// ID names the hook.
func (h *hook) ID() string { return "twind" }

// Provides lists what the hook does.
func (h *hook) Provides(b byte) bool {
	switch b {
	case mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnDisconnect, mochi.OnWill:
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
		return false
	}
	if rights.Reads == nil {
		return true
	}
	layer, _, _ := strings.Cut(rest, "/")
	id, err := layers.ParseID(layer)
	return err == nil && rights.Reads(id)
}

// OnPublish takes a message before it is acknowledged and passed on.
func (h *hook) OnPublish(cl *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	pk.FixedHeader.Retain = false // the hub knows the latest, and its age
	layer, id, err := topic(pk.TopicName)
	if err == nil {
		err = h.in.take(context.Background(), layer, id, pk.Payload, pk.FixedHeader.Qos > 0)
	}
	if err == nil {
		return pk, nil
	}
	h.o.Log.Debug("an MQTT message is refused", "topic", pk.TopicName, "client", cl.ID, "error", err)
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
