package config

import (
	"net"
	"net/url"
	"slices"
	"time"

	"twind/layers"
)

// MaxFeeds bounds the entries of live, of mqtt.brokers and of gtfs.
const MaxFeeds = 64

// LiveLayer is a layer of moving entities that the server makes if its store has
// none of that id.
type LiveLayer struct {
	ID       layers.ID         `yaml:"id"`
	Title    layers.Text       `yaml:"title"`    // default: the id
	Kind     layers.Kind       `yaml:"kind"`     // vehicle (default), train, sensor or event
	ClassBy  string            `yaml:"classBy"`  // property that the style tells apart
	Label    string            `yaml:"label"`    // property shown as the name
	Owner    string            `yaml:"owner"`    // the department that answers for it
	Period   time.Duration     `yaml:"period"`   // expected time between two positions; default 10s
	Stale    time.Duration     `yaml:"stale"`    // silence after which an entity is stale; default 3 periods
	Offline  time.Duration     `yaml:"offline"`  // default 10 periods
	Removed  time.Duration     `yaml:"removed"`  // default 30 periods
	MaxSpeed float64           `yaml:"maxSpeed"` // m/s; faster is a jump; 0 is no bound
	Source   layers.Provenance `yaml:"provenance"`
}

// MQTT is the embedded broker and the outside ones that are followed.
type MQTT struct {
	Listen string `yaml:"listen"` // host:port of the embedded broker; empty: none
	// PublicURL is how clients reach the embedded broker, such as
	// mqtts://mqtt.example:8883 of a proxy; SensorThings announces it. Empty: as listened.
	PublicURL string   `yaml:"publicUrl"`
	Brokers   []Broker `yaml:"brokers"` // outside brokers
}

// SensorThings bounds the Observations that SensorThings keeps, all of them in
// memory. The oldest go first.
type SensorThings struct {
	Age             Age `yaml:"age"`             // of each Datastream, by receipt; 90d
	Count           int `yaml:"count"`           // of each Datastream; 10,000
	MaxObservations int `yaml:"maxObservations"` // of all together, about 0.5 KB of memory each; 500,000
}

// Broker is an outside MQTT broker whose positions are taken.
type Broker struct {
	URL      string    `yaml:"url"` // mqtt://host:1883 or mqtts://host:8883
	User     string    `yaml:"user"`
	Password string    `yaml:"password"`
	ClientID string    `yaml:"clientId"` // default twind
	Topics   []string  `yaml:"topics"`   // default twind/#
	Layer    layers.ID `yaml:"layer"`    // of messages on topics that are not twind's
	QoS      int       `yaml:"qos"`      // 0, 1 or 2
}

// JT808 is the listener for vehicle terminals of JT/T 808.
type JT808 struct {
	Listen string    `yaml:"listen"` // host:port; empty: none
	Layer  layers.ID `yaml:"layer"`  // live layer of the positions; default vehicles
	Accept string    `yaml:"accept"` // any, registered (default) or known
	Known  []string  `yaml:"known"`  // phone numbers of terminals, for accept: known
	Datum  string    `yaml:"datum"`  // auto (default: what the terminal says), wgs84 or gcj02
	Zone   string    `yaml:"zone"`   // of terminals' clocks; default Asia/Shanghai
}

// GTFS is a GTFS-realtime feed of vehicle positions that is asked for again and again.
type GTFS struct {
	Layer  layers.ID         `yaml:"layer"`
	URL    string            `yaml:"url"`
	Every  time.Duration     `yaml:"every"`  // default 30s
	Header map[string]string `yaml:"header"` // such as a key of the agency
}

// feedFaults reports every fault of the feeds.
func (c *Config) feedFaults(bad func(format string, args ...any)) {
	if len(c.Live) > MaxFeeds || len(c.MQTT.Brokers) > MaxFeeds || len(c.GTFS) > MaxFeeds {
		bad("live, mqtt.brokers and gtfs: at most %d entries of each are possible", MaxFeeds)
		return
	}
	id := func(where string, id layers.ID) {
		if _, err := layers.ParseID(string(id)); err != nil {
			bad("%s: %s", where, err)
		}
	}
	address := func(where, addr string) {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			bad("%s %q: expected host:port, such as 127.0.0.1:1883", where, addr)
		}
	}
	for _, l := range c.Live {
		id("live", l.ID)
		if !slices.Contains([]layers.Kind{"", layers.KindVehicle, layers.KindTrain, layers.KindSensor, layers.KindEvent}, l.Kind) {
			bad("live: %s: kind %q: expected vehicle, train, sensor or event", l.ID, l.Kind)
		}
		if l.Period < 0 || l.Stale < 0 || l.Offline < 0 || l.Removed < 0 || !(l.MaxSpeed >= 0) {
			bad("live: %s: times and speeds must not be negative", l.ID)
		}
	}
	if c.MQTT.Listen != "" {
		address("mqtt.listen", c.MQTT.Listen)
		if !Loopback(c.MQTT.Listen) && len(c.Tokens) == 0 {
			bad("mqtt.listen %s is reached from other machines, so tokens are needed, which clients send as password", c.MQTT.Listen)
		}
	}
	if p := c.MQTT.PublicURL; p != "" {
		if u, err := url.Parse(p); err != nil || u.Host == "" || !slices.Contains([]string{"mqtt", "mqtts", "ws", "wss"}, u.Scheme) {
			bad("mqtt.publicUrl %q: expected mqtt://host:1883, mqtts://host:8883, or ws:// or wss:// of a proxy", p)
		}
	}
	for _, b := range c.MQTT.Brokers {
		if u, err := url.Parse(b.URL); err != nil || u.Host == "" {
			bad("mqtt.brokers: url %q: expected mqtt://host:1883 or mqtts://host:8883", b.URL)
		}
		if b.Layer != "" {
			id("mqtt.brokers", b.Layer)
		}
		if b.QoS < 0 || b.QoS > 2 {
			bad("mqtt.brokers: qos %d: expected 0, 1 or 2", b.QoS)
		}
	}
	if t := c.SensorThings; t.Count < 0 || t.MaxObservations < 0 {
		bad("sensorthings: count and maxObservations must not be negative")
	}
	if c.JT808.Listen != "" {
		address("jt808.listen", c.JT808.Listen)
		id("jt808", c.JT808.Layer)
		if _, err := time.LoadLocation(c.JT808.Zone); err != nil {
			bad("jt808.zone %q: expected a name such as Asia/Shanghai", c.JT808.Zone)
		}
	}
	for _, g := range c.GTFS {
		id("gtfs", g.Layer)
		if u, err := url.Parse(g.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			bad("gtfs: url %q: expected an http or https address", g.URL)
		}
		if g.Every < 0 {
			bad("gtfs: every %v: expected a time such as 30s", g.Every)
		}
	}
}
