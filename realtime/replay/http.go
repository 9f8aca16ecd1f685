package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime"
)

// poster sends records by POST: positions to one address, observations to another.
type poster struct {
	o                       Options
	positions, observations string
	body                    bytes.Buffer
	accepted                bool // anything, ever
}

// newPoster is for a server, or for a path of it that takes all records.
func newPoster(o Options, u *url.URL) *poster {
	p := &poster{o: o}
	path := strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/positions"), "/observations")
	if path == "" {
		path = "/live"
	}
	at := func(path string) string {
		v := *u
		v.Path = path
		return v.String()
	}
	p.positions, p.observations = at(path+"/positions"), at(path+"/observations")
	if !strings.HasSuffix(path, "/live") {
		p.positions, p.observations = at(u.Path), at(u.Path)
	}
	return p
}

func (p *poster) close() {}

func (p *poster) send(ctx context.Context, batch []record) (outcome, error) {
	var all outcome
	for _, observed := range []bool{false, true} {
		p.body.Reset()
		n := 0
		for i := range batch {
			if (batch[i].observation != nil) == observed {
				line := batch[i].append(p.body.AvailableBuffer())
				p.body.Write(append(line, '\n'))
				n++
			}
		}
		if n == 0 {
			continue
		}
		target := p.positions
		if observed {
			target = p.observations
		}
		out, err := p.post(ctx, target, n)
		if err != nil {
			return all, err
		}
		all.add(out)
	}
	return all, nil
}

// post sends the body's n records; while the server does not answer it tries again.
func (p *poster) post(ctx context.Context, target string, n int) (outcome, error) {
	deadline := time.Now().Add(p.o.Patience)
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		out, err := p.try(ctx, target, n)
		var away *awayError
		if !errors.As(err, &away) || time.Now().Add(wait).After(deadline) {
			return out, err
		}
		if err := sleep(ctx, wait); err != nil {
			return out, err
		}
	}
}

// awayError is a failure that time may mend.
type awayError struct{ err error }

func (e *awayError) Error() string { return e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

func (p *poster) try(ctx context.Context, target string, n int) (out outcome, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(p.body.Bytes()))
	if err != nil {
		return out, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if p.o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+p.o.Token)
	}
	resp, err := p.o.Client.Do(req)
	if err != nil {
		return out, &awayError{fmt.Errorf("%s does not answer: %w", target, err)}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return out, &awayError{fmt.Errorf("%s broke off: %w", target, err)}
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
		return out, &awayError{fmt.Errorf("%s is not available now (%s)", target, resp.Status)}
	case resp.StatusCode == http.StatusAccepted && readable:
	case readable && resp.StatusCode == http.StatusBadRequest && p.accepted:
		// One bad batch in a good recording is counted, not fatal.
	default:
		detail := resp.Status
		if readable && answer.Detail != "" {
			detail = answer.Detail
		}
		return out, layers.Errorf(layers.ErrInvalid, "%s refused the records: %s", target, detail)
	}
	p.accepted = p.accepted || answer.Accepted > 0
	out = outcome{sent: n, accepted: answer.Accepted, refused: max(len(answer.Refused), answer.RefusedTotal)}
	if k := len(answer.Refused); k > 0 {
		r := answer.Refused[k-1]
		out.reason = fmt.Sprintf("%s: %s", r.ID, r.Reason)
	}
	return out, nil
}
