package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/realtime"
)

// worker posts the events of one hook, as it was when the worker began.
type worker struct {
	h    *Hooks
	x    *hook
	hook Hook
}

// readAhead is how many events are read from the log at once.
const readAhead = 256

var errEnough = errors.New("enough was read")

// run posts until ctx ends, or the hook is dead.
func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		more, err := w.batch(ctx)
		switch {
		case ctx.Err() != nil || err == errDead: //nolint:errorlint // it is never wrapped
			return
		case err != nil:
			w.h.o.Logger.Error("events cannot be read for a webhook", "webhook", w.hook.ID, "cause", err)
			pause(ctx, w.h.o.FirstRetry)
		case !more:
			select {
			case <-ctx.Done():
			case <-w.x.wake:
			}
		}
	}
}

var errDead = errors.New("the receiver failed for too long")

// batch posts what there is after the position, up to readAhead events; more
// tells that there may be others.
func (w *worker) batch(ctx context.Context) (more bool, err error) {
	w.h.mu.Lock()
	position := w.x.Position
	w.h.mu.Unlock()
	last := w.h.o.Log.LastEvent()
	if last <= position {
		return false, nil
	}
	r, err := w.read(ctx, position, last)
	if err != nil {
		return false, err
	}
	for i := range r.events {
		if err := w.post(ctx, &r.events[i].Event, r.events[i].missed); err != nil {
			return false, err
		}
	}
	w.moved(ctx, r.through, r.missed)
	return r.through < last, nil
}

// reading is what the log has after a position.
type reading struct {
	events  []wanted
	through uint64 // up to which they are all that are wanted
	missed  uint64 // that the log has no more, after the last of them
}

// wanted is an event that the hook is for, and how many between it and the one
// before it the log has no more.
type wanted struct {
	realtime.Event
	missed uint64
}

// read looks at 16×readAhead events that are still in the log, however far apart
// their numbers are, and keeps up to readAhead that the hook wants. Those up to
// last are on disk for certain.
func (w *worker) read(ctx context.Context, position, last uint64) (reading, error) {
	r := reading{through: position}
	looked := 0
	err := w.h.o.Log.Events(ctx, position, func(e *realtime.Event) error {
		if e.Sequence > last || looked >= 16*readAhead || len(r.events) >= readAhead {
			return errEnough
		}
		looked++
		r.missed += e.Sequence - r.through - 1
		r.through = e.Sequence
		if w.hook.wants(e) {
			c := *e
			c.Data = bytes.Clone(e.Data)
			r.events = append(r.events, wanted{c, r.missed})
			r.missed = 0
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return reading{}, err
	}
	if looked == 0 { // the log has none of them any more
		r.missed, r.through = last-position, last
	}
	return r, nil
}

// moved notes that everything up to a number is done.
func (w *worker) moved(ctx context.Context, position, missed uint64) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	if ctx.Err() != nil { // the hook was changed meanwhile
		return
	}
	w.x.Position = position
	w.x.Missed += missed
	w.h.dirty = true
}

// post posts one event until it is taken. missed events before it are told.
func (w *worker) post(ctx context.Context, e *realtime.Event, missed uint64) error {
	body := e.AppendJSON(nil)
	for attempt := 0; ; attempt++ {
		after, gone, err := w.try(ctx, e.Sequence, missed, body)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.h.metrics.count(err)
		if err == nil {
			w.taken(ctx)
			w.moved(ctx, e.Sequence, missed)
			return nil
		}
		if w.failed(ctx, err, gone) {
			return errDead
		}
		pause(ctx, max(after, w.wait(attempt)))
	}
}

// taken notes that the receiver took an event.
func (w *worker) taken(ctx context.Context) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	if ctx.Err() == nil {
		w.x.FailingSince, w.x.Attempts, w.x.Failure = 0, 0, ""
		w.x.Delivered = w.h.o.Now().UnixMilli()
	}
}

// failed notes a failure; true: the hook is dead.
func (w *worker) failed(ctx context.Context, err error, gone bool) bool {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	now := w.h.o.Now().UnixMilli()
	x := w.x
	if x.FailingSince == 0 {
		x.FailingSince = now
	}
	x.Attempts++
	x.Failure = err.Error()
	w.h.dirty = true
	if x.Dead = gone || now-x.FailingSince >= w.h.o.DeadAfter.Milliseconds(); x.Dead {
		w.h.o.Logger.Error("a webhook is dead: change it, or replay, to begin again", "webhook", x.ID, "cause", x.Failure)
	}
	return x.Dead
}

// wait is the time after a failed attempt, from 0.
func (w *worker) wait(attempt int) time.Duration {
	d := w.h.o.LastRetry
	if attempt < 30 {
		d = min(d, w.h.o.FirstRetry<<attempt)
	}
	return time.Duration(float64(d) * (0.5 + rand.Float64()/2))
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// maxAnswer is how much of an answer is read, so that the connection can be used
// again, in bytes.
const maxAnswer = 64 << 10

// try posts an event once. after is how long the receiver asks to wait; gone says
// that it wants no more.
func (w *worker) try(ctx context.Context, sequence, missed uint64, body []byte) (after time.Duration, gone bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.hook.URL, bytes.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	id, now := fmt.Sprintf("twind-%s-%d", w.hook.ID, sequence), w.h.o.Now().Unix()
	signature, err := Sign(w.hook.Secret, id, now, body)
	if err != nil {
		return 0, false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "twind-webhooks")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now, 10))
	r.Header.Set("Webhook-Signature", signature)
	r.Header.Set("Twind-Sequence", strconv.FormatUint(sequence, 10))
	if missed > 0 {
		r.Header.Set("Twind-Missed", strconv.FormatUint(missed, 10))
	}
	resp, err := w.h.client.Do(r)
	if err != nil {
		return 0, false, errors.New(shortError(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	switch s := resp.StatusCode; {
	case s >= 200 && s < 300:
		return 0, false, nil
	case s >= 300 && s < 400:
		return 0, false, fmt.Errorf("it answered %d: redirects are not followed; give the webhook the address itself", s)
	default:
		return min(retryAfter(resp), w.h.o.LastRetry), s == http.StatusGone, fmt.Errorf("it answered %d", s)
	}
}

// shortError is what went wrong without the address, which is known.
func shortError(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "it did not answer in time"
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		err = e
	}
	return err.Error()
}

func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 || n > 1e6 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// newClient makes a client that follows no redirect and uses no proxy.
func newClient(timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, Control: checkDial}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
		},
	}
}

// metrics are the counters twind_webhooks_….
type metrics struct{ posts *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{prometheus.NewCounterVec(prometheus.CounterOpts{Name: "twind_webhooks_posts_total", Help: "Events posted to webhooks, by result."}, []string{"result"})}
	if r != nil {
		r.MustRegister(m.posts)
	}
	return m
}

func (m *metrics) count(err error) {
	result := "taken"
	if err != nil {
		result = "failed"
	}
	m.posts.WithLabelValues(result).Inc()
}
