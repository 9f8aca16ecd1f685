package sensorthings

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
)

// MaxNotice bounds the payload of a message to subscribers, bytes. What is larger
// is not sent.
const MaxNotice = 64 << 10

// notice is a message to the subscribers of a topic.
type notice struct {
	end     int64 // where its change ends in the log: it is sent when that is on disk
	topic   string
	payload []byte
}

// outbox holds the notices of changes that are not on disk yet, in the order of
// the changes.
type outbox struct {
	sending sync.Mutex // held while notices are sent, so that they stay in order

	mu      sync.Mutex // guards waiting
	waiting []notice

	send func(topic string, payload []byte)
	skip func(topic string, size int) // what is too large
}

// difference is what a change made of an entity as a client sees it.
type difference struct {
	members uint16 // that have another value, by number
	links   bool   // or it is new
}

// differs notes that an entity looks otherwise; nobody is told where nobody
// listens.
func (c *change) differs(e *entity, member int) {
	if c.differences == nil {
		return
	}
	d := c.differences[e]
	if member < 0 {
		d.links = true
	} else {
		d.members |= 1 << member
	}
	c.differences[e] = d
}

// remeasured notes which computed members of a Datastream a change has moved.
func (c *change) remeasured(stream *entity, before extent) {
	if c.differences == nil {
		return
	}
	for _, m := range []int{streamPhenomenon, streamResult} {
		if string(before.json(m)) != string(stream.extent.json(m)) {
			c.computed[stream] = append(c.computed[stream], m)
		}
	}
}

// notices makes the messages that a change gives. Caller holds s.mu.
func (c *change) notices(end int64) {
	if c.differences == nil {
		return
	}
	ws := &c.s.watches
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	var out []notice
	for _, e := range c.touched {
		if d, ok := c.differences[e]; ok && !c.gone[e] {
			out = c.noticesOf(e, d, end, out)
		}
	}
	for stream, members := range c.computed {
		ws.of(c.s, stream, func(w *watch) {
			if slices.Contains(members, w.member) {
				out = append(out, notice{end, w.topic, c.s.memberAlone(stream, w.member)})
			}
		})
	}
	if len(out) == 0 {
		return
	}
	c.s.out.mu.Lock()
	c.s.out.waiting = append(c.s.out.waiting, out...)
	c.s.out.mu.Unlock()
}

func (c *change) noticesOf(e *entity, d difference, end int64, out []notice) []notice {
	var whole []byte // without $select, written once
	c.s.watches.of(c.s, e, func(w *watch) {
		n := notice{end: end, topic: w.topic}
		switch {
		case w.member >= 0 && d.members&(1<<w.member) == 0:
			return
		case w.member >= 0:
			n.payload = c.s.memberAlone(e, w.member)
		case w.o.selected != nil:
			n.payload = c.s.rendered(e, w.o)
		default:
			if whole == nil {
				whole = c.s.rendered(e, w.o)
			}
			n.payload = whole
		}
		out = append(out, n)
	})
	return out
}

func (s *Store) rendered(e *entity, o *options) []byte {
	w := &writer{s: s, ctx: context.Background(), base: s.topicBase}
	w.entity(e, o)
	return w.buf
}

// memberAlone is an object with one member.
func (s *Store) memberAlone(e *entity, m int) []byte {
	v := s.value(e, m)
	if v == nil {
		v = json.RawMessage("null")
	}
	name, _ := json.Marshal(definitions[e.kind].members[m].name) // never fails
	return slices.Concat([]byte("{"), name, []byte(":"), v, []byte("}"))
}

// settle returns when the log is on disk up to end, and sends the notices of what
// is there.
func (s *Store) settle(end int64) error {
	err := s.log.sync(end)
	o := &s.out
	o.sending.Lock()
	defer o.sending.Unlock()
	o.mu.Lock()
	n := 0
	for n < len(o.waiting) && (err != nil || o.waiting[n].end <= end) {
		n++
	}
	ready := slices.Clone(o.waiting[:n])
	o.waiting = slices.Delete(o.waiting, 0, n)
	o.mu.Unlock()
	if err != nil {
		return err // nothing more is written after it
	}
	for _, m := range ready {
		if len(m.payload) > MaxNotice {
			o.skip(m.topic, len(m.payload))
		} else {
			o.send(m.topic, m.payload)
		}
	}
	if len(ready) > 0 {
		s.watches.due(s.now())
	}
	return nil
}
