package sensorthings

import (
	"slices"
	"strings"
	"sync"
	"time"

	"twind/layers"
)

// topicPrefix begins every topic of SensorThings.
const topicPrefix = "v1.1/"

// Bounds of what may be watched.
const (
	maxTopicBytes  = 4 << 10
	maxWatches     = 100_000
	maxDeepWatches = 256 // whose address is walked at each change of an entity of its kind
)

// watch is a topic somebody subscribed to: which changes are told on it, and how.
type watch struct {
	topic  string
	kind   kind
	member int      // the only member that is told; -1: the entity
	o      *options // $select
	asked  time.Time

	id       int64  // the only entity; 0 any
	relation int    // with parent: the entities that this relation of theirs leads to parent
	parent   int64  // 0: not looked at
	path     string // where the address is longer: it is walked; else ""
}

// parseTopic reads a topic to subscribe to: an address below the root with at
// most $select.
func parseTopic(topic string) (*watch, error) {
	if len(topic) > maxTopicBytes {
		return nil, bad("A topic of %d bytes: at most %d are taken.", len(topic), maxTopicBytes)
	}
	address, query, _ := strings.Cut(strings.TrimPrefix(topic, topicPrefix), "?")
	if strings.ContainsAny(topic, "+#") {
		return nil, bad("Topic %s: wildcards are not possible below v1.1; subscribe to an entity set, an entity or a member.", short(topic))
	}
	w := &watch{topic: topic, member: -1}
	if strings.Contains(address, "(0") || strings.Contains(address, "(-") {
		return nil, missing("Topic %s: ids are whole numbers from 1.", short(topic))
	}
	if err := w.walk(strings.Split(address, "/"), address); err != nil {
		return nil, err
	}
	o, err := parseQuery(query, w.kind)
	if err != nil {
		return nil, err
	}
	for _, pair := range o.raw {
		if pair[0] != "$select" || w.member >= 0 {
			return nil, bad("Topic %s: only $select is possible, of entities.", short(topic))
		}
	}
	if o.topGiven || o.skip > 0 {
		return nil, bad("Topic %s: only $select is possible.", short(topic))
	}
	w.o = o
	return w, nil
}

// walk follows the address by the definitions alone: what it names may come to
// be later.
func (w *watch) walk(segments []string, address string) error {
	if len(segments) > maxPathSegments {
		return bad("The topic has more than %d names.", maxPathSegments)
	}
	name, id, one, err := parseSegment(segments[0])
	if err != nil {
		return err
	}
	k, ok := kindOf(name)
	if !ok {
		return missing("There is no entity set %s.", short(name))
	}
	w.kind, w.id = k, id
	for i, segment := range segments[1:] {
		if !one || w.member >= 0 {
			return missing("There is no %s below %s.", short(segment), short(segments[i]))
		}
		if one, err = w.step(segment); err != nil {
			return err
		}
		if i > 0 && w.member < 0 {
			w.path = address
		}
	}
	if w.path != "" && w.member >= 0 {
		w.path = address[:strings.LastIndexByte(address, '/')]
	}
	return nil
}

// step goes on by one name; one says that it leads to an entity.
func (w *watch) step(segment string) (one bool, err error) {
	name, id, has, err := parseSegment(segment)
	if err != nil {
		return false, err
	}
	r := w.kind.relation(name)
	if r < 0 {
		if w.member = w.kind.member(name); w.member < 0 || has {
			return false, missing("%s has no %s.", article(definitions[w.kind].one), short(segment))
		}
		return true, nil
	}
	rel := &definitions[w.kind].relations[r]
	if has && !rel.many {
		return false, missing("%s is one entity: no id can follow it.", rel.name)
	}
	w.kind, w.relation, w.parent, w.id = rel.to, rel.inverse, w.id, id
	return has || !rel.many, nil
}

// watches are the topics subscribed to. The zero value is ready.
type watches struct {
	mu      sync.RWMutex
	topics  map[string]*watch
	heard   func(topic string) bool // whether a topic has subscribers; nil: nobody knows
	swept   time.Time
	sets    [kinds][]*watch // of whole sets
	one     [kinds]map[int64][]*watch
	related [kinds][maxRelations]map[int64][]*watch // by the entity that the relation leads to
	deep    [kinds][]*watch
	deeps   int
}

// slot is where a watch is kept.
func (ws *watches) slot(w *watch) *[]*watch {
	switch {
	case w.path != "":
		return &ws.deep[w.kind]
	case w.parent == 0 && w.id == 0:
		return &ws.sets[w.kind]
	}
	return nil
}

// add notes a topic that somebody subscribes to now.
func (ws *watches) add(w *watch, now time.Time) error {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if known := ws.topics[w.topic]; known != nil {
		known.asked = now
		return nil
	}
	if len(ws.topics) >= maxWatches || w.path != "" && ws.deeps >= maxDeepWatches {
		ws.sweep(now)
	}
	switch {
	case len(ws.topics) >= maxWatches:
		return &problem{503, "As many topics are subscribed to as may be: try again later."}
	case w.path != "" && ws.deeps >= maxDeepWatches:
		return bad("Topic %s: only %d topics that follow more than one relation can be subscribed to; begin at the entity itself, such as v1.1/Datastreams(1)/Observations.", short(w.topic), maxDeepWatches)
	}
	if ws.topics == nil {
		ws.topics = map[string]*watch{}
	}
	w.asked = now
	ws.topics[w.topic] = w
	if s := ws.slot(w); s != nil {
		*s = append(*s, w)
	} else if m, key := ws.keyed(w); *m == nil {
		*m = map[int64][]*watch{key: {w}}
	} else {
		(*m)[key] = append((*m)[key], w)
	}
	if w.path != "" {
		ws.deeps++
	}
	return nil
}

func (ws *watches) keyed(w *watch) (*map[int64][]*watch, int64) {
	if w.parent == 0 {
		return &ws.one[w.kind], w.id
	}
	return &ws.related[w.kind][w.relation], w.parent
}

// watchGrace is how long a topic is kept that nobody hears yet: its
// subscription is being made.
const watchGrace = time.Minute

// sweepEvery is how often topics that nobody hears any more are forgotten.
const sweepEvery = 10 * time.Minute

// due sweeps when it is time.
func (ws *watches) due(now time.Time) {
	ws.mu.RLock()
	waits := now.Sub(ws.swept) < sweepEvery
	ws.mu.RUnlock()
	if waits {
		return
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.sweep(now)
}

// sweep forgets topics that nobody hears. Caller holds mu.
func (ws *watches) sweep(now time.Time) {
	ws.swept = now
	for _, w := range ws.topics {
		if now.Sub(w.asked) > watchGrace && ws.heard != nil && !ws.heard(w.topic) {
			ws.forget(w)
		}
	}
}

// forget drops a topic. Caller holds mu.
func (ws *watches) forget(w *watch) {
	delete(ws.topics, w.topic)
	if w.path != "" {
		ws.deeps--
	}
	without := func(list []*watch) []*watch {
		return slices.DeleteFunc(list, func(x *watch) bool { return x == w })
	}
	if s := ws.slot(w); s != nil {
		*s = without(*s)
		return
	}
	m, key := ws.keyed(w)
	if (*m)[key] = without((*m)[key]); len((*m)[key]) == 0 {
		delete(*m, key)
	}
}

func (ws *watches) has(topic string) bool {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	return ws.topics[topic] != nil
}

func (ws *watches) any() bool {
	ws.mu.RLock()
	defer ws.mu.RUnlock()
	return len(ws.topics) > 0
}

// of calls yield for each topic that tells of an entity. Caller holds s.mu and mu.
func (ws *watches) of(s *Store, e *entity, yield func(*watch)) {
	each := func(list []*watch) {
		for _, w := range list {
			yield(w)
		}
	}
	each(ws.sets[e.kind])
	each(ws.one[e.kind][e.id])
	for r := range definitions[e.kind].relations {
		known := ws.related[e.kind][r]
		if len(known) == 0 {
			continue
		}
		// Of two lists that may be long, the shorter one is gone through.
		if len(known) < len(e.links[r]) {
			for id, list := range known {
				if _, there := searchID(e.links[r], id); there {
					ws.those(list, e, yield)
				}
			}
			continue
		}
		for _, id := range e.links[r] {
			ws.those(known[id], e, yield)
		}
	}
	for _, w := range ws.deep[e.kind] {
		if s.reaches(w.path, e) {
			yield(w)
		}
	}
}

// those yields what of a list by relation tells of e.
func (ws *watches) those(list []*watch, e *entity, yield func(*watch)) {
	for _, w := range list {
		if w.id == 0 || w.id == e.id {
			yield(w)
		}
	}
}

// reaches tells whether an address leads to an entity, or to a collection that
// has it.
func (s *Store) reaches(path string, e *entity) bool {
	t, err := s.resolve(path)
	if err != nil || t.kind != e.kind {
		return false
	}
	if t.one != nil {
		return t.one == e
	}
	_, there := searchID(s.ids(&t), e.id)
	return there
}

// topicError is a problem as the broker understands it.
func topicError(err error) error {
	p, ok := err.(*problem) //nolint:errorlint // problems are not wrapped
	switch {
	case !ok:
		return err
	case p.status >= 500:
		return layers.Errorf(layers.ErrUnavailable, "%s", p.message)
	}
	return layers.Errorf(layers.ErrInvalid, "%s", p.message)
}
