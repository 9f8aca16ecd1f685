package sensorthings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// entity is one row. Store.mu guards it.
type entity struct {
	kind   kind
	id     int64
	values []json.RawMessage     // by the kind's members; nil: no value
	links  [maxRelations][]int64 // by the kind's relations; ids in ascending order
	made   int64                 // of a Location: the FeatureOfInterest made of it; 0 none
	extent *extent               // of a Datastream with Observations
	// received is when the server got an Observation, ms since 1970.
	received int64
}

// one is the target of a to-one relation; 0 without.
func (e *entity) one(relation int) int64 {
	if len(e.links[relation]) == 0 {
		return 0
	}
	return e.links[relation][0]
}

// table is an entity set.
type table struct {
	rows map[int64]*entity
	ids  []int64 // ascending
	last int64   // the highest id ever given
}

// Options of Open.
type Options struct {
	Dir string           // folder of the log; it is made where it is missing
	Now func() time.Time // time.Now
	// MaxEntities bounds how many there are, about 1 KB of memory each; 2,000,000.
	MaxEntities int
	// Keep bounds the Observations of each Datastream that does not say otherwise;
	// the zero value is DefaultCount and DefaultAge, a negative bound is none.
	Keep Retention
	// MaxObservations bounds those of all Datastreams together, about 0.5 KB of
	// memory each: the oldest go; DefaultMaxObservations.
	MaxObservations int
	// CompactSlack is how many bytes the log may have beyond twice what is live
	// before Keep writes it anew; 16 MiB.
	CompactSlack int64
}

// EnsureDefaults replaces zero values by the defaults.
func (o *Options) EnsureDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxEntities <= 0 {
		o.MaxEntities = 2_000_000
	}
	if o.Keep.Count == 0 {
		o.Keep.Count = DefaultCount
	}
	if o.Keep.Age == 0 {
		o.Keep.Age = DefaultAge
	}
	if o.MaxObservations <= 0 {
		o.MaxObservations = DefaultMaxObservations
	}
	if o.CompactSlack <= 0 {
		o.CompactSlack = compactSlack
	}
}

// Store holds the entities. It is safe for concurrent use.
type Store struct {
	now             func() time.Time
	max             int
	keep            Retention
	maxObservations int
	compactSlack    int64
	opened          int64      // ms since 1970
	compacting      sync.Mutex // held by Compact

	mu     sync.RWMutex
	tables [kinds]table
	log    *logFile

	watches   watches
	out       outbox
	topicBase string // of self links in notices
}

// Open reads the log of a folder, or begins one.
func Open(o Options) (*Store, error) {
	o.EnsureDefaults()
	s := &Store{now: o.Now, max: o.MaxEntities, keep: o.Keep, maxObservations: o.MaxObservations, compactSlack: o.CompactSlack, opened: o.Now().UnixMilli()}
	for k := range s.tables {
		s.tables[k].rows = map[int64]*entity{}
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	log, err := openLog(filepath.Join(o.Dir, "sensorthings.log"), s.replay)
	if err != nil {
		return nil, err
	}
	s.log = log
	for _, e := range s.tables[datastreams].rows {
		s.measure(e)
	}
	return s, nil
}

// Close syncs and closes the log. Later writes fail.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.close()
}

func (s *Store) size() (n int) {
	for k := range s.tables {
		n += len(s.tables[k].rows)
	}
	return n
}

func (s *Store) find(k kind, id int64) *entity { return s.tables[k].rows[id] }

func (s *Store) put(e *entity) {
	t := &s.tables[e.kind]
	t.rows[e.id] = e
	t.ids = withID(t.ids, e.id)
	t.last = max(t.last, e.id)
}

func (s *Store) drop(e *entity) {
	t := &s.tables[e.kind]
	delete(t.rows, e.id)
	t.ids = withoutID(t.ids, e.id)
}

// join links two entities on both sides.
func (s *Store) join(e *entity, relation int, to *entity) {
	e.links[relation] = withID(e.links[relation], to.id)
	back := definitions[e.kind].relations[relation].inverse
	to.links[back] = withID(to.links[back], e.id)
}

func (s *Store) part(e *entity, relation int, to *entity) {
	e.links[relation] = withoutID(e.links[relation], to.id)
	back := definitions[e.kind].relations[relation].inverse
	to.links[back] = withoutID(to.links[back], e.id)
}

// targets are the entities a relation leads to.
func (s *Store) targets(e *entity, relation int) []*entity {
	to := &s.tables[definitions[e.kind].relations[relation].to]
	out := make([]*entity, 0, len(e.links[relation]))
	for _, id := range e.links[relation] {
		out = append(out, to.rows[id])
	}
	return out
}

func withID(ids []int64, id int64) []int64 {
	i, there := searchID(ids, id)
	if there {
		return ids
	}
	return slices.Insert(ids, i, id)
}

func withoutID(ids []int64, id int64) []int64 {
	i, there := searchID(ids, id)
	if !there {
		return ids
	}
	return slices.Delete(ids, i, i+1)
}

// value is a member as JSON; nil: none.
func (s *Store) value(e *entity, m int) json.RawMessage {
	if definitions[e.kind].members[m].form == formComputed {
		return e.extent.json(m)
	}
	return e.values[m]
}

func searchID(ids []int64, id int64) (int, bool) { return slices.BinarySearch(ids, id) }
