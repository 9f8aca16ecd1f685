package pmtiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"twind/layers"
)

// RemoteOptions say how an archive is read over HTTP.
type RemoteOptions struct {
	Client  *http.Client  // default: one with Timeout for each request and few connections
	Timeout time.Duration // of one request; default 10 s
	Retries int           // after a failure that may pass; default 2, negative is none
	Backoff time.Duration // before the first retry, doubled for each more; default 200 ms
	Version string        // sent as User-Agent twind/Version
}

// EnsureDefaults replaces zero values by the defaults.
func (o *RemoteOptions) EnsureDefaults() {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Retries == 0 {
		o.Retries = 2
	}
	if o.Backoff == 0 {
		o.Backoff = 200 * time.Millisecond
	}
	if o.Client == nil {
		o.Client = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: 16, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
			ResponseHeaderTimeout: o.Timeout, TLSHandshakeTimeout: o.Timeout, DisableCompression: true, ForceAttemptHTTP2: true,
		}}
	}
}

// remote is a Source behind HTTP range requests. The first answer names the
// archive's state (ETag, else Last-Modified) and size, which all others must repeat.
type remote struct {
	url, shown string // shown is without user, password and query
	o          RemoteOptions
	tag        string // ETag or Last-Modified; "" is unknown
	strong     bool   // tag is a strong ETag, which If-Match may name
	size       int64
	head       []byte // the first bytes, which opening has read

	pending atomic.Int32 // reads that run
	broken  atomic.Int64 // until when reads fail at once, nanoseconds of Unix time
}

const (
	maxPending = 64              // reads at a time
	pause      = 2 * time.Second // after a read that failed with all its retries
)

// OpenRemote opens an archive behind an http or https URL; it reads the first
// 16 KiB. It fails with layers.ErrUnavailable when the server does not answer as
// range requests (RFC 9110 §14) need it.
func OpenRemote(ctx context.Context, address string, o RemoteOptions) (Source, error) {
	o.EnsureDefaults()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, layers.Errorf(layers.ErrInvalid, "%q is not an http(s) URL", address)
	}
	s := &remote{url: address, shown: u.Scheme + "://" + u.Host + u.Path, o: o, size: -1}
	head := make([]byte, firstBytes)
	n, err := s.retried(ctx, head, 0)
	if err != nil {
		return nil, err
	}
	s.head = head[:n]
	return s, nil
}

func (s *remote) Size() int64     { return s.size }
func (s *remote) Version() string { return s.tag + "-" + strconv.FormatInt(s.size, 10) }
func (s *remote) Changed() bool   { return false }
func (s *remote) Close() error    { s.o.Client.CloseIdleConnections(); return nil }

func (s *remote) Read(ctx context.Context, dst []byte, offset int64) error {
	if end := offset + int64(len(dst)); end <= int64(len(s.head)) {
		copy(dst, s.head[offset:end])
		return nil
	}
	n, err := s.retried(ctx, dst, offset)
	if err == nil && n < len(dst) {
		err = layers.Errorf(layers.ErrCorrupt, "%s ends before byte %d", s.shown, offset+int64(len(dst)))
	}
	return err
}

// passing is a failure that the next attempt may not meet.
type passing struct{ error }

func (s *remote) retried(ctx context.Context, dst []byte, offset int64) (n int, err error) {
	defer s.pending.Add(-1)
	if s.pending.Add(1) > maxPending || time.Now().UnixNano() < s.broken.Load() {
		return 0, layers.Errorf(layers.ErrUnavailable, "%s does not answer, or too slowly; it is asked again soon", s.shown)
	}
	wait := s.o.Backoff
	for attempt := 0; ; attempt++ {
		n, err = s.attempt(ctx, dst, offset)
		var p passing
		if err == nil || !errors.As(err, &p) {
			return n, err
		}
		if attempt >= s.o.Retries || ctx.Err() != nil {
			s.broken.Store(time.Now().Add(pause).UnixNano())
			return n, layers.Errorf(layers.ErrUnavailable, "%s cannot be read: %w", s.shown, p.error)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait *= 2
	}
}

// attempt reads dst, or up to the end of the file, with one request.
func (s *remote) attempt(ctx context.Context, dst []byte, offset int64) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return 0, layers.Errorf(layers.ErrInvalid, "%q is not an http(s) URL", s.shown)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+int64(len(dst))-1))
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "twind/"+s.o.Version)
	if s.strong {
		req.Header.Set("If-Match", s.tag)
	}
	resp, err := s.o.Client.Do(req)
	if err != nil {
		return 0, passing{plain(err)}
	}
	defer resp.Body.Close() // what is not read of it is not fetched
	want, err := s.check(resp, offset, len(dst))
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(resp.Body, dst[:want])
	if err != nil {
		return n, passing{fmt.Errorf("the answer ended after %d of %d bytes", n, want)}
	}
	return n, nil
}

// plain leaves the URL, which may hold a password, out of an error.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// check reads the header of an answer: how many bytes it holds.
func (s *remote) check(resp *http.Response, offset int64, length int) (int, error) {
	unavailable := func(format string, args ...any) error {
		return layers.Errorf(layers.ErrUnavailable, "%s: %s", s.shown, fmt.Sprintf(format, args...))
	}
	switch c := resp.StatusCode; {
	case c == http.StatusPartialContent:
	case c == http.StatusOK:
		return 0, unavailable("the server ignores range requests and sends the whole file; serve it by one that does not, or copy it here")
	case c == http.StatusPreconditionFailed:
		return 0, ErrChanged
	case c == http.StatusRequestedRangeNotSatisfiable:
		if s.size >= 0 {
			return 0, ErrChanged
		}
		return 0, layers.Errorf(layers.ErrCorrupt, "%s is empty", s.shown)
	case c == http.StatusTooManyRequests || c >= 500:
		return 0, passing{fmt.Errorf("the server answers %d %s", c, http.StatusText(c))}
	default:
		return 0, unavailable("the server answers %d %s", c, http.StatusText(c))
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return 0, unavailable("the server compresses (%s) what it sends, so that ranges mean nothing; turn that off for this file", e)
	}
	from, to, size, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || from != offset || to >= offset+int64(length) || to < from {
		return 0, unavailable("asked for bytes %d to %d, the server sent %q", offset, offset+int64(length)-1, resp.Header.Get("Content-Range"))
	}
	if size < 0 {
		return 0, unavailable("the server does not tell the file's size in Content-Range")
	}
	tag, strong := state(resp.Header)
	if s.size < 0 && s.tag == "" {
		s.tag, s.strong, s.size = tag, strong, size // the first answer, before the source is shared
	} else if tag != s.tag || size != s.size {
		return 0, ErrChanged
	}
	return int(to - from + 1), nil
}

// state names the state of a resource.
func state(h http.Header) (tag string, strong bool) {
	if tag = h.Get("ETag"); tag != "" {
		return tag, strings.HasPrefix(tag, `"`)
	}
	return h.Get("Last-Modified"), false
}

// contentRange reads "bytes 0-99/1000"; size −1 is *.
func contentRange(s string) (from, to, size int64, ok bool) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	if !ok {
		return 0, 0, 0, false
	}
	span, total, ok := strings.Cut(rest, "/")
	a, b, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 {
		return 0, 0, 0, false
	}
	from, err1 := strconv.ParseInt(a, 10, 64)
	to, err2 := strconv.ParseInt(b, 10, 64)
	size = -1
	var err3 error
	if total != "*" {
		size, err3 = strconv.ParseInt(total, 10, 64)
	}
	return from, to, size, errors.Join(err1, err2, err3) == nil && from >= 0
}
