// Package replay feeds recorded positions and observations to a twind server as if they happened
// now.
//
//	files ─ NDJSON, JSON array, CSV, gzip ─▶ sorted by time ─▶ POST /live/positions, /live/observations
//	        t ↦ start + (t − first) / speed                └─▶ MQTT twind/{layer}/{id}, twind/_observations/…
package replay

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"twind/layers"
)

// Options of Run.
type Options struct {
	Files []string  // see Read
	To    string    // the server: http:// or https://; the path /live/positions is added where there is none
	Speed float64   // 1 is as recorded, 10 ten times as fast; 0 takes 1
	Loop  bool      // begin again at the end, until ctx ends
	Layer layers.ID // of records that name none, such as a CSV without the column
	Token string    // sent as Authorization: Bearer; by MQTT as the password
	// Progress is told about once a second what was sent so far; may be nil.
	Progress func(Stats)
	Client   *http.Client // nil: one with a timeout of 30 s
	// Patience is how long a server that does not answer is tried again; 30 s.
	Patience time.Duration
}

// Stats counts what was replayed.
type Stats struct {
	Read     int // records in the files
	Sent     int
	Accepted int
	Refused  int
	Reason   string // of the last refusal
	Loops    int    // times the end was reached
}

// every is the time between two requests while positions are due.
const every = 200 * time.Millisecond

// maxRequest is the most records that are sent at once.
const maxRequest = 5000

// sink takes records in order of time.
type sink interface {
	send(ctx context.Context, batch []record) (outcome, error)
	close()
}

// outcome is what became of a batch.
type outcome struct {
	sent, accepted, refused int
	reason                  string // of the last refusal
}

func (o *outcome) add(x outcome) {
	o.sent += x.sent
	o.accepted += x.accepted
	o.refused += x.refused
	if x.reason != "" {
		o.reason = x.reason
	}
}

// Run sends the records of all files in order of time until the last is sent, or
// with Loop until ctx ends, which is no error. Times are moved so that the first
// one happens now; course and speed are sent as recorded. It fails with one
// sentence: a file that cannot be read, or a server that refuses everything or
// does not answer for Patience.
func Run(ctx context.Context, o Options) (Stats, error) {
	var st Stats
	target, err := endpoint(o.To)
	if err != nil {
		return st, err
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if !(o.Speed > 0) || math.IsInf(o.Speed, 0) {
		return st, layers.Errorf(layers.ErrInvalid, "speed %v: expected a factor above 0, such as 1 or 10", o.Speed)
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 30 * time.Second}
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	all, err := o.read()
	if err != nil {
		return st, err
	}
	st.Read = all.Len()
	p := player{o: o, all: all, order: all.byTime(), stats: st}
	if p.sink, err = o.open(ctx, target); err != nil {
		return st, err
	}
	defer p.sink.close()
	err = p.run(ctx)
	if o.Progress != nil {
		o.Progress(p.stats)
	}
	switch {
	case ctx.Err() != nil:
		err = nil
	case err == nil && p.stats.Accepted == 0 && p.stats.Refused > 0:
		err = layers.Errorf(layers.ErrInvalid, "%s refused everything: %s", target.Redacted(), p.stats.Reason)
	}
	return p.stats, err
}

func (o *Options) read() (*Recording, error) {
	if len(o.Files) == 0 {
		return nil, layers.Errorf(layers.ErrInvalid, "no file to replay")
	}
	all := &Recording{}
	for _, name := range o.Files {
		if err := all.readFile(name, o.Layer); err != nil {
			return nil, err
		}
	}
	if all.Len() == 0 {
		return nil, layers.Errorf(layers.ErrInvalid, "%s: no positions and no observations", strings.Join(o.Files, ", "))
	}
	return all, nil
}

func (o *Options) open(ctx context.Context, target *url.URL) (sink, error) {
	if strings.HasPrefix(target.Scheme, "mqtt") {
		return dial(ctx, *o, target)
	}
	return newPoster(*o, target), nil
}

// endpoint reads where records go.
func endpoint(to string) (*url.URL, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return nil, layers.Errorf(layers.ErrInvalid, "--to %q: expected a server such as http://127.0.0.1:8080, or a broker such as mqtt://127.0.0.1:1883", to)
	}
	switch u.Scheme {
	case "http", "https", "mqtt", "mqtts":
		return u, nil
	}
	return nil, layers.Errorf(layers.ErrInvalid, "--to %q: expected http://, https://, mqtt:// or mqtts://", to)
}

// time is when record i happened; positions come first.
func (r *Recording) time(i int32) time.Time {
	if n := int32(len(r.Positions)); i >= n {
		return time.UnixMilli(r.Observations[i-n].Time)
	}
	return r.Positions[i].Time
}

// byTime is the order in which records happened.
func (r *Recording) byTime() []int32 {
	order := make([]int32, r.Len())
	for i := range order {
		order[i] = int32(i)
	}
	sort.SliceStable(order, func(i, j int) bool { return r.time(order[i]).Before(r.time(order[j])) })
	return order
}

type player struct {
	o        Options
	sink     sink
	all      *Recording
	order    []int32
	stats    Stats
	reported time.Time
	batch    []record
}

// run plays all records once, or again and again.
func (p *player) run(ctx context.Context) error {
	first, last := p.all.time(p.order[0]), p.all.time(p.order[len(p.order)-1])
	length := time.Duration(float64(last.Sub(first)) / p.o.Speed)
	for start := time.Now(); ; {
		if err := p.once(ctx, first, start); err != nil {
			return err
		}
		p.stats.Loops++
		if !p.o.Loop {
			return nil
		}
		// A recording of one moment must not become a flood.
		start = start.Add(max(length+every, time.Second))
		if now := time.Now(); start.Before(now) {
			start = now
		}
	}
}

func (p *player) once(ctx context.Context, first, start time.Time) error {
	due := func(i int) time.Time {
		return start.Add(time.Duration(float64(p.all.time(p.order[i]).Sub(first)) / p.o.Speed))
	}
	for i := 0; i < len(p.order); {
		if err := sleep(ctx, time.Until(due(i))); err != nil {
			return err
		}
		now := time.Now()
		p.batch = p.batch[:0]
		for i < len(p.order) && len(p.batch) < maxRequest && !due(i).After(now) {
			p.batch = append(p.batch, p.all.record(p.order[i], due(i)))
			i++
		}
		out, err := p.sink.send(ctx, p.batch)
		p.count(out)
		if err != nil {
			return err
		}
		if p.o.Progress != nil && now.Sub(p.reported) >= time.Second {
			p.reported = now
			p.o.Progress(p.stats)
		}
		if i < len(p.order) && due(i).Before(time.Now().Add(every)) && len(p.batch) < maxRequest {
			if err := sleep(ctx, every); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *player) count(o outcome) {
	p.stats.Sent += o.sent
	p.stats.Accepted += o.accepted
	p.stats.Refused += o.refused
	if o.reason != "" {
		p.stats.Reason = o.reason
	}
}

func (r *Recording) record(i int32, at time.Time) record {
	if n := int32(len(r.Positions)); i >= n {
		return record{observation: &r.Observations[i-n], at: at}
	}
	return record{position: &r.Positions[i], at: at}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
