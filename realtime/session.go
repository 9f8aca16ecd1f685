package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"twind/layers"
)

// MaxMessageBytes bounds a client's message.
const MaxMessageBytes = 64 << 10

// CloseCode is a status code of RFC 6455 §7.4.
type CloseCode int

// The codes that sessions end with.
const (
	// CloseAbort drops the connection without a word: the other end would not read it.
	CloseAbort       CloseCode = 0
	CloseGoingAway   CloseCode = 1001
	CloseUnsupported CloseCode = 1003 // a binary message
	CloseInvalid     CloseCode = 1007 // not JSON, or none of the messages
	ClosePolicy      CloseCode = 1008 // too many messages, or none in time
	CloseTooBig      CloseCode = 1009
	CloseInternal    CloseCode = 1011 // the server's own fault
	// CloseUnacknowledged ends a viewer that stopped acknowledging events.
	CloseUnacknowledged CloseCode = 4001
)

// Conn is a message connection: a WebSocket, or what stands for one. Writes may
// come from two goroutines, reads from one. The session closes it.
type Conn interface {
	// Read is the next whole message; text tells that it is a text message. An
	// error ends the session.
	Read(ctx context.Context) (text bool, message []byte, err error)
	// Write sends one whole message.
	Write(ctx context.Context, text bool, message []byte) error
	// Ping waits for the other end's pong.
	Ping(ctx context.Context) error
	// Close ends the connection with a code and a sentence of at most 123 bytes,
	// and at once with CloseAbort. It makes Read and Write fail.
	Close(code CloseCode, reason string) error
}

// SessionOptions of Serve. Zero fields take the defaults named.
type SessionOptions struct {
	JSON bool // the simple format
	// Policies gives the reader's rights on a live layer; nil: everything.
	Policies func(layers.ID) layers.Policy
	// WriteTimeout is how long one message may take to be accepted by a slow
	// reader before it is disconnected; 10 s.
	WriteTimeout time.Duration
	// PingEvery is the time between pings; 20 s. A pong must come within WriteTimeout.
	PingEvery time.Duration
	// SubscribeWithin is how long a client may stay without a subscription; 30 s.
	SubscribeWithin time.Duration
	// MessagesPerSecond is what a client may send on average, with bursts of
	// four seconds' worth; 25.
	MessagesPerSecond float64
}

func (o *SessionOptions) ensureDefaults() {
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.PingEvery <= 0 {
		o.PingEvery = 20 * time.Second
	}
	if o.SubscribeWithin <= 0 {
		o.SubscribeWithin = 30 * time.Second
	}
	if o.MessagesPerSecond <= 0 {
		o.MessagesPerSecond = 25
	}
}

// clientMessage is any message of a client; wire/SPEC.md names the members of each.
type clientMessage struct {
	Type        string                 `json:"type"`
	Request     int64                  `json:"request"`
	BBox        []float64              `json:"bbox"`
	Zoom        float64                `json:"zoom"`
	Layers      []layers.ID            `json:"layers"`
	Filter      map[layers.ID]string   `json:"filter"`
	MaxHz       float64                `json:"maxHz"`
	MaxEntities int                    `json:"maxEntities"`
	Epoch       uint64                 `json:"epoch"`
	Change      uint64                 `json:"change"`
	Sequences   map[layers.ID]wireHeld `json:"sequences"`
	Replay      *wireReplay            `json:"replay"`
	Since       *wireTime              `json:"since"`
	Events      *wireLane              `json:"events"`
	Readings    []layers.ID            `json:"readings"`
	Sequence    *uint64                `json:"sequence"` // of ack
}

// wireHeld is what a client still holds of a layer.
type wireHeld struct {
	Sequence uint64 `json:"sequence"`
	View     uint32 `json:"view"`
	Window   struct {
		Z uint8  `json:"z"`
		X uint32 `json:"x"`
		Y uint32 `json:"y"`
		W uint32 `json:"w"`
		H uint32 `json:"h"`
	} `json:"window"`
}

// decodeClientMessage reads a message; any error is the client's fault.
func decodeClientMessage(b []byte) (*clientMessage, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("the message is not UTF-8")
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	var m clientMessage
	if err := d.Decode(&m); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return nil, fmt.Errorf("member %q of the message is a JSON %s", typ.Field, typ.Value)
		}
		return nil, fmt.Errorf("the message cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the message's JSON")
	}
	switch m.Type {
	case "subscribe", "ping":
		return &m, nil
	case "ack":
		if m.Sequence == nil {
			return nil, errors.New("an ack has no sequence: expected the through of the events message that it acknowledges")
		}
		return &m, nil
	}
	return nil, fmt.Errorf("message type %.40q: expected subscribe, ack or ping", m.Type)
}

// subscription is what a subscribe message asks for.
func (m *clientMessage) subscription() (Subscription, error) {
	s := Subscription{Zoom: m.Zoom, Layers: m.Layers, Filter: m.Filter, MaxHz: m.MaxHz, MaxEntities: m.MaxEntities}
	if len(m.BBox) != 4 {
		return s, layers.Errorf(layers.ErrInvalid, "bbox has %d numbers: expected west, south, east, north in degrees", len(m.BBox))
	}
	copy(s.BBox[:], m.BBox)
	if m.Epoch != 0 {
		s.Resume = &Resume{Epoch: m.Epoch, Change: m.Change, Layers: make(map[layers.ID]Held, len(m.Sequences))}
		for id, h := range m.Sequences {
			w := h.Window
			s.Resume.Layers[id] = Held{h.Sequence, h.View, Window{w.Z, w.X, w.Y, w.W, w.H}}
		}
	}
	return s, nil
}

// session is one connection: a goroutine that reads, one that writes, one that pings.
type session struct {
	hub    *Hub
	conn   Conn
	o      SessionOptions
	viewer *Viewer

	replay *replaySession // of the reading goroutine; nil: live
	lanes  sessionLanes

	closeOnce  sync.Once
	reason     string // of the metrics; written before done
	done       chan struct{}
	subscribed chan struct{}
	overdue    atomic.Bool // a write took longer than it may
}

// Serve runs the live protocol on a connection until it ends, and closes it. It
// returns when all that it started has ended.
func (h *Hub) Serve(ctx context.Context, conn Conn, o SessionOptions) error {
	o.ensureDefaults()
	v, err := h.Attach(o.JSON)
	if err != nil {
		_ = conn.Close(CloseUnsupported, err.Error())
		return err
	}
	defer v.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &session{hub: h, conn: conn, o: o, viewer: v, done: make(chan struct{}), subscribed: make(chan struct{})}
	s.lanes.s, s.lanes.wake = s, make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() { s.write(ctx) })
	wg.Go(func() { s.ping(ctx) })
	wg.Go(func() {
		// Whoever ends the session closes the connection, which ends the read below.
		select {
		case <-s.done:
		case <-ctx.Done():
			s.close(CloseGoingAway, "the server ends", "server")
		}
		cancel()
	})
	s.read(ctx)
	s.endReplay()
	cancel()
	wg.Wait()
	s.lanes.done.Wait()
	s.lanes.end()
	h.metrics.closed.WithLabelValues(s.reason).Inc()
	return nil
}

// close ends the session once; the first reason counts.
func (s *session) close(code CloseCode, sentence, reason string) {
	s.closeOnce.Do(func() {
		s.reason = reason
		if len(sentence) > 120 { // a close frame holds 123 bytes
			sentence = strings.ToValidUTF8(sentence[:117], "") + "…"
		}
		_ = s.conn.Close(code, sentence) // it may be gone already
		close(s.done)
	})
}

// send writes one message in time.
func (s *session) send(ctx context.Context, text bool, message []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, s.o.WriteTimeout)
	defer cancel()
	// The connection fails for the reader too, maybe first: it must know why.
	late := time.AfterFunc(s.o.WriteTimeout-time.Millisecond, func() { s.overdue.Store(true) })
	err := s.conn.Write(ctx, text, message)
	late.Stop()
	switch {
	case err == nil:
		s.overdue.Store(false)
		s.hub.metrics.bytes.Add(float64(len(message)))
		s.hub.metrics.out.Inc()
		return true
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.close(CloseAbort, "", "slow")
	default:
		s.close(CloseAbort, "", "gone")
	}
	return false
}

// messageBuffers holds the memory of messages that are being written.
var messageBuffers = sync.Pool{New: func() any { return new([]byte) }}

// keptBuffer is the largest buffer that is kept for another message.
const keptBuffer = 1 << 20

// write sends what the hub has for the viewer.
func (s *session) write(ctx context.Context) {
	if !s.pump(ctx, ctx, s.viewer) {
		s.close(CloseGoingAway, "the server ends", "server")
	}
}

// pump sends what there is for a viewer, until wait, that or the connection
// ends; true says that it was the connection. A message that is being written
// when wait ends is written whole.
func (s *session) pump(wait, ctx context.Context, v *Viewer) (gone bool) { //nolint:revive // two contexts are the point
	for {
		b, err := v.Next(wait)
		if err != nil {
			return false
		}
		for _, t := range b.Texts {
			if !s.send(ctx, true, t) {
				return true
			}
		}
		if len(b.Frames) == 0 {
			continue
		}
		buf := messageBuffers.Get().(*[]byte)
		*buf = b.AppendMessage((*buf)[:0])
		ok := s.send(ctx, b.JSON, *buf)
		if cap(*buf) <= keptBuffer {
			messageBuffers.Put(buf)
		}
		if !ok {
			return true
		}
	}
}

// ping finds connections whose other end is gone, and those that never subscribe.
func (s *session) ping(ctx context.Context) {
	ticker := time.NewTicker(s.o.PingEvery)
	defer ticker.Stop()
	deadline := time.NewTimer(s.o.SubscribeWithin)
	defer deadline.Stop()
	subscribed := s.subscribed
	for {
		select {
		case <-ctx.Done():
			return
		case <-subscribed:
			deadline.Stop()
			subscribed = nil
		case <-deadline.C:
			s.close(ClosePolicy, fmt.Sprintf("no subscribe message within %s", s.o.SubscribeWithin), "idle")
			return
		case <-ticker.C:
			pctx, cancel := context.WithTimeout(ctx, s.o.WriteTimeout)
			err := s.conn.Ping(pctx)
			cancel()
			if err != nil {
				s.close(CloseAbort, "", "silent")
				return
			}
		}
	}
}

// read answers the client's messages until the connection ends.
func (s *session) read(ctx context.Context) {
	budget := 4 * s.o.MessagesPerSecond
	last := time.Now()
	first := true
	for {
		isText, message, err := s.conn.Read(ctx)
		if err != nil {
			var tooBig *MessageTooBigError
			switch {
			case errors.As(err, &tooBig):
				s.close(CloseTooBig, tooBig.Error(), "too-big")
			case s.overdue.Load():
				s.close(CloseAbort, "", "slow")
			default:
				s.close(CloseAbort, "", "gone")
			}
			return
		}
		s.hub.metrics.in.Inc()
		now := time.Now()
		budget = min(4*s.o.MessagesPerSecond, budget+now.Sub(last).Seconds()*s.o.MessagesPerSecond) - 1
		last = now
		if budget < 0 {
			s.close(ClosePolicy, fmt.Sprintf("more than %g messages a second", s.o.MessagesPerSecond), "flood")
			return
		}
		if !isText {
			s.close(CloseUnsupported, "clients send JSON text messages, not binary ones", "garbage")
			return
		}
		m, err := decodeClientMessage(message)
		if err != nil {
			s.close(CloseInvalid, err.Error(), "garbage")
			return
		}
		var answer []byte
		begin := func() {}
		switch m.Type {
		case "ack":
			advanced, ok := s.lanes.acknowledge(*m.Sequence)
			if !ok {
				s.close(CloseInvalid, fmt.Sprintf("ack of %d, up to which no events were sent", *m.Sequence), "garbage")
				return
			}
			if advanced { // there are no more of these than messages
				budget++
			}
			continue
		case "ping":
			answer = encode(pongText{"pong", m.Request, s.hub.o.Now().UnixMilli()})
		case "subscribe":
			answer, begin = s.subscribe(ctx, m)
			if first {
				first = false
				close(s.subscribed)
			}
		}
		if !s.send(ctx, true, answer) {
			return
		}
		begin()
	}
}

// subscribe does what the message asks and answers it; begin is to be called
// when the answer has been sent.
func (s *session) subscribe(ctx context.Context, m *clientMessage) (answer []byte, begin func()) {
	begin = func() {}
	sub, err := m.subscription()
	if err != nil {
		return errorMessage(m.Request, err), begin
	}
	if s.o.Policies != nil {
		sub.Policy = make(map[layers.ID]layers.Policy, len(sub.Layers))
		for _, id := range sub.Layers {
			sub.Policy[id] = s.o.Policies(id)
		}
	}
	lanes, err := s.lanes.plan(ctx, m)
	if err != nil {
		return errorMessage(m.Request, err), begin
	}
	a := subscribedText{Type: "subscribed", Request: m.Request}
	if m.Replay != nil {
		a.Live, a.Hz, begin, err = s.subscribeReplay(ctx, m.Replay, sub)
		if err == nil {
			a.Replay = s.replay.player.status()
		}
	} else {
		if m.Since != nil && s.o.JSON {
			sub.missed = s.hub.missedSince(ctx, m.Epoch, int64(*m.Since), &sub)
		}
		a.Live, a.Hz, err = s.viewer.Subscribe(sub)
		if err == nil {
			s.endReplay()
		}
	}
	if err != nil {
		return errorMessage(m.Request, err), func() {}
	}
	if a.Live == nil {
		a.Live = []layers.ID{}
	}
	replay := begin
	return encode(a), func() {
		replay()
		lanes()
	}
}

// MessageTooBigError is what Conn.Read returns for a message over MaxMessageBytes.
type MessageTooBigError struct{ Limit int }

func (e *MessageTooBigError) Error() string {
	return fmt.Sprintf("a message of a client has at most %d bytes", e.Limit)
}
