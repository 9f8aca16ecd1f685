package replay

import (
	"context"
	"crypto/tls"
	"fmt"
	"hash/maphash"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"twind/layers"
)

// Of the publications of one moment, publishers are on their way together; those
// of one entity follow each other.
const publishers = 32

// sensorThingsRoot is a topic below which only SensorThings' own are published.
const sensorThingsRoot = "v1.1"

// publisher sends records to a broker by MQTT 5, each as a message of quality 1.
type publisher struct {
	o    Options
	root string // topic, without slashes at its ends
	host string
	m    *autopaho.ConnectionManager
	seed maphash.Seed
	end  context.CancelFunc

	mu      sync.Mutex // guards lastErr
	lastErr error      // why the broker could not be reached
}

// dial connects to the broker of mqtt://[user:password@]host[:port][/topic].
func dial(ctx context.Context, o Options, u *url.URL) (*publisher, error) {
	p := &publisher{o: o, root: strings.Trim(u.Path, "/"), host: u.Host, seed: maphash.MakeSeed()}
	if p.root == "" {
		p.root = "twind"
	}
	if strings.ContainsAny(p.root, "+#\x00") {
		return nil, layers.Errorf(layers.ErrInvalid, "--to %s: a topic without + and # is expected, such as mqtt://host/twind", u.Redacted())
	}
	server := &url.URL{Scheme: u.Scheme, Host: u.Host}
	if u.Port() == "" {
		server.Host += map[string]string{"mqtt": ":1883", "mqtts": ":8883"}[u.Scheme]
	}
	user, password := "twind", o.Token
	if u.User != nil {
		user = u.User.Username()
		if word, given := u.User.Password(); given {
			password = word
		}
	}
	ctx, p.end = context.WithCancel(ctx)
	var err error
	p.m, err = autopaho.NewConnection(ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{server}, TlsCfg: &tls.Config{MinVersion: tls.VersionTLS12}, KeepAlive: 30, CleanStartOnInitialConnection: true,
		ConnectTimeout: 10 * time.Second, ConnectUsername: user, ConnectPassword: []byte(password),
		ReconnectBackoff: autopaho.NewConstantBackoff(250 * time.Millisecond),
		OnConnectError: func(err error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.lastErr = err
		},
		ClientConfig: paho.ClientConfig{ClientID: "twind-replay-" + strconv.FormatInt(time.Now().UnixNano(), 36)},
	})
	if err != nil {
		p.end()
		return nil, layers.Errorf(layers.ErrInvalid, "--to %s: %w", u.Redacted(), err)
	}
	if err := p.connected(ctx); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// connected waits for the broker as long as patience lasts.
func (p *publisher) connected(ctx context.Context) error {
	wait, stop := context.WithTimeout(ctx, p.o.Patience)
	defer stop()
	if p.m.AwaitConnection(wait) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return layers.Errorf(layers.ErrUnavailable, "the MQTT broker %s does not let us in: %v", p.host, p.lastErr)
}

func (p *publisher) close() {
	wait, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	_ = p.m.Disconnect(wait) // a connection that is gone is closed
	p.end()
	<-p.m.Done()
}

func (p *publisher) send(ctx context.Context, batch []record) (outcome, error) {
	var shards [publishers][]*record
	for i := range batch {
		n := maphash.String(p.seed, batch[i].entity()) % publishers
		shards[n] = append(shards[n], &batch[i])
	}
	var wait sync.WaitGroup
	outcomes, failures := make([]outcome, publishers), make([]error, publishers)
	for i, shard := range shards {
		if len(shard) == 0 {
			continue
		}
		wait.Go(func() {
			for _, r := range shard {
				if failures[i] = p.publish(ctx, r, &outcomes[i]); failures[i] != nil {
					return
				}
			}
		})
	}
	wait.Wait()
	var all outcome
	for _, o := range outcomes {
		all.add(o)
	}
	for _, err := range failures {
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// publish sends one record; while the broker is away it tries again.
func (p *publisher) publish(ctx context.Context, r *record, out *outcome) error {
	topic, payload, err := p.message(r)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(p.o.Patience)
	for {
		if err := p.connected(ctx); err != nil {
			return err
		}
		try, stop := context.WithTimeout(ctx, 10*time.Second)
		answer, err := p.m.Publish(try, &paho.Publish{Topic: topic, QoS: 1, Payload: payload})
		stop()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			out.add(outcome{sent: 1, accepted: 1})
			return nil
		case answer != nil && answer.ReasonCode >= 0x80 && answer.ReasonCode != 0x89: // 0x89: busy
			reason := fmt.Sprintf("reason 0x%02x", answer.ReasonCode)
			if answer.Properties != nil && answer.Properties.ReasonString != "" {
				reason = answer.Properties.ReasonString
			}
			out.add(outcome{sent: 1, refused: 1, reason: r.entity() + ": " + reason})
			return nil
		case time.Now().After(deadline):
			return layers.Errorf(layers.ErrUnavailable, "the MQTT broker %s takes no messages: %w", p.host, err)
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
}

// message is the topic and payload of a record: positions on
// {root}/{layer}/{id}, observations on {root}/_observations/…, or below v1.1 on
// Datastreams(id)/Observations of SensorThings.
func (p *publisher) message(r *record) (topic string, payload []byte, err error) {
	if p.root == sensorThingsRoot {
		return r.sensorThings()
	}
	payload = r.append(nil)
	base, names := p.root+"/"+string(r.layer()), r.entity()
	if r.observation != nil {
		base = p.root + "/_observations"
	}
	if strings.ContainsAny(names, "+#\x00") || len(base)+len(names) > 60_000 {
		return base, payload, nil // the payload says it
	}
	return base + "/" + names, payload, nil
}

// sensorThings is the message that makes an Observation of a numbered Datastream.
func (r *record) sensorThings() (string, []byte, error) {
	if r.observation == nil {
		return "", nil, layers.Errorf(layers.ErrInvalid, "the recording has positions, which SensorThings does not take; replay to mqtt://host without /v1.1")
	}
	o := r.observation
	if _, err := strconv.ParseInt(o.Datastream, 10, 64); err != nil {
		return "", nil, layers.Errorf(layers.ErrInvalid, "observation of %s: below /v1.1 a datastream must be the number of one of SensorThings; replay to mqtt://host without /v1.1", r.entity())
	}
	return sensorThingsRoot + "/Datastreams(" + o.Datastream + ")/Observations", r.appendResult([]byte{'{'}), nil
}
