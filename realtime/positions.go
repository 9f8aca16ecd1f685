package realtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// maxRefusals is how many refusals an answer lists.
const maxRefusals = 1000

// positionsAnswer is the body of every answer to a readable request.
type positionsAnswer struct {
	Type         string    `json:"type,omitempty"` // of RFC 9457, when nothing was taken
	Title        string    `json:"title,omitempty"`
	Status       int       `json:"status,omitempty"`
	Detail       string    `json:"detail,omitempty"`
	Accepted     int       `json:"accepted"`
	Refused      []Refusal `json:"refused"`                // the first maxRefusals
	RefusedTotal int       `json:"refusedTotal,omitempty"` // when there are more
}

// PositionsHandler takes POST /live/positions: one position, a JSON array or
// NDJSON, as DecodePosition describes them. Its answers:
//
//	202  what was taken is in the hub and in the next tick of every viewer; it
//	     is not on disk. {"accepted":n,"refused":[{"index","id","reason"}]}
//	400  nothing was taken because every position is faulty, or the JSON broke
//	     off (accepted says how many were taken before that)
//	403  foreign Origin      404  no position is of a live layer
//	405  not a POST          413  body over MaxBody      415  not JSON
//
// Errors are problem+json (RFC 9457) with accepted and refused as members.
func PositionsHandler(h *Hub, o PositionsOptions) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", "POST")
			problem(w, http.StatusMethodNotAllowed, "positions are sent with POST")
			return
		}
		if err := checkOrigin(r, o.Origins); err != nil {
			problem(w, http.StatusForbidden, err.Error())
			return
		}
		lines, err := contentType(r.Header.Get("Content-Type"))
		if err != nil {
			problem(w, http.StatusUnsupportedMediaType, err.Error())
			return
		}
		if r.ContentLength > o.MaxBody {
			problem(w, http.StatusRequestEntityTooLarge, tooLarge(o.MaxBody))
			return
		}
		a := h.ingest(r, NewReader(http.MaxBytesReader(w, r.Body, o.MaxBody), lines))
		if a.Refused == nil {
			a.Refused = []Refusal{}
		}
		if a.Status == 0 {
			writeJSON(w, http.StatusAccepted, "application/json", a)
			return
		}
		a.Type, a.Title = "about:blank", http.StatusText(a.Status)
		writeJSON(w, a.Status, "application/problem+json", a)
	})
}

func tooLarge(limit int64) string {
	return fmt.Sprintf("the body exceeds %d MiB; send the positions in several requests", limit>>20)
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

// batchSize is how many positions are read before they are applied.
const batchSize = 512

// ingest reads and applies all positions of a request.
func (h *Hub) ingest(r *http.Request, reader *Reader) positionsAnswer {
	var a positionsAnswer
	outcomes := map[Outcome]int{}
	total := 0
	refuse := func(f Refusal) {
		outcomes[f.Outcome]++
		if total++; len(a.Refused) < maxRefusals {
			a.Refused = append(a.Refused, f)
		}
	}
	batch := make([]Position, 0, batchSize)
	index := make([]int, 0, batchSize)
	var props []byte // memory of the batch's properties
	apply := func() error {
		result, err := h.Apply(r.Context(), batch)
		a.Accepted += result.Accepted
		for _, f := range result.Refused {
			f.Index = index[f.Index]
			refuse(f)
		}
		batch, index, props = batch[:0], index[:0], props[:0]
		return err
	}
	var fatal error
	for {
		var p Position
		i, err := reader.Next(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		var item *ItemError
		if errors.As(err, &item) {
			if len(batch) > 0 { // keep the refusals in order
				if fatal = apply(); fatal != nil {
					break
				}
			}
			h.metrics.malformed.Inc()
			refuse(Refusal{Index: i, ID: truncate(item.ID), Reason: item.Err.Error(), Outcome: Invalid})
			continue
		}
		if err != nil {
			fatal = err
			break
		}
		if p.Properties != nil {
			start := len(props)
			props = append(props, p.Properties...)
			p.Properties = props[start:len(props):len(props)]
		}
		if batch, index = append(batch, p), append(index, i); len(batch) == batchSize {
			if fatal = apply(); fatal != nil {
				break
			}
		}
	}
	if len(batch) > 0 {
		if err := apply(); fatal == nil {
			fatal = err
		}
	}
	if total > len(a.Refused) {
		a.RefusedTotal = total
	}
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(fatal, &tooBig):
		a.Status, a.Detail = http.StatusRequestEntityTooLarge, tooLarge(tooBig.Limit)
	case fatal != nil:
		a.Status, a.Detail = http.StatusBadRequest, fmt.Sprintf("%v; %d positions before it were taken", fatal, a.Accepted)
	case a.Accepted == 0 && total == 0:
		a.Status, a.Detail = http.StatusBadRequest, "the body holds no position"
	case a.Accepted == 0 && outcomes[UnknownLayer] == total:
		a.Status, a.Detail = http.StatusNotFound, a.Refused[0].Reason
	case a.Accepted == 0 && outcomes[Invalid]+outcomes[UnknownLayer]+outcomes[Future] == total:
		a.Status, a.Detail = http.StatusBadRequest, a.Refused[0].Reason
	}
	return a
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
