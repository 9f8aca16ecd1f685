package realtime

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"

	"github.com/coder/websocket"

	"twind/layers"
)

// HandlerOptions of Handler. Zero fields take the defaults named.
type HandlerOptions struct {
	// Origins are the hosts, besides the request's own, whose pages may connect:
	// patterns of path.Match such as "maps.example.org" or "*.example.org", with
	// a port where the origin has one. "*" is any.
	Origins []string
	// MaxViewers is the most connections; 10,000. More get 503.
	MaxViewers int
	// Policies gives a reader's rights on a live layer; nil: everything.
	Policies func(r *http.Request, layer layers.ID) layers.Policy
	Session  SessionOptions
}

// Handler serves the live protocol (wire/SPEC.md) over WebSocket, mounted at
// /live; ?format=json chooses the simple format. permessage-deflate is off: it
// would cost thirteen times the CPU for a fifth of the bytes. Connections end
// with the hub's Run, or when ctx does.
func Handler(ctx context.Context, h *Hub, o HandlerOptions) http.Handler {
	if o.MaxViewers <= 0 {
		o.MaxViewers = 10_000
	}
	var open atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		so := o.Session
		switch q := r.URL.Query(); {
		case len(q) > 1 || len(q) == 1 && !q.Has("format"):
			problem(w, http.StatusBadRequest, "the only parameter of /live is format, json or binary")
			return
		case q.Get("format") == "json":
			so.JSON = true
		case q.Get("format") != "" && q.Get("format") != "binary":
			problem(w, http.StatusBadRequest, fmt.Sprintf("format %.40q: expected json or binary", q.Get("format")))
			return
		}
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			w.Header().Set("Upgrade", "websocket")
			problem(w, http.StatusUpgradeRequired, "/live is a WebSocket; its protocol is in realtime/wire/SPEC.md")
			return
		}
		if err := checkOrigin(r, o.Origins); err != nil {
			problem(w, http.StatusForbidden, err.Error())
			return
		}
		if open.Add(1) > int64(o.MaxViewers) {
			open.Add(-1)
			w.Header().Set("Retry-After", "5")
			problem(w, http.StatusServiceUnavailable, fmt.Sprintf("%d viewers are connected, as many as may be", o.MaxViewers))
			return
		}
		defer open.Add(-1)
		if o.Policies != nil {
			so.Policies = func(id layers.ID) layers.Policy { return o.Policies(r, id) }
		}
		// The origin has been checked.
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return // Accept has answered
		}
		c.SetReadLimit(-1) // webSocket.Read has the limit, and the sentence for it
		if err := h.Serve(ctx, &webSocket{c}, so); err != nil {
			h.o.Log.Debug("live session", "error", err)
		}
	})
}

// checkOrigin lets through requests without an Origin (no browser), of the same
// host, and of the allow-list.
func checkOrigin(r *http.Request, allow []string) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	u, err := url.Parse(origin)
	if err == nil && u.Host != "" {
		if strings.EqualFold(u.Host, r.Host) {
			return nil
		}
		for _, pattern := range allow {
			if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(u.Host)); ok && err == nil {
				return nil
			}
		}
	}
	return layers.Errorf(layers.ErrReadOnly, "pages of the origin %.80q may not connect; the server's configuration can allow them", origin)
}

// webSocket makes a coder/websocket connection a Conn.
type webSocket struct{ c *websocket.Conn }

var _ Conn = (*webSocket)(nil)

func (w *webSocket) Read(ctx context.Context) (bool, []byte, error) {
	t, r, err := w.c.Reader(ctx)
	if err != nil {
		return false, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxMessageBytes+1))
	if err == nil && len(b) > MaxMessageBytes {
		err = &MessageTooBigError{MaxMessageBytes}
	}
	return t == websocket.MessageText, b, err
}

func (w *webSocket) Write(ctx context.Context, text bool, b []byte) error {
	t := websocket.MessageBinary
	if text {
		t = websocket.MessageText
	}
	return w.c.Write(ctx, t, b)
}

func (w *webSocket) Ping(ctx context.Context) error { return w.c.Ping(ctx) }

func (w *webSocket) Close(code CloseCode, reason string) error {
	if code == CloseAbort {
		return w.c.CloseNow()
	}
	return w.c.Close(websocket.StatusCode(code), reason)
}
