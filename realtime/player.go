package realtime

import (
	"context"
	"errors"
	"sync"
	"time"

	"twind/layers"
)

// The speeds of replays, in seconds of the recording a second.
const (
	MinReplaySpeed = 0.1
	MaxReplaySpeed = 60
)

// replayLag is how far a replay stays behind the present: what was received
// since may not be on disk yet.
const replayLag = 3 * time.Second

// maxReplayRows is how many rows of a layer a replay reads ahead.
const maxReplayRows = 200_000

// player shows one viewer what was recorded, through a hub of its own: the same
// frames, in an epoch of their own, with the replay's clock. Entities age by
// that clock and by the same rules.
type player struct {
	live   *Hub
	hub    *Hub
	viewer *Viewer

	mu       sync.Mutex
	from, to int64 // ms since 1970
	at       float64
	speed    float64
	paused   bool
	feeds    map[layers.ID]*replayFeed
}

// replayFeed is how far a layer's recording has been read.
type replayFeed struct {
	layer *layer
	shown int64      // ms: what was received before is in the hub
	read  int64      // ms: what was received before is in rows, or in the hub
	rows  []Believed // received from shown on, in no order
}

// replayRequest is what a viewer asks for; zero at and speed are not given.
type replayRequest struct {
	from, to, at int64 // ms since 1970
	hasAt        bool
	speed        float64
	paused       bool
}

// check fails with layers.ErrInvalid.
func (r *replayRequest) check() error {
	if r.from >= r.to {
		return layers.Errorf(layers.ErrInvalid, "replay from %s to %s: expected a time and a later one", stamp(r.from), stamp(r.to))
	}
	if r.at < r.from || r.at > r.to {
		return layers.Errorf(layers.ErrInvalid, "replay at %s: expected a time between from and to", stamp(r.at))
	}
	if !(r.speed >= MinReplaySpeed && r.speed <= MaxReplaySpeed) {
		return layers.Errorf(layers.ErrInvalid, "replay at speed %v: expected %v to %v", r.speed, MinReplaySpeed, MaxReplaySpeed)
	}
	return nil
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// newPlayer makes a player that stands at r.at. It must be closed.
func (h *Hub) newPlayer(ctx context.Context, r replayRequest, json bool, s Subscription) (p *player, live []layers.ID, hz float64, err error) {
	if h.o.Journal == nil {
		return nil, nil, 0, layers.Errorf(layers.ErrUnsupported, "this server records no history, so that there is nothing to replay")
	}
	if err := r.check(); err != nil {
		return nil, nil, 0, err
	}
	if h.players.Add(1) > int64(h.o.MaxReplays) {
		h.players.Add(-1)
		return nil, nil, 0, layers.Errorf(layers.ErrUnavailable, "%d viewers replay, as many as may at a time; try again later", h.o.MaxReplays)
	}
	p = &player{live: h, from: r.from, to: r.to, at: float64(r.at), speed: r.speed, paused: r.paused, feeds: map[layers.ID]*replayFeed{}}
	defer func() {
		if err != nil {
			p.close()
			p = nil
		}
	}()
	o := h.o
	o.Journal, o.Registerer, o.Now = nil, nil, p.now
	if o.Codec = nil; o.NewCodec != nil {
		o.Codec = o.NewCodec()
	}
	p.hub = New(o)
	p.hub.replays = true
	for _, l := range h.Layers() {
		if err := p.hub.AddLayer(l); err != nil {
			return p, nil, 0, err
		}
	}
	if p.viewer, err = p.hub.Attach(json); err != nil {
		return p, nil, 0, err
	}
	<-p.viewer.out // the connection has had its hello
	live, hz, err = p.subscribe(ctx, s)
	return p, live, hz, err
}

// close ends the player.
func (p *player) close() {
	if p.viewer != nil {
		p.viewer.Close()
	}
	p.live.players.Add(-1)
}

// now is the replay's clock.
func (p *player) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.UnixMilli(int64(p.at))
}

// subscribe changes what the viewer sees, and reads the state of layers that it
// did not see before.
func (p *player) subscribe(ctx context.Context, s Subscription) (live []layers.ID, hz float64, err error) {
	s.Resume = nil
	if live, hz, err = p.viewer.Subscribe(s); err != nil {
		return nil, 0, err
	}
	for _, id := range live {
		p.mu.Lock()
		known := p.feeds[id] != nil
		p.mu.Unlock()
		if known {
			continue
		}
		f, err := p.open(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		p.mu.Lock()
		p.feeds[id] = f
		p.mu.Unlock()
	}
	return live, hz, nil
}

// open puts a layer's state into the hub as it was at the replay's clock.
func (p *player) open(ctx context.Context, id layers.ID) (*replayFeed, error) {
	l, err := p.hub.layer(id)
	if err != nil {
		return nil, err
	}
	// What the disk does not take is not shown; the past can be shown all the same.
	_ = p.live.Recorded(ctx)
	now := p.now().UnixMilli()
	f := &replayFeed{layer: l, shown: now + 1, read: now + 1}
	err = p.live.o.Journal.Latest(ctx, id, now-l.live.Removed.Milliseconds()+1, now+1, func(b *Believed) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.believe(b)
		return nil
	})
	return f, err
}

// run plays until ctx ends.
func (p *player) run(ctx context.Context, send func([]byte) bool) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / p.hub.o.TickRate))
	defer ticker.Stop()
	last := time.Now()
	told, toldAt := "", time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		if err := p.step(ctx, now.Sub(last)); err != nil {
			if ctx.Err() == nil {
				p.live.o.Log.Error("a replay could not be read", "cause", err)
				send(errorMessage(0, err))
			}
			return
		}
		last = now
		p.hub.tick()
		s := p.status()
		if s.Type = "replay"; s.State != told || now.Sub(toldAt) >= time.Second {
			told, toldAt = s.State, now
			if !send(encode(s)) {
				return
			}
		}
	}
}

// step moves the clock on by what it should be after a real time, and shows
// what was received until then.
func (p *player) step(ctx context.Context, elapsed time.Duration) error {
	recorded := p.live.o.Now().Add(-replayLag).UnixMilli()
	p.mu.Lock()
	next := p.at
	if !p.paused {
		// A reader that was held up goes on from where it was, at most a second further.
		next = min(p.at+min(elapsed.Seconds(), 1)*1000*p.speed, float64(p.to), max(float64(recorded), p.at))
	}
	far := min(int64(next+max(5000*p.speed, 1000)), max(recorded, int64(next))+1)
	feeds := make([]*replayFeed, 0, len(p.feeds))
	for _, f := range p.feeds {
		feeds = append(feeds, f)
	}
	p.mu.Unlock()
	for _, f := range feeds {
		if err := p.feed(ctx, f, int64(next)+1, far); err != nil {
			return err
		}
	}
	p.mu.Lock()
	p.at = next
	p.mu.Unlock()
	return nil
}

// feed shows what was received before a moment, and reads up to far if need be.
func (p *player) feed(ctx context.Context, f *replayFeed, until, far int64) error {
	if until <= f.shown {
		return nil
	}
	if until > f.read {
		f.show(f.read)
		if err := p.readAhead(ctx, f, until, max(until, far)); err != nil {
			return err
		}
	}
	f.show(until)
	return nil
}

// errTooMany ends reading ahead: rows are shown as they are read instead.
var errTooMany = errors.New("realtime: too many rows to read ahead")

// readAhead reads the recording up to far, or, if that is too much, shows what
// was received before until without keeping it.
func (p *player) readAhead(ctx context.Context, f *replayFeed, until, far int64) error {
	err := p.live.o.Journal.Received(ctx, f.layer.desc.ID, f.read, far, func(b *Believed) error {
		if len(f.rows) >= maxReplayRows {
			return errTooMany
		}
		f.rows = append(f.rows, *b)
		return nil
	})
	if err == nil {
		f.read = far
		return nil
	}
	f.rows = f.rows[:0]
	if !errors.Is(err, errTooMany) {
		return err
	}
	err = p.live.o.Journal.Received(ctx, f.layer.desc.ID, f.read, until, func(b *Believed) error {
		f.layer.mu.Lock()
		defer f.layer.mu.Unlock()
		f.layer.believe(b)
		return nil
	})
	f.read, f.shown = until, until
	return err
}

// show puts the rows received before a moment into the hub.
func (f *replayFeed) show(until int64) {
	f.layer.mu.Lock()
	kept := f.rows[:0]
	for i := range f.rows {
		if f.rows[i].Received < until {
			f.layer.believe(&f.rows[i])
		} else {
			kept = append(kept, f.rows[i])
		}
	}
	f.layer.mu.Unlock()
	clear(f.rows[len(kept):])
	f.rows, f.shown = kept, max(f.shown, until)
}

// steer changes speed and pause.
func (p *player) steer(speed float64, paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed, p.paused = speed, paused
}

// status is what the viewer is told of the replay.
func (p *player) status() *replayText {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &replayText{Epoch: p.hub.epoch, From: p.from, To: p.to, At: int64(p.at), Speed: p.speed, State: "playing"}
	switch {
	case p.at >= float64(p.to):
		s.State = "ended"
	case p.paused:
		s.State = "paused"
	}
	return s
}
