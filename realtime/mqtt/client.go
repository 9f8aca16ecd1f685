package mqtt

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// ClientOptions of Follow.
type ClientOptions struct {
	Sink     Sink     // must be set
	Readings Readings // takes observations; nil: they are refused
	URL      string   // mqtt://host:1883, mqtts://host:8883, ws:// or wss://; must be set
	User     string
	Password string
	ClientID string // default "twind"
	// Topics are the filters to subscribe to; default twind/#. Of topics that are
	// not twind's own, messages belong to Layer.
	Topics []string
	Layer  layers.ID
	QoS    byte // 0, 1 or 2

	Log        *slog.Logger // default: discards
	Registerer prometheus.Registerer
}

// EnsureDefaults replaces zero values by the defaults.
func (o *ClientOptions) EnsureDefaults() {
	if o.ClientID == "" {
		o.ClientID = "twind"
	}
	if len(o.Topics) == 0 {
		o.Topics = []string{"twind/#"}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate reports the first fault; it fails with layers.ErrInvalid.
func (o *ClientOptions) Validate() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || !slices.Contains([]string{"mqtt", "mqtts", "ws", "wss"}, u.Scheme) {
		return layers.Errorf(layers.ErrInvalid, "mqtt broker %q: expected mqtt://host:1883 or mqtts://host:8883", o.URL)
	}
	if o.Sink == nil || o.QoS > 2 {
		return layers.Errorf(layers.ErrInvalid, "mqtt broker %s: a sink and a QoS from 0 to 2 are needed", o.URL)
	}
	return nil
}

// Follow subscribes to an outside broker by MQTT 5 and takes its positions until
// ctx ends; then it returns nil. It connects again as often as it must, and with
// QoS 1 and 2 acknowledges what is on disk. It fails with layers.ErrInvalid.
func Follow(ctx context.Context, o ClientOptions) error {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return err
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return err
	}
	in, err := newIngest(o.Sink, o.Readings, o.Registerer)
	if err != nil {
		return err
	}
	c, err := autopaho.NewConnection(ctx, o.config(ctx, u, in))
	if err != nil {
		return err
	}
	<-c.Done()
	return nil
}

func (o *ClientOptions) config(ctx context.Context, u *url.URL, in *ingest) autopaho.ClientConfig {
	subscriptions := make([]paho.SubscribeOptions, len(o.Topics))
	for i, t := range o.Topics {
		subscriptions[i] = paho.SubscribeOptions{Topic: t, QoS: o.QoS, NoLocal: true}
	}
	return autopaho.ClientConfig{
		ServerUrls:                    []*url.URL{u},
		TlsCfg:                        &tls.Config{MinVersion: tls.VersionTLS12},
		KeepAlive:                     30,
		CleanStartOnInitialConnection: false,
		SessionExpiryInterval:         3600,
		ConnectTimeout:                10 * time.Second,
		ConnectUsername:               o.User,
		ConnectPassword:               []byte(o.Password),
		ReconnectBackoff:              autopaho.NewConstantBackoff(2 * time.Second),
		OnConnectionUp: func(m *autopaho.ConnectionManager, _ *paho.Connack) {
			o.Log.Info("connected to the MQTT broker", "broker", u.Host)
			if _, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: subscriptions}); err != nil && ctx.Err() == nil {
				o.Log.Error("the MQTT broker refuses the subscription", "broker", u.Host, "topics", o.Topics, "error", err)
			}
		},
		OnConnectError: func(err error) {
			o.Log.Warn("the MQTT broker cannot be reached; trying again", "broker", u.Host, "error", err)
		},
		ClientConfig: paho.ClientConfig{
			ClientID: o.ClientID,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
				o.received(ctx, in, r.Packet)
				return true, nil
			}},
		},
	}
}

// received takes one message; paho acknowledges it when received returns.
func (o *ClientOptions) received(ctx context.Context, in *ingest, p *paho.Publish) {
	if err := in.message(ctx, p.Topic, o.Layer, p.Payload, p.QoS > 0); err != nil {
		o.Log.Debug("an MQTT message is refused", "topic", p.Topic, "error", err)
	}
}
