package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"twind/realtime"
	"twind/realtime/cases"
	"twind/spatial"
)

func (s *Server) withEvents(h handler) handler {
	return needsHistory(s.o.Cases != nil, "events", h)
}

// routeEvents adds /live/events.
func (s *Server) routeEvents(r chi.Router, get func(chi.Router, string, handler)) {
	get(r, "/live/events", s.withEvents(s.listEvents))
	get(r, "/live/events/{id}", s.withEvents(s.event))
}

// Bounds of /live/events.
const (
	defaultEvents = 100
	maxEvents     = 10_000
)

// eventQuery is what a request wants of the events.
type eventQuery struct {
	cases.Query
	boxes []spatial.Envelope
	after uint64
	log   bool // the versions after a number, not what is current
}

// listEvents answers with the current version of events, the one that began last
// first: state (one, or open), class, kind, bbox, overdue, limit, cursor. With
// after it answers with all versions after a number, in order.
func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) error {
	q, p, err := readEventQuery(r)
	if err != nil {
		return err
	}
	q.Admit = func(e *realtime.Event) bool {
		return q.inBox(e) && s.maySee(r, e.Layer)
	}
	if q.log {
		return s.listVersions(w, r, &q, p)
	}
	page, matched := s.o.Cases.List(q.Query)
	a := eventPage{Matched: &matched}
	for i := range page {
		a.add(&page[i].Event)
	}
	if n := len(page); n == q.Limit && n < matched {
		a.next(s, r, p, "cursor", page[n-1].First)
	}
	return s.json(w, r, typeJSON, &a)
}

// readEventQuery reads the parameters.
func readEventQuery(r *http.Request) (q eventQuery, p params, err error) {
	if p, err = readParams(r, "state", "class", "kind", "bbox", "overdue", "limit", "cursor", "after", "token"); err != nil {
		return q, p, err
	}
	q.State, q.Class, q.Kind = p["state"], p["class"], realtime.EventKind(p["kind"])
	if _, ok := realtime.CaseStep(q.State); !ok && q.State != "" && q.State != "open" && q.State != realtime.EventAcknowledged {
		return q, p, fail(400, fmt.Sprintf("state %q: expected open, new, acknowledged, accepted, dispatched, handling, handled, verified, closed or rejected.", cut(q.State, 40)))
	}
	switch q.Kind {
	case "", realtime.EventCase, realtime.EventAlarm, realtime.EventOutcome:
	default:
		return q, p, fail(400, fmt.Sprintf("kind %q: expected case, alarm or outcome.", cut(p["kind"], 40)))
	}
	switch v := p["overdue"]; v {
	case "", "false":
	case "true":
		q.Overdue = true
	default:
		return q, p, fail(400, fmt.Sprintf("overdue %q: expected true or false.", cut(v, 40)))
	}
	if v, given := p["bbox"]; given {
		if q.boxes, err = parseBBox(v); err != nil {
			return q, p, err
		}
	}
	if q.Limit, err = parseLimit(p["limit"], defaultEvents, maxEvents); err != nil {
		return q, p, err
	}
	return q, p, q.readPlace(p)
}

// readPlace reads cursor and after, of which one may be given.
func (q *eventQuery) readPlace(p params) (err error) {
	read := func(name string) (uint64, error) {
		v, given := p[name]
		if !given {
			return 0, nil
		}
		n, err := strconv.ParseUint(v, 10, 53)
		if err != nil {
			return 0, fail(400, fmt.Sprintf("%s %q: expected a sequence, a whole number from 0.", name, cut(v, 40)))
		}
		return n, nil
	}
	if q.Before, err = read("cursor"); err != nil {
		return err
	}
	if q.after, err = read("after"); err != nil {
		return err
	}
	if _, q.log = p["after"]; q.log && p["cursor"] != "" {
		return fail(400, "cursor is of the list of current events, after of the versions; give one of them.")
	}
	if q.log && (q.Overdue || q.State == "open") {
		return fail(400, "after lists versions, which are neither open nor overdue now; leave out overdue and state=open.")
	}
	return nil
}

func (q *eventQuery) inBox(e *realtime.Event) bool {
	return len(q.boxes) == 0 || slices.ContainsFunc(q.boxes, func(b spatial.Envelope) bool { return b.ContainsPoint(e.Lon, e.Lat) })
}

// maxEventsRead is how many versions one answer looks at.
const maxEventsRead = 100_000

var errEventsEnough = errors.New("enough events")

// listVersions answers with every version after a number.
func (s *Server) listVersions(w http.ResponseWriter, r *http.Request, q *eventQuery, p params) error {
	a := eventPage{through: q.after, log: true}
	looked, more := 0, false
	err := s.o.History.Events(r.Context(), q.after, func(e *realtime.Event) error {
		if len(a.Events) >= q.Limit || looked >= maxEventsRead {
			more = true
			return errEventsEnough
		}
		if looked == 0 && e.Sequence != q.after+1 {
			a.From = e.Sequence
		}
		looked++
		a.through = e.Sequence
		if q.wantsVersion(e) && q.Admit(e) {
			a.add(e)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEventsEnough) {
		return err
	}
	if more {
		a.next(s, r, p, "after", a.through)
	}
	return s.json(w, r, typeJSON, &a)
}

func (q *eventQuery) wantsVersion(e *realtime.Event) bool {
	return (q.State == "" || q.State == e.State) && (q.Class == "" || q.Class == e.Class) && (q.Kind == "" || q.Kind == e.Kind())
}

// event answers with the current version of one.
func (s *Server) event(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	e, err := s.o.Cases.Get(chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if !s.maySee(r, e.Layer) {
		return fail(http.StatusNotFound, "There is no such event; GET /live/events lists them.")
	}
	return s.json(w, r, typeJSON, rawJSON(e.AppendJSON(nil)))
}

// rawJSON is JSON as it is.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (b rawJSON) MarshalJSON() ([]byte, error) { return b, nil }

// eventPage is an answer of /live/events.
type eventPage struct {
	Matched *int // of what is current
	Events  []rawJSON
	From    uint64 // of versions: the first that can still be read, where some before it cannot
	Links   []map[string]string

	log     bool
	through uint64
}

func (a *eventPage) add(e *realtime.Event) { a.Events = append(a.Events, e.AppendJSON(nil)) }

// next adds the link to the page after this one.
func (a *eventPage) next(s *Server, r *http.Request, p params, name string, place uint64) {
	v := url.Values{}
	for k, x := range p {
		if k != "token" {
			v.Set(k, x)
		}
	}
	v.Set(name, strconv.FormatUint(place, 10))
	a.Links = append(a.Links, map[string]string{"rel": "next", "type": typeJSON, "href": s.base(r) + "/live/events?" + v.Encode()})
}

// MarshalJSON implements json.Marshaler.
func (a *eventPage) MarshalJSON() ([]byte, error) {
	out := map[string]any{"numberReturned": len(a.Events), "events": a.Events}
	if a.Events == nil {
		out["events"] = []rawJSON{}
	}
	if a.Matched != nil {
		out["numberMatched"] = *a.Matched
	}
	if a.log {
		out["through"] = a.through
	}
	if a.From > 0 {
		out["from"] = a.From
	}
	if a.Links != nil {
		out["links"] = a.Links
	}
	return json.Marshal(out)
}
