// Package replay feeds recorded positions to a twind server as if they happened
// now.
//
//	files ─ NDJSON, JSON array, CSV, gzip ─▶ sorted by time ─▶ POST /live/positions
//	        t ↦ start + (t − first) / speed
package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime"
)

// Options of Run.
type Options struct {
	Files []string  // see Read
	To    string    // the server: http:// or https://; the path /live/positions is added where there is none
	Speed float64   // 1 is as recorded, 10 ten times as fast; 0 takes 1
	Loop  bool      // begin again at the end, until ctx ends
	Layer layers.ID // of records that name none, such as a CSV without the column
	Token string    // sent as Authorization: Bearer
	// Progress is told about once a second what was sent so far; may be nil.
	Progress func(Stats)
	Client   *http.Client // nil: one with a timeout of 30 s
	// Patience is how long a server that does not answer is tried again; 30 s.
	Patience time.Duration
}

// Stats counts what was replayed.
type Stats struct {
	Read     int // positions in the files
	Sent     int
	Accepted int
	Refused  int
	Reason   string // of the last refusal
	Loops    int    // times the end was reached
}

// every is the time between two requests while positions are due.
const every = 200 * time.Millisecond

// maxRequest is the most positions of one request.
const maxRequest = 5000

// Run sends the positions of all files in order of time until the last is sent,
// or with Loop until ctx ends, which is no error. Times are moved so that the
// first position happens now; course and speed are sent as recorded. It fails
// with one sentence: a file that cannot be read, or a server that refuses
// everything or does not answer for Patience.
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
	if len(o.Files) == 0 {
		return st, layers.Errorf(layers.ErrInvalid, "no file to replay")
	}
	var all []realtime.Position
	for _, name := range o.Files {
		if all, err = readFile(all, name, o.Layer); err != nil {
			return st, err
		}
	}
	if len(all) == 0 {
		return st, layers.Errorf(layers.ErrInvalid, "%s: no positions", strings.Join(o.Files, ", "))
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Time.Before(all[j].Time) })
	st.Read = len(all)
	p := player{o: o, target: target, all: all, stats: st}
	err = p.run(ctx)
	if o.Progress != nil {
		o.Progress(p.stats)
	}
	if ctx.Err() != nil {
		err = nil
	}
	return p.stats, err
}

// endpoint is the URL that positions are posted to.
func endpoint(to string) (string, error) {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return "", layers.Errorf(layers.ErrInvalid, "--to %q: expected a server such as http://127.0.0.1:8080", to)
	}
	switch u.Scheme {
	case "http", "https":
	case "mqtt", "mqtts":
		return "", layers.Errorf(layers.ErrUnsupported, "--to %s: this version replays over HTTP only; give the http:// address of the server", to)
	default:
		return "", layers.Errorf(layers.ErrInvalid, "--to %q: expected http:// or https://", to)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/live/positions"
	}
	return u.String(), nil
}

type player struct {
	o        Options
	target   string
	all      []realtime.Position
	stats    Stats
	reported time.Time
	body     bytes.Buffer
}

// run plays all positions once, or again and again.
func (p *player) run(ctx context.Context) error {
	first, last := p.all[0].Time, p.all[len(p.all)-1].Time
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
		return start.Add(time.Duration(float64(p.all[i].Time.Sub(first)) / p.o.Speed))
	}
	for i := 0; i < len(p.all); {
		if err := sleep(ctx, time.Until(due(i))); err != nil {
			return err
		}
		now := time.Now()
		p.body.Reset()
		n := 0
		for i < len(p.all) && n < maxRequest && !due(i).After(now) {
			appendPosition(&p.body, &p.all[i], due(i))
			i++
			n++
		}
		if err := p.post(ctx, n); err != nil {
			return err
		}
		if p.o.Progress != nil && now.Sub(p.reported) >= time.Second {
			p.reported = now
			p.o.Progress(p.stats)
		}
		if i < len(p.all) && due(i).Before(time.Now().Add(every)) && n < maxRequest {
			if err := sleep(ctx, every); err != nil {
				return err
			}
		}
	}
	return nil
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

// post sends the body's n positions; while the server does not answer it tries again.
func (p *player) post(ctx context.Context, n int) error {
	deadline := time.Now().Add(p.o.Patience)
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := p.try(ctx, n)
		var away *awayError
		if !errors.As(err, &away) || time.Now().Add(wait).After(deadline) {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// awayError is a failure that time may mend.
type awayError struct{ err error }

func (e *awayError) Error() string { return e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

func (p *player) try(ctx context.Context, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.target, bytes.NewReader(p.body.Bytes()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if p.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+p.o.Token)
	}
	resp, err := p.o.Client.Do(req)
	if err != nil {
		return &awayError{fmt.Errorf("%s does not answer: %w", p.target, err)}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return &awayError{fmt.Errorf("%s broke off: %w", p.target, err)}
	}
	var answer struct {
		Detail       string             `json:"detail"`
		Accepted     int                `json:"accepted"`
		Refused      []realtime.Refusal `json:"refused"`
		RefusedTotal int                `json:"refusedTotal"`
	}
	readable := json.Unmarshal(b, &answer) == nil
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusBadGateway:
		return &awayError{fmt.Errorf("%s is not available now (%s)", p.target, resp.Status)}
	case resp.StatusCode == http.StatusAccepted && readable:
	case readable && resp.StatusCode == http.StatusBadRequest && p.stats.Accepted > 0:
		// One bad batch in a good recording is counted, not fatal.
	default:
		detail := resp.Status
		if readable && answer.Detail != "" {
			detail = answer.Detail
		}
		return layers.Errorf(layers.ErrInvalid, "%s refused the positions: %s", p.target, detail)
	}
	p.stats.Sent += n
	p.stats.Accepted += answer.Accepted
	p.stats.Refused += max(len(answer.Refused), answer.RefusedTotal)
	if k := len(answer.Refused); k > 0 {
		r := answer.Refused[k-1]
		p.stats.Reason = fmt.Sprintf("%s: %s", r.ID, r.Reason)
	}
	return nil
}

// appendPosition writes one line with another time.
func appendPosition(b *bytes.Buffer, p *realtime.Position, t time.Time) {
	line := b.AvailableBuffer()
	line = append(line, `{"layer":`...)
	line = appendString(line, string(p.Layer))
	line = append(line, `,"id":`...)
	line = appendString(line, p.ID)
	line = append(line, `,"time":"`...)
	line = t.UTC().AppendFormat(line, "2006-01-02T15:04:05.999Z")
	line = append(line, `","lon":`...)
	line = strconv.AppendFloat(line, p.Lon, 'f', -1, 64)
	line = append(line, `,"lat":`...)
	line = strconv.AppendFloat(line, p.Lat, 'f', -1, 64)
	for _, m := range []struct {
		name string
		v    float64
	}{{`,"z":`, p.Z}, {`,"course":`, p.Course}, {`,"speed":`, p.Speed}} {
		if !math.IsNaN(m.v) && !math.IsInf(m.v, 0) {
			line = append(line, m.name...)
			line = strconv.AppendFloat(line, m.v, 'f', -1, 64)
		}
	}
	if p.Properties != nil {
		line = append(line, `,"properties":`...)
		line = append(line, p.Properties...)
	}
	line = append(line, '}', '\n')
	b.Write(line)
}

func appendString(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // never fails
	return append(dst, b...)
}
