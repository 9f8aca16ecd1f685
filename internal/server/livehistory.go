package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// Bounds of /live/history.
const (
	defaultHistoryLimit = 10_000
	maxHistoryLimit     = 100_000
	defaultTrack        = 24 * time.Hour // before now, or before end
	maxVisits           = 24 * time.Hour
)

// historyQuery is a question about the past, read and checked.
type historyQuery struct {
	layer    layers.ID
	id       string
	boxes    []spatial.Envelope
	from, to time.Time // equal: an instant
	limit    int
	cursor   string // of a page: the entity after which it begins
	format   string // geojson, ndjson or csv
	all      bool   // of an instant: the stale and offline too
	since    int64  // ms since 1970: what was received after it; −1: another question
	past     *realtime.Past
	repeat   url.Values // what next must repeat
}

var historyParams = []string{"layer", "id", "bbox", "datetime", "start", "end", "state", "since", "limit", "cursor", "f", "token"}

// history answers four questions about a live layer:
//
//	layer, id, start/end or datetime=a/b    the track of one entity
//	layer, bbox, datetime=instant           who was in the box then: the latest position
//	                                        before it, within the layer's stale period;
//	                                        state=all: also those who were stale or offline
//	layer, bbox, datetime=a/b               who passed the box, from when to when
//	layer, since                            every position received since, in the order of
//	                                        receipt: what a client that polls has missed
//
// and those of readings, when property or datastream is given (readingsHistory).
func (s *Server) history(w http.ResponseWriter, r *http.Request) error {
	if s.o.History == nil {
		return fail(http.StatusNotImplemented, "This server records no history; its configuration turns it off.")
	}
	if asksReadings(r.URL.Query()) {
		return s.readingsHistory(w, r)
	}
	q, err := s.readHistoryQuery(r)
	if err != nil {
		return err
	}
	var page *historyPage
	switch {
	case q.since >= 0:
		page, err = s.historySince(r.Context(), &q)
	case q.id != "":
		page, err = s.historyTrack(r.Context(), &q)
	case q.from.Equal(q.to):
		page, err = s.historyAt(r.Context(), &q)
	default:
		page, err = s.historyVisits(r.Context(), &q)
	}
	if err != nil {
		return err
	}
	return s.writeHistory(w, r, &q, page)
}

func (s *Server) readHistoryQuery(r *http.Request) (historyQuery, error) {
	q := historyQuery{repeat: url.Values{}, since: -1}
	p, err := readParams(r, historyParams...)
	if err != nil {
		return q, err
	}
	for k, v := range p {
		if k != "cursor" && k != "token" {
			q.repeat.Set(k, v)
		}
	}
	if q.layer, err = layers.ParseID(p["layer"]); err != nil {
		return q, fail(400, fmt.Sprintf("layer %q: expected the id of a live layer, such as layer=vehicles.", cut(p["layer"], 80)))
	}
	if q.past, err = s.o.Hub.Past(q.layer, s.policy(r, q.layer)); err != nil {
		return q, err
	}
	if q.limit, err = parseLimit(p["limit"], defaultHistoryLimit, maxHistoryLimit); err != nil {
		return q, err
	}
	if q.cursor, err = readHistoryCursor(p); err != nil {
		return q, err
	}
	switch q.format = p["f"]; q.format {
	case "":
		q.format = "geojson"
	case "geojson", "ndjson", "csv":
	case "json":
		q.format = "geojson"
	default:
		return q, fail(400, fmt.Sprintf("f=%s is not offered; use f=geojson, ndjson or csv.", cut(q.format, 40)))
	}
	switch v, given := p["state"]; {
	case v == "all":
		q.all = true
	case given && v != "live":
		return q, fail(400, fmt.Sprintf("state=%s is not offered; use state=live, or state=all for the stale and offline too.", cut(v, 40)))
	}
	q.id = p["id"]
	if bbox, given := p["bbox"]; given {
		if q.boxes, err = parseBBox(bbox); err != nil {
			return q, err
		}
	}
	if since, given := p["since"]; given {
		return q, q.readSince(p, since)
	}
	if (q.id == "") == (len(q.boxes) == 0) {
		return q, fail(400, "Give id for the track of one entity, or bbox for all that were in a box: one of the two.")
	}
	return q, q.readTimes(p)
}

// readSince reads the time after which positions are wanted.
func (q *historyQuery) readSince(p params, text string) error {
	for _, name := range []string{"datetime", "start", "end", "state", "cursor"} {
		if _, given := p[name]; given {
			return fail(400, fmt.Sprintf("since goes with layer, id, bbox, limit and f; leave out %s.", name))
		}
	}
	t, ok := parseInstant(text, false)
	if !ok || t.IsZero() || text == ".." {
		return fail(400, fmt.Sprintf("since %q: expected an RFC 3339 instant such as 2026-01-31T08:00:00Z, the received of the last position known.", cut(text, 60)))
	}
	q.since = max(0, t.UnixMilli())
	return nil
}

// readTimes reads datetime, or start and end.
func (q *historyQuery) readTimes(p params) error {
	i, err := readSpan(p)
	if err != nil {
		return err
	}
	q.from, q.to = i.from, i.to
	switch {
	case q.id == "" && (q.from.IsZero() || q.to.IsZero()):
		return fail(400, "bbox needs datetime: an instant such as 2026-01-31T08:00:00Z for who was there then, or a/b for who passed.")
	case q.id == "" && q.to.Sub(q.from) > maxVisits:
		return fail(400, fmt.Sprintf("bbox with an interval of %s: at most %s are possible; ask for one day at a time.", q.to.Sub(q.from), maxVisits))
	}
	q.from, q.to = i.closed()
	return nil
}

// readSpan reads datetime, or start and end; ends that are not given are zero.
func readSpan(p params) (interval, error) {
	text, given := p["datetime"]
	start, hasStart := p["start"]
	end, hasEnd := p["end"]
	if given && (hasStart || hasEnd) {
		return interval{}, fail(400, "datetime and start or end say the same thing; give one or the other.")
	}
	if hasStart || hasEnd {
		if !hasStart {
			start = ".."
		}
		if !hasEnd {
			end = ".."
		}
		text = start + "/" + end
		given = text != "../.."
	}
	if !given {
		return interval{}, nil
	}
	return parseDatetime(text)
}

// closed ends an open interval now and begins it defaultTrack before its end.
func (i interval) closed() (from, to time.Time) {
	if i.to.IsZero() {
		i.to = time.Now()
	}
	if i.from.IsZero() {
		i.from = i.to.Add(-defaultTrack)
	}
	return i.from, i.to
}

// historyPage is one page of an answer: a track, or entities with their state or stay.
type historyPage struct {
	rows   []realtime.Believed
	states []realtime.State // of an instant
	stays  []stay           // of visits
	track  bool
	next   url.Values // what the next page's query has; nil: there is none
}

// stay is how long an entity was in the box.
type stay struct {
	first, last int64 // ms since 1970
	positions   int
}

func (s *Server) historyTrack(ctx context.Context, q *historyQuery) (*historyPage, error) {
	rows, more, err := s.o.History.Track(ctx, q.layer, q.id, q.from.UnixMilli(), q.to.UnixMilli(), q.limit)
	if err != nil {
		return nil, err
	}
	page := &historyPage{track: true, rows: make([]realtime.Believed, 0, len(rows))}
	for i := range rows {
		if q.past.Show(&rows[i], realtime.StateLive) {
			page.rows = append(page.rows, rows[i])
		}
	}
	if more {
		page.next = q.repeat
		page.next.Del("datetime")
		page.next.Set("start", stamp(rows[len(rows)-1].Time+1))
		page.next.Set("end", stamp(q.to.UnixMilli()))
	}
	return page, nil
}

// settled is how old a receipt must be so that no other of the same moment is
// still on its way into the history.
const settled = time.Second

func (s *Server) historySince(ctx context.Context, q *historyQuery) (*historyPage, error) {
	until := time.Now().Add(-settled).UnixMilli()
	if err := s.o.History.Flush(ctx); err != nil {
		return nil, err
	}
	rows, more, err := s.o.History.Since(ctx, q.layer, q.boxes, q.id, q.since, until, q.limit)
	if err != nil {
		return nil, err
	}
	page := &historyPage{rows: make([]realtime.Believed, 0, len(rows))}
	for i := range rows {
		if q.past.Show(&rows[i], realtime.StateLive) {
			page.rows = append(page.rows, rows[i])
		}
	}
	if more {
		page.next = q.repeat
		page.next.Set("since", stamp(rows[len(rows)-1].Received))
	}
	return page, nil
}

func (s *Server) historyAt(ctx context.Context, q *historyQuery) (*historyPage, error) {
	within := q.past.Live().Stale
	if q.all { // as the map showed them, until they left it
		within = q.past.Live().Removed
	}
	rows, err := s.o.History.At(ctx, q.layer, q.boxes, q.from.UnixMilli(), within.Milliseconds())
	if err != nil {
		return nil, err
	}
	page := &historyPage{}
	for i := range rows {
		if rows[i].ID <= q.cursor {
			continue
		}
		state, gone := q.past.State(&rows[i], q.from)
		if gone || !q.past.Show(&rows[i], state) {
			continue
		}
		if len(page.rows) == q.limit {
			page.next = q.after(page.rows[q.limit-1].ID)
			break
		}
		page.rows, page.states = append(page.rows, rows[i]), append(page.states, state)
	}
	return page, nil
}

func (s *Server) historyVisits(ctx context.Context, q *historyQuery) (*historyPage, error) {
	visits, err := s.o.History.Visits(ctx, q.layer, q.boxes, q.from.UnixMilli(), q.to.UnixMilli(), func(b *realtime.Believed) bool {
		return q.past.Show(b, realtime.StateLive)
	})
	if err != nil {
		return nil, err
	}
	page := &historyPage{}
	for i := range visits {
		v := &visits[i]
		if v.Last.ID <= q.cursor {
			continue
		}
		if len(page.rows) == q.limit {
			page.next = q.after(page.rows[q.limit-1].ID)
			break
		}
		page.rows = append(page.rows, v.Last)
		page.stays = append(page.stays, stay{v.First.Time, v.Last.Time, v.Positions})
	}
	return page, nil
}

// cursorMark begins the cursors of history, so that no other text is taken for one.
const cursorMark = "after\x00"

// readHistoryCursor is the entity after which a page begins; "" is the first page.
func readHistoryCursor(p params) (id string, err error) {
	text, given := p["cursor"]
	if !given {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	id, ok := strings.CutPrefix(string(b), cursorMark)
	if err != nil || !ok || p["id"] != "" || layers.CheckFeatureID(id) != nil {
		return "", errNoCursor()
	}
	return id, nil
}

// after is the query of the page that begins after an entity.
func (q *historyQuery) after(id string) url.Values {
	q.repeat.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte(cursorMark+id)))
	return q.repeat
}

// next is the address of the next page, "" for the last.
func (p *historyPage) address(s *Server, r *http.Request) string {
	return s.historyAddress(r, p.next)
}

// historyAddress is the address of a page, "" of none.
func (s *Server) historyAddress(r *http.Request, next url.Values) string {
	if next == nil {
		return ""
	}
	if t := r.URL.Query().Get("token"); t != "" {
		next.Set("token", t)
	}
	return s.base(r) + "/live/history?" + next.Encode()
}

// stamp writes milliseconds since 1970 as RFC 3339.
func stamp(ms int64) string { return string(appendStamp(nil, ms)) }

func appendStamp(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999Z")
}

func appendNumber(dst []byte, v float64) []byte {
	if v != v {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}
