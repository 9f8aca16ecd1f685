package rules

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/durable"
)

// An outcome is found in memory, from a report that is on its way to the disk, and
// is itself on disk a moment later. What makes it certain is that it can be found
// again: a checkpoint keeps where everything stood, and is written only when
// every outcome until then is on disk; after a crash what was received since is
// evaluated again, in its order, and gives the same outcomes. Those that the log
// has already are known by rule, outcome, zone, entity and time.

// checkpointFile is the checkpoint's name in Options.Dir.
const checkpointFile = "state.json"

// Times of checkpoints.
const (
	checkpointEvery = 5 * time.Second // at least, and 50 times what one takes
	// checkpointSlack is how much earlier than the checkpoint a report may have been
	// received that is evaluated after it, in ms.
	checkpointSlack = 5000
	maxCheckpoint   = 1 << 30 // bytes
)

// checkpoint is where everything stood at a time.
type checkpoint struct {
	At     int64                              `json:"at"`    // ms since 1970, the server's clock
	Rules  map[string]string                  `json:"rules"` // digest by id: the state is of these
	Tracks map[layers.ID]map[string]keptTrack `json:"tracks"`
	Levels map[string]map[string]keptLevel    `json:"levels"` // by rule, and by entity or datastream
}

// keptTrack is a track, also of an entity that left its last zone a moment ago.
type keptTrack struct {
	Time   int64       `json:"t"`
	Visits []keptVisit `json:"v,omitempty"`
}

type keptVisit struct {
	Rule     string `json:"r"`
	Zone     string `json:"z,omitempty"`
	Inside   bool   `json:"i,omitempty"`
	Stayed   bool   `json:"d,omitempty"`
	Speeding bool   `json:"s,omitempty"`
	Since    int64  `json:"a,omitempty"`
	Pending  int64  `json:"p,omitempty"`
}

type keptLevel struct {
	Raised  bool  `json:"r,omitempty"`
	Time    int64 `json:"t"`
	Since   int64 `json:"a,omitempty"`
	Pending int64 `json:"p,omitempty"`
}

// digest names a rule's content.
func digest(r *Rule) string {
	b, _ := json.Marshal(r) // never fails: it was read from JSON
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

// collect copies where everything stands.
func (r *Rules) collect() *checkpoint {
	c := &checkpoint{
		At: r.o.Now().UnixMilli(), Rules: map[string]string{},
		Tracks: map[layers.ID]map[string]keptTrack{}, Levels: map[string]map[string]keptLevel{},
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for id, rule := range r.rules {
		if p := r.state[id]; p != nil && p.problem == "" && !rule.Off {
			c.Rules[id] = digest(rule)
		}
	}
	for id, w := range r.watches {
		w.mu.Lock()
		c.Tracks[id] = w.keep()
		for _, l := range w.levels {
			c.Levels[l.rule.ID] = l.keep()
		}
		w.mu.Unlock()
	}
	r.readings.mu.Lock()
	defer r.readings.mu.Unlock()
	for _, p := range r.state {
		if p.level != nil && p.level.rule.Source != "positions" {
			c.Levels[p.level.rule.ID] = p.level.keep()
		}
	}
	return c
}

// keep copies the tracks. Caller holds mu.
func (w *watch) keep() map[string]keptTrack {
	out := make(map[string]keptTrack, len(w.tracks)+len(w.left[0])+len(w.left[1]))
	for _, left := range w.left {
		for entity, t := range left {
			out[entity] = keptTrack{Time: t}
		}
	}
	w.left[1], w.left[0] = w.left[0], map[string]int64{}
	for entity, t := range w.tracks {
		k := keptTrack{Time: t.time, Visits: make([]keptVisit, len(t.visits))}
		for i, v := range t.visits {
			k.Visits[i] = keptVisit{v.zone.rule.ID, v.zone.name, v.inside, v.stayed, v.speeding, v.since, v.pending}
		}
		out[entity] = k
	}
	return out
}

// keep copies the states of a threshold. Caller holds what guards them.
func (l *level) keep() map[string]keptLevel {
	out := make(map[string]keptLevel, len(l.states))
	for key, s := range l.states {
		out[key] = keptLevel{s.raised, s.time, s.since, s.pending}
	}
	return out
}

// save writes a checkpoint, once all outcomes until then are on disk. Only Run,
// and Close after it, call it.
func (r *Rules) save(ctx context.Context) {
	n := r.evaluated.Load()
	if n == r.saved {
		return
	}
	start := time.Now()
	c := r.collect()
	r.write(ctx)
	if ctx.Err() != nil {
		return // what waits would be lost
	}
	b, err := json.Marshal(c)
	if err == nil {
		err = durable.Replace(filepath.Join(r.o.Dir, checkpointFile), b)
	}
	if err != nil {
		r.o.Logger.Error("where rules stand cannot be written; after a crash more is evaluated again", "cause", err)
		return
	}
	r.saved = n
	r.pause = max(checkpointEvery, 50*time.Since(start))
}

// readCheckpoint reads the last checkpoint; nil without one that can be read.
func (r *Rules) readCheckpoint() *checkpoint {
	path := filepath.Join(r.o.Dir, checkpointFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var b []byte
	if err == nil && info.Size() <= maxCheckpoint {
		b, err = os.ReadFile(path)
	}
	var c checkpoint
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		r.o.Logger.Error("where rules stood cannot be read: it is learned anew, without outcomes", "file", path, "cause", err)
		return nil
	}
	return &c
}

// restore takes over where the rules stood that are as they were, and returns
// them. Nothing else has r yet.
func (r *Rules) restore(c *checkpoint) map[string]bool {
	kept := map[string]bool{}
	zones := map[[2]string]*zone{} // by rule and name
	for id, rule := range r.rules {
		p := r.state[id]
		if c.Rules[id] == "" || c.Rules[id] != digest(rule) || p == nil || p.problem != "" {
			continue
		}
		kept[id] = true
		for _, z := range p.zones {
			zones[[2]string{id, z.name}] = z
			r.watches[rule.Layer].insert(z)
		}
		if p.level != nil {
			for key, k := range c.Levels[id] {
				p.level.states[key] = &levelState{raised: k.Raised, time: k.Time, since: k.Since, pending: k.Pending, value: nan}
			}
		}
	}
	for id, w := range r.watches {
		for entity, k := range c.Tracks[id] {
			w.restore(entity, k, zones)
		}
	}
	return kept
}

// restore takes a track over.
func (w *watch) restore(entity string, k keptTrack, zones map[[2]string]*zone) {
	t := &track{time: k.Time}
	for _, v := range k.Visits {
		if z := zones[[2]string{v.Rule, v.Zone}]; z != nil {
			t.visits = append(t.visits, visit{z, v.Inside, v.Stayed, v.Speeding, v.Since, v.Pending})
		}
	}
	if len(t.visits) > 0 {
		w.tracks[entity] = t
	} else {
		w.left[0][entity] = k.Time
	}
}

// again evaluates what was received since a checkpoint, a minute of it at a time.
// What it finds is written by Run, or before, where it is too much to wait.
func (r *Rules) again(ctx context.Context, c *checkpoint) error {
	now := r.o.Now().UnixMilli()
	for id, w := range r.watches {
		for from := c.At - checkpointSlack; from <= now; from += window {
			if err := r.positionsAgain(ctx, id, w, from); err != nil {
				return err
			}
		}
	}
	if len(r.readings.byStream)+len(r.readings.byProperty) == 0 {
		return nil
	}
	for from := c.At - checkpointSlack; from <= now; from += window {
		if err := r.observationsAgain(ctx, from); err != nil {
			return err
		}
	}
	return nil
}

// window is how much is evaluated again at a time, in ms.
const window = 60_000

func (r *Rules) positionsAgain(ctx context.Context, id layers.ID, w *watch, from int64) error {
	var rows []realtime.Believed
	err := r.o.Recorded.Received(ctx, id, from, from+window, func(b *realtime.Believed) error {
		rows = append(rows, *b)
		return nil
	})
	inOrder(rows, func(b *realtime.Believed) (received, time int64) { return b.Received, b.Time })
	for i := range rows {
		if b := &rows[i]; b.Time > w.left[0][b.ID] || w.tracks[b.ID] != nil {
			w.positions(rows[i : i+1])
		}
		r.writeSome(ctx)
	}
	return err
}

func (r *Rules) observationsAgain(ctx context.Context, from int64) error {
	var rows []realtime.Observation
	err := r.o.Recorded.ReceivedObservations(ctx, from, from+window, func(o *realtime.Observation) error {
		rows = append(rows, *o)
		return nil
	})
	inOrder(rows, func(o *realtime.Observation) (received, time int64) { return o.Received, o.Time })
	for i := range rows {
		r.readings.observations(rows[i:i+1], r.pending.offer)
		r.writeSome(ctx)
	}
	return err
}

// writeSome writes what is pending, so that there is always room for more.
func (r *Rules) writeSome(ctx context.Context) {
	if r.pending.waiting() < r.o.MaxPending/2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r.write(ctx)
}

// outcomeKey names an outcome: there is no second of it.
type outcomeKey struct {
	rule    string
	outcome Outcome
	zone    string
	layer   layers.ID
	entity  string
	stream  string
	time    int64
}

func (f *finding) key() outcomeKey {
	return outcomeKey{f.rule.ID, f.outcome, f.zone, f.layer, f.entity, f.stream, f.time}
}

// placeAll brings the rules of the file to where they stood.
func (r *Rules) placeAll(ctx context.Context, c *checkpoint, last map[subject]lastOutcome) error {
	kept := map[string]bool{}
	if c != nil {
		kept = r.restore(c)
	}
	maps.DeleteFunc(last, func(s subject, _ lastOutcome) bool { return kept[s.rule] })
	r.rememberLevels(last)
	if c != nil && r.o.Recorded != nil {
		if err := r.again(ctx, c); err != nil {
			return err
		}
	}
	r.learnAll(kept)
	r.rememberVisits(last)
	return nil
}

// inOrder sorts rows by when they were received, those of one moment by the
// source's time.
func inOrder[T any](rows []T, of func(*T) (received, time int64)) {
	slices.SortStableFunc(rows, func(a, b T) int {
		ar, at := of(&a)
		br, bt := of(&b)
		return cmp.Or(cmp.Compare(ar, br), cmp.Compare(at, bt))
	})
}
