package tiles

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
)

// AnswersOptions are what an Answers is made of.
type AnswersOptions struct {
	Name       string                // of what is rendered, for metrics and the log: "tile" gives twind_tile_…
	CacheBytes int64                 // for what was rendered, all forms
	Renderings int                   // at a time; default runtime.GOMAXPROCS(0)
	Log        *slog.Logger          // default: discards
	Registerer prometheus.Registerer // nil: not published
}

// Answers renders what a key names once, however many ask for it, and keeps the
// bytes in the forms that clients read. The key must name the content for ever.
// It is safe for concurrent use.
type Answers struct {
	log        *slog.Logger
	name       string
	cache      *cache
	compressor *compressor
	metrics    *answerMetrics
	slots      chan struct{} // one for each rendering that runs
	running    sync.WaitGroup

	mu     sync.Mutex // guards calls and closed
	calls  map[Key]*call
	closed bool

	hot  chan *entry   // to be compressed better; see improve
	quit chan struct{} // closed by Close
}

// Answer is what a key names, in one form. Bytes belong to the cache and must not
// be changed.
type Answer struct {
	Bytes       []byte // nil when Empty or NotModified
	Encoding    string // of Bytes, for Content-Encoding; "" is identity
	ETag        string // strong, with its quotes
	Empty       bool   // nothing was rendered
	NotModified bool   // the client has it; nothing else is known
}

// NewAnswers makes an Answers; it fails when its metrics are registered already.
func NewAnswers(o AnswersOptions) (*Answers, error) {
	if o.Renderings == 0 {
		o.Renderings = runtime.GOMAXPROCS(0)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &Answers{
		log: o.Log, name: o.Name, cache: newCache(o.CacheBytes), slots: make(chan struct{}, o.Renderings),
		calls: map[Key]*call{}, hot: make(chan *entry, 256), quit: make(chan struct{}),
	}
	var err error
	if a.compressor, err = newCompressor(); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	if a.metrics, err = newAnswerMetrics(o.Registerer, o.Name, a.cache); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	a.running.Add(1)
	go a.improve()
	return a, nil
}

// Close waits for renderings that run. Get fails with layers.ErrUnavailable from
// then on.
func (a *Answers) Close() error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.hot)
		close(a.quit)
	}
	a.mu.Unlock()
	a.running.Wait()
	return nil
}

// Ask is a question to an Answers.
type Ask struct {
	Key            Key
	What           string // for errors and the log
	AcceptEncoding string // the client's header of that name
	IfNoneMatch    string // likewise: what it names is not rendered
	// Render appends the content to dst, in identity form; nothing is an empty
	// answer. It is called by another goroutine, at most once, and may outlive Get.
	Render func(dst []byte) ([]byte, error)
	// Release is called once, when Render will not be called any more; may be nil.
	Release func()
}

// Get answers from the cache or by a rendering that all who ask for the same key
// share; it goes on when the first of them loses patience. It fails with
// Render's error, with ctx's, and with layers.ErrUnavailable after Close.
func (a *Answers) Get(ctx context.Context, q Ask) (Answer, error) {
	release := q.Release
	if release == nil {
		release = func() {}
	}
	enc, _ := Negotiate(q.AcceptEncoding)
	e, tag, result, err := a.get(ctx, q.Key, q.IfNoneMatch, enc, q.What, release, func() (*entry, error) {
		raw, err := q.Render(nil)
		if err != nil {
			return nil, err
		}
		return a.entryOf(q.Key, raw, enc)
	})
	if err != nil {
		result = resultError
	}
	a.metrics.answers[result].Inc()
	if err != nil {
		return Answer{}, err
	}
	if e == nil {
		return Answer{ETag: tag, Encoding: enc.String(), NotModified: true}, nil
	}
	return a.answer(e, enc)
}

// find looks at what the client has, named by tag then, and into the cache.
func (a *Answers) find(k *Key, ifNoneMatch string, enc Encoding) (e *entry, tag, result string) {
	if tag, ok := k.matches(ifNoneMatch, enc); ok {
		return nil, tag, resultNotModified
	}
	return a.cache.get(k), "", resultHit
}

// get finds or renders an entry; a nil one means that the client has what tag names.
func (a *Answers) get(ctx context.Context, k Key, ifNoneMatch string, enc Encoding, what string, release func(), render func() (*entry, error)) (e *entry, tag, result string, err error) {
	if e, tag, result = a.find(&k, ifNoneMatch, enc); e != nil || result == resultNotModified {
		release()
		return e, tag, result, nil
	}
	e, result, err = a.load(ctx, k, what, release, render)
	return e, "", result, err
}

// entryOf makes an entry of raw bytes, which it takes over, with one form.
func (a *Answers) entryOf(k Key, raw []byte, enc Encoding) (*entry, error) {
	e := &entry{key: k, empty: len(raw) == 0}
	if e.empty {
		return e, nil
	}
	b := raw
	if enc != Identity {
		var err error
		if b, err = a.compressed(raw, enc, false); err != nil {
			return nil, err
		}
	}
	e.set(enc, &form{b, k.etag(enc, false), false})
	return e, nil
}

// hotAfter is the number of answers after which a tile is worth compressing better.
const hotAfter = 8

// answer gives an entry in an encoding, making the form if it is not there yet.
func (a *Answers) answer(e *entry, enc Encoding) (Answer, error) {
	if e.empty {
		return Answer{Empty: true, ETag: e.key.etag(Identity, false)}, nil
	}
	f := e.forms[enc].Load()
	if f == nil {
		var err error
		if f, err = a.form(e, enc, false); err != nil {
			return Answer{}, err
		}
	}
	if enc != Identity && !f.better && e.hits.Add(1) >= hotAfter && !e.hot.Swap(true) {
		a.mu.Lock()
		if !a.closed {
			select {
			case a.hot <- e:
			default:
				e.hot.Store(false) // busy: a later answer asks again
			}
		}
		a.mu.Unlock()
	}
	return Answer{Bytes: f.bytes, Encoding: enc.String(), ETag: f.etag}, nil
}

// form makes a form of an entry from another one, once.
func (a *Answers) form(e *entry, enc Encoding, better bool) (*form, error) {
	e.making.Lock()
	defer e.making.Unlock()
	if f := e.forms[enc].Load(); f != nil && (f.better || !better) {
		return f, nil
	}
	var raw []byte
	var err error
	for _, from := range []Encoding{Identity, Zstd, Gzip} {
		if f := e.forms[from].Load(); f != nil {
			raw, err = a.compressor.expanded(f.bytes, from)
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("tiles: expanding a kept %s: %w", a.name, err)
	}
	b, err := a.compressed(raw, enc, better)
	if err != nil {
		return nil, err
	}
	f := &form{b, e.key.etag(enc, better), better}
	e.set(enc, f)
	a.cache.resized(e)
	return f, nil
}

// compressed counts what it does.
func (a *Answers) compressed(raw []byte, enc Encoding, better bool) ([]byte, error) {
	name, level := "identity", "quick"
	if enc != Identity {
		name = enc.String()
	}
	if better {
		level = "better"
	}
	a.metrics.forms.WithLabelValues(name, level).Inc()
	b, err := a.compressor.compress(raw, enc, better)
	if err != nil {
		return nil, fmt.Errorf("tiles: compressing: %w", err)
	}
	return b, nil
}

// improve compresses hot entries again, one at a time and while nothing is
// rendered, until Close.
func (a *Answers) improve() {
	defer a.running.Done()
	for e := range a.hot {
		if !a.pause() {
			return
		}
		for _, enc := range []Encoding{Gzip, Zstd} {
			if e.forms[enc].Load() == nil {
				continue
			}
			if _, err := a.form(e, enc, true); err != nil {
				a.log.Error("compressing a "+a.name+" again", "error", err)
			}
		}
	}
}

// patience bounds how long renderings keep a hot entry from being compressed again.
const patience = 500 * time.Millisecond

// pause waits until no rendering runs or patience is at its end; it reports false
// after Close.
func (a *Answers) pause() bool {
	const glance = 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += glance {
		select {
		case <-a.quit:
			return false
		default:
		}
		if len(a.slots) == 0 || waited >= patience {
			return true
		}
		time.Sleep(glance)
	}
}

// call is a rendering that one or more requests wait for.
type call struct {
	done    chan struct{} // closed when entry or err is there
	entry   *entry
	err     error
	waiting int // guarded by Answers.mu
}

// load waits for the rendering of a key, beginning it if nobody has.
func (a *Answers) load(ctx context.Context, k Key, what string, release func(), render func() (*entry, error)) (*entry, string, error) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		release()
		return nil, "", layers.Errorf(layers.ErrUnavailable, "the server is shutting down")
	}
	c, result := a.calls[k], resultShared
	switch {
	case c != nil:
		release()
	default:
		if e := a.cache.get(&k); e != nil { // made between the first look and the lock
			a.mu.Unlock()
			release()
			return e, resultHit, nil
		}
		c, result = &call{done: make(chan struct{})}, resultMiss
		a.calls[k] = c
		a.running.Add(1)
		go a.run(c, k, what, release, render)
	}
	c.waiting++
	a.mu.Unlock()
	select {
	case <-c.done:
		return c.entry, result, c.err
	case <-ctx.Done():
		a.mu.Lock()
		c.waiting--
		a.mu.Unlock()
		return nil, "", ctx.Err()
	}
}

// run renders what a call waits for when its turn comes, if anybody still waits.
func (a *Answers) run(c *call, k Key, what string, release func(), render func() (*entry, error)) {
	defer a.running.Done()
	defer release()
	a.slots <- struct{}{}
	defer func() { <-a.slots }()

	a.mu.Lock()
	abandoned := c.waiting == 0
	if abandoned {
		delete(a.calls, k)
		c.err = context.Canceled
		close(c.done)
	}
	a.mu.Unlock()
	if abandoned {
		return
	}
	c.entry, c.err = a.render(what, render)
	if c.err == nil {
		a.cache.put(c.entry)
	}
	a.mu.Lock()
	delete(a.calls, k)
	a.mu.Unlock()
	close(c.done)
}

// render calls a rendering; a fault of it costs this answer, not the process.
func (a *Answers) render(what string, render func() (*entry, error)) (e *entry, err error) {
	begin := time.Now()
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("rendering a "+a.name, "what", what, "panic", p, "stack", string(debug.Stack()))
			e, err = nil, fmt.Errorf("tiles: rendering %s failed", what)
		}
	}()
	e, err = render()
	a.metrics.renders.Observe(time.Since(begin).Seconds())
	return e, err
}
