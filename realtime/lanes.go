package realtime

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"twind/layers"
)

// SetLanes gives the hub the lanes that viewers may subscribe to besides what
// moves; nil: not that one. It is called before the first viewer comes.
func (h *Hub) SetLanes(events *EventLane, readings *ReadingsLane) {
	h.lanes.Store(&hubLanes{events, readings})
}

// hubLanes are the lanes of a hub.
type hubLanes struct {
	events   *EventLane
	readings *ReadingsLane
}

// names are those of the hello.
func (l *hubLanes) names() (out []string) {
	if l == nil {
		return nil
	}
	if l.events != nil {
		out = append(out, "events")
	}
	if l.readings != nil {
		out = append(out, "readings")
	}
	return out
}

// wireLane is the member events of a subscribe message.
type wireLane struct {
	After   *uint64   `json:"after"`
	Classes []string  `json:"classes"`
	BBox    []float64 `json:"bbox"`
}

// sessionLanes are a session's lanes: the reading goroutine changes what is
// wanted and acknowledges, one goroutine of their own sends.
type sessionLanes struct {
	s       *session
	wake    chan struct{}
	started bool // of the reading goroutine
	done    sync.WaitGroup

	mu       sync.Mutex
	events   *eventCursor // nil: not subscribed
	told     uint64       // the highest number that was ever to be acknowledged
	readings []*readingsCursor
}

// eventCursor is where a viewer is on the lane of events. sessionLanes.mu guards
// it; only the sending goroutine moves it on.
type eventCursor struct {
	request  int64 // of the subscription that began it
	filter   laneFilter
	admit    func(*laneEvent) bool
	after    uint64       // up to which it was told
	mark     uint64       // up to which it knows that it was
	gap      *laneGap     // to be told with the next message
	reset    bool         // it begins with what is open
	snapshot []*laneEvent // that is still to be told
	inFlight []unacknowledged
}

// unacknowledged is a message that waits for its acknowledgement.
type unacknowledged struct {
	through uint64
	sent    time.Time
}

// laneGap says that the events after one number and before another cannot be read any more.
type laneGap struct{ after, from uint64 }

// plan checks what a subscription wants of the lanes; the result is done when its
// answer has been sent.
func (l *sessionLanes) plan(ctx context.Context, m *clientMessage) (begin func(), err error) {
	lanes := l.s.hub.lanes.Load()
	if lanes == nil {
		lanes = &hubLanes{}
	}
	if m.Events != nil && lanes.events == nil {
		return nil, layers.Errorf(layers.ErrUnsupported, "events: this server has no lane of events: it keeps no history")
	}
	if len(m.Readings) > 0 && lanes.readings == nil {
		return nil, layers.Errorf(layers.ErrUnsupported, "readings: this server has no lane of readings")
	}
	var filter laneFilter
	if m.Events != nil {
		if filter, err = laneFilterOf(m.Events.Classes, m.Events.BBox); err != nil {
			return nil, err
		}
	}
	readings, err := l.planReadings(lanes.readings, m.Readings)
	if err != nil {
		return nil, err
	}
	return func() {
		if !l.started && m.Events == nil && len(readings) == 0 {
			return
		}
		l.mu.Lock()
		l.subscribeEvents(lanes.events, m, filter)
		l.subscribeReadings(readings)
		l.mu.Unlock()
		if !l.started {
			l.started = true
			l.done.Go(func() { l.run(ctx, lanes) })
		}
		poke(l.wake)
	}, nil
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// subscribeEvents begins, ends or goes on with the lane. Caller holds mu.
func (l *sessionLanes) subscribeEvents(lane *EventLane, m *clientMessage, filter laneFilter) {
	w := m.Events
	if w == nil {
		l.events = nil
		return
	}
	if l.events != nil && l.events.filter.equal(&filter) {
		return // it goes on
	}
	c := &eventCursor{request: m.Request, filter: filter, admit: l.admission(filter)}
	l.events = c
	last, _ := lane.news()
	if w.After != nil && *w.After <= last {
		c.after, c.mark = *w.After, *w.After
		return
	}
	if w.After != nil { // the numbers began anew: nobody knows what it missed
		c.gap = &laneGap{*w.After, last + 1}
	}
	// First the number, then what is open up to it: what comes meanwhile follows.
	c.snapshot, c.after = lane.snapshot()
	c.reset, c.mark = true, c.after
}

// admission is what the filter and the reader's rights let through. An event of a
// layer is for who sees all of it: it tells of one entity what rows may hide.
func (l *sessionLanes) admission(filter laneFilter) func(*laneEvent) bool {
	may := map[layers.ID]bool{"": true}
	policies := l.s.o.Policies
	return func(e *laneEvent) bool {
		if !filter.admits(e) {
			return false
		}
		if policies == nil {
			return true
		}
		ok, known := may[e.layer]
		if !known {
			p := policies(e.layer)
			ok = !p.Restricted()
			may[e.layer] = ok
		}
		return ok
	}
}

// acknowledge takes what a viewer has; false: it was never told that.
func (l *sessionLanes) acknowledge(sequence uint64) (advanced, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sequence > l.told {
		return false, false
	}
	c := l.events
	if c == nil {
		return false, true
	}
	n := 0
	for n < len(c.inFlight) && c.inFlight[n].through <= sequence {
		n++
	}
	if n > 0 {
		c.inFlight = append(c.inFlight[:0], c.inFlight[n:]...)
		poke(l.wake)
	}
	return n > 0, true
}

// run sends what there is until ctx or the connection ends.
func (l *sessionLanes) run(ctx context.Context, lanes *hubLanes) {
	for {
		var changed, ticked <-chan struct{}
		if lanes.events != nil {
			_, changed = lanes.events.news()
		}
		if lanes.readings != nil {
			ticked = lanes.readings.news()
		}
		more, late, ok := l.sendEvents(ctx, lanes.events)
		if !ok || !l.sendReadings(ctx, lanes.readings) {
			return
		}
		if more {
			continue
		}
		var due <-chan time.Time
		var timer *time.Timer
		if !late.IsZero() {
			timer = time.NewTimer(max(0, time.Until(late)) + time.Millisecond)
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-changed:
		case <-ticked:
		case <-due:
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// markEvery is how many events that are not for a viewer pass before it is told
// up to where it is.
const markEvery = 1024

// sendEvents sends at most one message; late is when the oldest that waits for its
// acknowledgement has waited too long.
func (l *sessionLanes) sendEvents(ctx context.Context, lane *EventLane) (more bool, late time.Time, ok bool) {
	l.mu.Lock()
	c := l.events
	if c == nil {
		l.mu.Unlock()
		return false, time.Time{}, true
	}
	if len(c.inFlight) > 0 {
		oldest := c.inFlight[0]
		late = oldest.sent.Add(lane.o.AckWithin)
		if !time.Now().Before(late) {
			l.mu.Unlock()
			l.s.close(CloseUnacknowledged, fmt.Sprintf("events up to %d were not acknowledged within %s; go on with events.after", oldest.through, lane.o.AckWithin), "unacknowledged")
			return false, late, false
		}
	}
	full := len(c.inFlight) >= lane.o.InFlight
	after := c.after
	l.mu.Unlock()
	if full {
		return false, late, true
	}
	message, through, more, err := l.eventMessage(ctx, lane, c, after)
	if err != nil {
		if ctx.Err() == nil {
			l.s.hub.o.Log.Error("events cannot be read for a viewer", "after", after, "cause", err)
			l.s.close(CloseInternal, "the server cannot read its log of events; go on later with events.after", "log")
		}
		return false, late, false
	}
	if message == nil {
		return more, late, true
	}
	l.mu.Lock()
	if l.events != c { // replaced meanwhile
		l.mu.Unlock()
		return true, late, true
	}
	if through > 0 || !more {
		c.inFlight = append(c.inFlight, unacknowledged{through, time.Now()})
		late = c.inFlight[0].sent.Add(lane.o.AckWithin)
		l.told = max(l.told, through)
	}
	l.mu.Unlock()
	return true, late, l.s.send(ctx, true, message)
}

// eventMessage makes the next message, or none; through is what is to be
// acknowledged, 0 of a part of what is open. Only the sending goroutine calls it.
func (l *sessionLanes) eventMessage(ctx context.Context, lane *EventLane, c *eventCursor, after uint64) (message []byte, through uint64, more bool, err error) {
	if c.reset || len(c.snapshot) > 0 {
		message, through, more = c.part()
		return message, through, more, nil
	}
	r, err := lane.after(ctx, after, c.admit)
	if err != nil {
		return nil, 0, false, err
	}
	l.mu.Lock()
	c.after = r.through
	l.mu.Unlock()
	more = r.through > after
	if r.from > 0 && c.gap == nil {
		c.gap = &laneGap{c.mark, r.from}
	}
	if len(r.items) == 0 && c.gap == nil && r.through-c.mark < markEvery {
		return nil, 0, more, nil
	}
	c.mark = r.through
	b := c.head()
	return appendLane(b, r.through, r.items), r.through, more, nil
}

// part is the next part of what is open: at most maxLaneItems.
func (c *eventCursor) part() (message []byte, through uint64, more bool) {
	b := c.head()
	b = append(b, `,"snapshot":true`...)
	if c.reset {
		b = append(b, `,"reset":true`...)
		c.reset = false
	}
	var items []*laneEvent
	for len(c.snapshot) > 0 && len(items) < maxLaneItems {
		if e := c.snapshot[0]; c.admit(e) {
			items = append(items, e)
		}
		c.snapshot = c.snapshot[1:]
	}
	if len(c.snapshot) > 0 {
		b = append(b, `,"more":true`...)
		return appendItems(b, items), 0, true
	}
	return appendLane(b, c.after, items), c.after, false
}

// head begins a message.
func (c *eventCursor) head() []byte {
	b := append(make([]byte, 0, 512), `{"type":"events","request":`...)
	b = strconv.AppendInt(b, c.request, 10)
	if c.gap != nil {
		b = append(b, `,"gap":{"after":`...)
		b = strconv.AppendUint(b, c.gap.after, 10)
		b = append(b, `,"from":`...)
		b = strconv.AppendUint(b, c.gap.from, 10)
		b = append(b, '}')
		c.gap = nil
	}
	return b
}

// appendLane ends a message that is to be acknowledged.
func appendLane(b []byte, through uint64, items []*laneEvent) []byte {
	b = append(b, `,"through":`...)
	return appendItems(strconv.AppendUint(b, through, 10), items)
}

func appendItems(b []byte, items []*laneEvent) []byte {
	b = append(b, `,"items":[`...)
	for i, e := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e.json...)
	}
	return append(b, `]}`...)
}

// contains tells whether a place in degrees is in the box, borders included.
func (b *BBox) contains(lon, lat float64) bool {
	if !(lat >= b[1] && lat <= b[3]) { // NaN is nowhere
		return false
	}
	width := b[2] - b[0]
	if width < 0 {
		width += 360
	}
	return width >= 360 || math.Mod(math.Mod(lon-b[0], 360)+360, 360) <= width
}
