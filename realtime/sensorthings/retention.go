package sensorthings

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"
)

// Retention bounds the Observations that a Datastream keeps. Zero is no bound.
type Retention struct {
	Age   time.Duration // since the server received them
	Count int           // the newest by receipt
}

// Defaults of Options.
const (
	DefaultCount           = 10_000
	DefaultAge             = 90 * 24 * time.Hour
	DefaultMaxObservations = 500_000
)

// slack is how many more than a bound there may be before the oldest go, an
// eighth of it: so that they go in numbers.
func slack(bound int) int { return bound + bound/8 }

// retention is the bound of a Datastream: that of its own property twind:keep,
// {"count": 100, "age": "720h"}, or the store's.
func (s *Store) retention(stream *entity) Retention {
	r := s.keep
	own := reach(stream.values[streamProperties], []string{"twind:keep"})
	if isNull(own) {
		return r
	}
	var given struct {
		Count int    `json:"count"`
		Age   string `json:"age"`
	}
	if json.Unmarshal(own, &given) != nil {
		return r
	}
	if given.Count > 0 {
		r.Count = given.Count
	}
	if age, err := time.ParseDuration(given.Age); err == nil && age > 0 {
		r.Age = age
	}
	return r
}

// surplus lists the Observations that are beyond the bounds of the Datastreams
// given, and of the whole. Caller holds mu.
func (s *Store) surplus(streams []*entity) (ids []int64) {
	for _, stream := range streams {
		has := stream.links[streamReadings]
		if keep := s.retention(stream).Count; keep > 0 && len(has) > slack(keep) {
			ids = append(ids, has[:len(has)-keep]...)
		}
	}
	if all := s.tables[observations].ids; len(all)-len(ids) > slack(s.maxObservations) {
		ids = append(ids, all[:len(all)-s.maxObservations]...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// expired lists the Observations that are too old, of all Datastreams. Caller
// holds mu.
func (s *Store) expired(now time.Time) (ids []int64) {
	for _, stream := range s.tables[datastreams].rows {
		age := s.retention(stream).Age
		if age <= 0 {
			continue
		}
		limit := now.Add(-age).UnixMilli()
		for _, id := range stream.links[streamReadings] { // in the order of receipt
			if s.find(observations, id).received > limit {
				break
			}
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// trim drops what the change made too many of, and writes that down. Caller
// holds mu.
func (c *change) trim() (end int64, err error) {
	var streams []*entity
	for _, e := range c.touched {
		if e.kind != observations || !c.created[e] || c.gone[e] {
			continue
		}
		if stream := c.s.find(datastreams, e.one(readingStream)); !slices.Contains(streams, stream) {
			streams = append(streams, stream)
		}
	}
	if len(streams) == 0 {
		return 0, nil
	}
	ids := c.s.surplus(streams)
	if len(ids) == 0 {
		return 0, nil
	}
	if end, err = c.s.log.append([]record{{Set: observations.String(), Forgotten: ids}}); err != nil {
		return 0, err
	}
	for _, id := range ids {
		c.gone[c.s.find(observations, id)] = true // nobody is told of it
	}
	c.s.forget(ids)
	return end, nil
}

// forget drops Observations, in ascending order of ids, at once: each list that
// has them is gone through once. Caller holds mu.
func (s *Store) forget(ids []int64) {
	streams, features := map[int64]bool{}, map[int64]bool{}
	for _, id := range ids {
		e := s.find(observations, id)
		if e == nil {
			continue // of a log that is read
		}
		streams[e.one(readingStream)], features[e.one(readingFeature)] = true, true
		delete(s.tables[observations].rows, id)
	}
	without := func(list []int64) []int64 {
		kept := list[:0]
		i := 0
		for _, id := range list {
			for i < len(ids) && ids[i] < id {
				i++
			}
			if i == len(ids) || ids[i] != id {
				kept = append(kept, id)
			}
		}
		if cap(kept) > 4*len(kept)+1024 {
			kept = slices.Clone(kept)
		}
		return kept
	}
	s.tables[observations].ids = without(s.tables[observations].ids)
	for id := range features {
		if f := s.find(featuresOfInterest, id); f != nil {
			back := definitions[observations].relations[readingFeature].inverse
			f.links[back] = without(f.links[back])
		}
	}
	for id := range streams {
		if stream := s.find(datastreams, id); stream != nil {
			stream.links[streamReadings] = without(stream.links[streamReadings])
			if s.log != nil { // else Open does it in the end
				s.measure(stream)
			}
		}
	}
}

// Expire drops the Observations that are older than their Datastreams keep them.
// It returns when that is on disk.
func (s *Store) Expire() (dropped int, err error) {
	s.mu.Lock()
	ids := s.expired(s.now())
	var end int64
	if len(ids) > 0 {
		if end, err = s.log.append([]record{{Set: observations.String(), Forgotten: ids}}); err == nil {
			s.forget(ids)
		}
	}
	s.mu.Unlock()
	if len(ids) == 0 || err != nil {
		return 0, err
	}
	return len(ids), s.settle(end)
}

// keepEvery is how often Keep looks.
const keepEvery = time.Minute

// Keep drops what is too old and makes the log small, once a minute, until ctx
// ends; then it returns nil.
func (s *Store) Keep(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := s.Expire(); err != nil {
			log.Warn("old Observations cannot be dropped", "error", err)
			continue
		}
		if !s.wasteful() {
			continue
		}
		before, after, err := s.Compact()
		if err != nil {
			log.Warn("the log of SensorThings cannot be made smaller", "error", err)
			continue
		}
		log.Info("the log of SensorThings was made smaller", "before", before, "after", after)
	}
}
