package jt808

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"twind/layers"
	"twind/realtime"
)

// Sink is where positions go: a *realtime.Hub.
type Sink interface {
	Apply(ctx context.Context, positions []realtime.Position) (realtime.Result, error)
	// Recorded waits until what Apply accepted before is on disk.
	Recorded(ctx context.Context) error
}

// Accept says whose positions are taken.
type Accept string

// The rules.
const (
	AcceptAny        Accept = "any"        // of every terminal, also without authentication
	AcceptRegistered Accept = "registered" // of terminals that authenticated on this connection; any may register
	AcceptKnown      Accept = "known"      // as registered, and only those in Known may register
)

// Options of a Server.
type Options struct {
	Sink   Sink      // must be set
	Layer  layers.ID // live layer of the positions; must be set
	Accept Accept    // default AcceptRegistered
	Known  []string  // phone numbers, leading zeros left out
	// Secret makes the tokens of terminals: kept by the operator over restarts,
	// or terminals must register again. At least 16 bytes.
	Secret []byte
	Datum  Datum          // default DatumAuto
	Zone   *time.Location // of terminals' clocks; default UTC+8, the standard's

	Idle           time.Duration // silence after which a connection ends; default 180 s
	MaxConnections int           // default 10,000
	Log            *slog.Logger  // default: discards
	Registerer     prometheus.Registerer
}

// EnsureDefaults replaces zero values by the defaults.
func (o *Options) EnsureDefaults() {
	if o.Accept == "" {
		o.Accept = AcceptRegistered
	}
	if o.Datum == "" {
		o.Datum = DatumAuto
	}
	if o.Zone == nil {
		o.Zone = time.FixedZone("UTC+8", 8*3600)
	}
	if o.Idle <= 0 {
		o.Idle = 180 * time.Second
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 10_000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Validate reports the first fault; it fails with layers.ErrInvalid.
func (o *Options) Validate() error {
	switch {
	case o.Sink == nil || o.Layer == "":
		return layers.Errorf(layers.ErrInvalid, "jt808: a sink and a layer are needed")
	case o.Accept != AcceptAny && o.Accept != AcceptRegistered && o.Accept != AcceptKnown:
		return layers.Errorf(layers.ErrInvalid, "jt808: accept %.20q: expected any, registered or known", o.Accept)
	case len(o.Secret) < 16 && o.Accept != AcceptAny:
		return layers.Errorf(layers.ErrInvalid, "jt808: a secret of at least 16 bytes is needed to tell terminals apart")
	}
	return nil
}

// Server takes the connections of terminals. It is safe for concurrent use.
type Server struct {
	o       Options
	metrics metrics

	mu       sync.Mutex
	sessions map[*session]struct{}
	byPhone  map[string]*session
	wait     sync.WaitGroup
}

// New makes a server; it fails with layers.ErrInvalid.
func New(o Options) (*Server, error) {
	o.EnsureDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Server{o: o, metrics: newMetrics(o.Registerer), sessions: map[*session]struct{}{}, byPhone: map[string]*session{}}, nil
}

// Serve takes connections until ctx ends, then closes them all and returns nil.
// It closes ln.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.wait.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				continue
			}
			return err
		}
		if x := s.begin(conn); x != nil {
			s.wait.Go(func() {
				defer s.end(x)
				x.run(ctx)
			})
		}
	}
}

// begin makes a session, or closes the connection when there are too many.
func (s *Server) begin(conn net.Conn) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sessions) >= s.o.MaxConnections {
		s.metrics.refused.Inc()
		conn.Close()
		return nil
	}
	x := newSession(s, conn)
	s.sessions[x] = struct{}{}
	s.metrics.connections.Inc()
	return x
}

func (s *Server) end(x *session) {
	x.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, x)
	s.metrics.connections.Dec()
	if s.byPhone[x.phone] == x {
		delete(s.byPhone, x.phone)
	}
}

// own makes a session the one of a terminal; the one before ends.
func (s *Server) own(x *session, phone string) {
	s.mu.Lock()
	before := s.byPhone[phone]
	if x.phone != phone && s.byPhone[x.phone] == x {
		delete(s.byPhone, x.phone)
	}
	x.phone, s.byPhone[phone] = phone, x
	s.mu.Unlock()
	if before != nil && before != x {
		before.conn.Close()
	}
}

// token is what a terminal authenticates with: it needs no memory and holds
// over restarts.
func (s *Server) token(phone string) string {
	m := hmac.New(sha256.New, s.o.Secret)
	m.Write([]byte("JT/T 808 token " + phone))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

func (s *Server) known(phone string) bool {
	return s.o.Accept != AcceptKnown || slices.Contains(s.o.Known, phone)
}
