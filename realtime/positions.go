package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// PositionsOptions of PositionsHandler. Zero fields take the defaults named.
type PositionsOptions struct {
	MaxBody int64 // bytes of a request; 32 MiB
	// Origins are other hosts whose pages may post, as in HandlerOptions.
	Origins []string
}

// PositionsHandler takes POST /live/positions: one position, a JSON array or
// NDJSON, as DecodePosition describes them. Its answers:
//
//	202  what was taken is in the hub, in the next tick of every viewer, and with
//	     Options.Journal on disk. {"accepted":n,"refused":[{"index","id","reason"}]}
//	400  nothing was taken because every position is faulty, or the JSON broke
//	     off (accepted says how many were taken before that)
//	403  foreign Origin      404  no position is of a live layer
//	405  not a POST          413  body over MaxBody      415  not JSON
//	503  the disk does not take rows: send it again later
//
// Errors are problem+json (RFC 9457) with accepted and refused as members. At
// most 1,000 refusals are listed; refusedTotal then counts them all.
func PositionsHandler(h *Hub, o PositionsOptions) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	return &ingestor{noun: "position", origins: o.Origins, maxBody: o.MaxBody, journal: h.o.Journal, malformed: h.metrics.malformed.Inc, batch: h.positionBatch}
}

// positionBatch reads positions and applies them to the hub.
func (h *Hub) positionBatch() (read func(*Reader) (int, error), apply func(context.Context) (Result, error)) {
	batch := make([]Position, 0, batchSize)
	var props []byte // memory of the batch's properties
	read = func(r *Reader) (int, error) {
		var p Position
		i, err := r.Next(&p)
		if err != nil {
			return i, err
		}
		if p.Properties != nil {
			start := len(props)
			props = append(props, p.Properties...)
			p.Properties = props[start:len(props):len(props)]
		}
		batch = append(batch, p)
		return i, nil
	}
	apply = func(ctx context.Context) (Result, error) {
		result, err := h.Apply(ctx, batch)
		batch, props = batch[:0], props[:0]
		return result, err
	}
	return read, apply
}

// contentType tells whether the body is NDJSON.
func contentType(s string) (lines bool, err error) {
	if s == "" {
		return false, nil
	}
	t, _, err := mime.ParseMediaType(s)
	if err != nil {
		return false, fmt.Errorf("Content-Type %.60q cannot be read; send application/json or application/x-ndjson", s)
	}
	switch t {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/json-seq":
		return true, nil
	case "application/json", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "application/geo+json":
		// What curl --data sends without a header is taken for JSON.
		return false, nil
	}
	return strings.HasSuffix(t, "+json"), fmt.Errorf("Content-Type %.60q; send application/json or application/x-ndjson", s)
}

func truncate(id string) string {
	if len(id) > 80 {
		return strings.ToValidUTF8(id[:80], "") + "…"
	}
	return id
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

// problem answers with problem+json (RFC 9457).
func problem(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, "application/problem+json", struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(status), status, detail})
}
