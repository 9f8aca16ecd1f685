package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"twind/layers"
)

// wireReplay is the member replay of a subscribe message.
type wireReplay struct {
	From   wireTime  `json:"from"`
	To     *wireTime `json:"to"` // absent: now
	At     *wireTime `json:"at"` // absent: go on, or begin at from
	Speed  *float64  `json:"speed"`
	Paused bool      `json:"paused"`
}

// wireTime is ms since 1970, or RFC 3339.
type wireTime int64

// UnmarshalJSON reads a number or a text.
func (t *wireTime) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var at time.Time
		if err := json.Unmarshal(b, &at); err != nil {
			return fmt.Errorf("time %.40s: expected RFC 3339, or milliseconds since 1970", b)
		}
		*t = wireTime(at.UnixMilli())
		return nil
	}
	var ms float64
	if err := json.Unmarshal(b, &ms); err != nil || ms < 0 || ms > 253402300799999 {
		return fmt.Errorf("time %.40s: expected RFC 3339, or milliseconds since 1970", b)
	}
	*t = wireTime(ms)
	return nil
}

// request completes what a message leaves out.
func (w *wireReplay) request(now time.Time) replayRequest {
	r := replayRequest{from: int64(w.From), to: now.UnixMilli(), speed: 1, paused: w.Paused}
	if w.To != nil {
		r.to = int64(*w.To)
	}
	r.at = r.from
	if w.At != nil {
		r.at, r.hasAt = int64(*w.At), true
	}
	if w.Speed != nil {
		r.speed = *w.Speed
	}
	return r
}

// replaySession is a replay that a session shows.
type replaySession struct {
	player *player
	asked  replayRequest
	openTo bool // the message had no to
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// subscribeReplay begins a replay, seeks in it, or changes what is seen of it.
// While it lasts the live viewer has the static layers only.
func (s *session) subscribeReplay(ctx context.Context, w *wireReplay, sub Subscription) (live []layers.ID, hz float64, begin func(), err error) {
	begin = func() {}
	r := w.request(s.hub.o.Now())
	if c := s.replay; c != nil && !r.hasAt && r.from == c.asked.from && (r.to == c.asked.to || w.To == nil && c.openTo) {
		r.at, r.to = c.asked.from, c.asked.to
		if err := r.check(); err != nil {
			return nil, 0, begin, err
		}
		if live, hz, err = c.player.subscribe(ctx, sub); err != nil {
			return nil, 0, begin, err
		}
		c.player.steer(r.speed, r.paused)
		return live, hz, begin, s.keepStatic(sub)
	}
	p, live, hz, err := s.hub.newPlayer(ctx, r, s.o.JSON, sub)
	if err != nil {
		return nil, 0, begin, err
	}
	if err := s.keepStatic(sub); err != nil {
		p.close()
		return nil, 0, begin, err
	}
	s.endReplay()
	playing, cancel := context.WithCancel(ctx)
	c := &replaySession{player: p, asked: r, openTo: w.To == nil, cancel: cancel}
	s.replay = c
	begin = func() {
		c.done.Go(func() { p.run(playing, func(b []byte) bool { return s.send(ctx, true, b) }) })
		c.done.Go(func() { s.pump(playing, ctx, p.viewer) })
	}
	return live, hz, begin, nil
}

// keepStatic leaves the live viewer the changes of the layers that are not live.
func (s *session) keepStatic(sub Subscription) error {
	var static []layers.ID
	for _, id := range sub.Layers {
		if _, err := s.hub.layer(id); err != nil {
			static = append(static, id)
		}
	}
	sub.Layers, sub.Filter = static, nil
	_, _, err := s.viewer.Subscribe(sub)
	return err
}

// endReplay ends the replay, if there is one, and waits until it has.
func (s *session) endReplay() {
	if s.replay == nil {
		return
	}
	s.replay.cancel()
	s.replay.done.Wait()
	s.replay.player.close()
	s.replay = nil
}
