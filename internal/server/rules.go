package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"twind/layers"
	"twind/realtime/rules"
)

// needsHistory answers 501 where what a handler is about is not there.
func needsHistory(there bool, what string, h handler) handler {
	if there {
		return h
	}
	return func(http.ResponseWriter, *http.Request) error {
		return fail(http.StatusNotImplemented, "This server has no "+what+": they need the history, which its configuration turns off.")
	}
}

func (s *Server) withRules(h handler) handler {
	return needsHistory(s.o.Rules != nil, "rules and alarms", h)
}

// routeRules adds /live/rules and /live/alarms.
func (s *Server) routeRules(r chi.Router, get func(chi.Router, string, handler)) {
	get(r, "/live/rules", s.withRules(s.listRules))
	get(r, "/live/rules/{id}", s.withRules(s.rule))
	r.Put("/live/rules/{id}", s.handle(s.mayWrite(s.withRules(s.putRule))))
	r.Delete("/live/rules/{id}", s.handle(s.mayWrite(s.withRules(s.deleteRule))))
	get(r, "/live/alarms", s.withRules(s.listAlarms))
	get(r, "/live/alarms/{id}", s.withRules(s.alarm))
	r.Post("/live/alarms/{id}/acknowledge", s.handle(s.mayWrite(s.withRules(s.acknowledgeAlarm))))
	r.Post("/live/alarms/{id}/close", s.handle(s.mayWrite(s.withRules(s.closeAlarm))))
}

// maySee tells whether a reader may see what rules say of a layer: only who sees
// all of it, since an outcome tells of one entity what its rows may hide.
func (s *Server) maySee(r *http.Request, id layers.ID) bool {
	if id == "" {
		return true
	}
	p := s.policy(r, id)
	return !p.Restricted()
}

// ruleAnswer is a rule and what became of it.
type ruleAnswer struct {
	*rules.Rule
	Status struct {
		Zones   int    `json:"zones,omitempty"`
		Problem string `json:"problem,omitempty"`
	} `json:"status"`
}

func answerRule(st rules.Status) ruleAnswer {
	a := ruleAnswer{Rule: st.Rule}
	a.Status.Zones, a.Status.Problem = st.Zones, st.Problem
	return a
}

func (s *Server) maySeeRule(r *http.Request, rule *rules.Rule) bool {
	return s.maySee(r, rule.Layer) && (rule.Area == nil || s.maySee(r, rule.Area.Layer))
}

func (s *Server) listRules(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	list := []ruleAnswer{}
	for _, st := range s.o.Rules.List() {
		if s.maySeeRule(r, st.Rule) {
			list = append(list, answerRule(st))
		}
	}
	return s.json(w, r, typeJSON, map[string]any{"rules": list})
}

func (s *Server) rule(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	st, err := s.o.Rules.Get(chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if !s.maySeeRule(r, st.Rule) {
		return fail(http.StatusNotFound, "There is no such rule; GET /live/rules lists them.")
	}
	return s.json(w, r, typeJSON, answerRule(st))
}

func (s *Server) putRule(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	st, created, err := s.o.Rules.Put(r.Context(), chi.URLParam(r, "id"), b)
	if err != nil {
		return err
	}
	body, err := json.Marshal(answerRule(st))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeJSON)
	if created {
		w.Header().Set("Location", s.base(r)+"/live/rules/"+st.ID)
		w.WriteHeader(http.StatusCreated)
	}
	_, err = w.Write(append(body, '\n'))
	return err
}

func (s *Server) deleteRule(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	if err := s.o.Rules.Delete(chi.URLParam(r, "id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// alarmAnswer is an alarm as JSON.
type alarmAnswer struct {
	ID             string          `json:"id"`
	Class          string          `json:"class"`
	State          string          `json:"state"`
	Active         bool            `json:"active"`
	Layer          layers.ID       `json:"layer,omitempty"`
	Entity         string          `json:"entity,omitempty"`
	Began          time.Time       `json:"began"`
	Time           time.Time       `json:"time"`
	Last           time.Time       `json:"last"`
	Count          int             `json:"count"`
	Lon            *float64        `json:"lon,omitempty"`
	Lat            *float64        `json:"lat,omitempty"`
	Owner          string          `json:"owner,omitempty"`
	Note           string          `json:"note,omitempty"`
	AcknowledgedAt *time.Time      `json:"acknowledgedAt,omitempty"`
	ClosedAt       *time.Time      `json:"closedAt,omitempty"`
	Sequence       uint64          `json:"sequence"`
	Evidence       json.RawMessage `json:"evidence,omitempty"`
}

func answerAlarm(a *rules.Alarm) alarmAnswer {
	stamp := func(ms int64) *time.Time {
		if ms == 0 {
			return nil
		}
		t := time.UnixMilli(ms).UTC()
		return &t
	}
	out := alarmAnswer{
		ID: a.ID, Class: a.Class, State: a.State, Active: a.Active, Layer: a.Layer, Entity: a.Entity,
		Began: time.UnixMilli(a.Began).UTC(), Time: time.UnixMilli(a.Time).UTC(), Last: time.UnixMilli(a.Last).UTC(), Count: a.Count, Owner: a.Owner, Note: a.Note,
		AcknowledgedAt: stamp(a.AcknowledgedAt), ClosedAt: stamp(a.ClosedAt), Sequence: a.Sequence, Evidence: a.Evidence,
	}
	if a.Lon == a.Lon {
		lon, lat := a.Lon, a.Lat
		out.Lon, out.Lat = &lon, &lat
	}
	return out
}

// Bounds of /live/alarms.
const (
	defaultAlarms = 100
	maxAlarms     = 10_000
)

// listAlarms answers with alarms, newest first: state (new, acknowledged, closed,
// or open for the first two), class, limit.
func (s *Server) listAlarms(w http.ResponseWriter, r *http.Request) error {
	p, err := readParams(r, "state", "class", "limit", "token")
	if err != nil {
		return err
	}
	switch p["state"] {
	case "", "open", rules.New, rules.Acknowledged, rules.Closed:
	default:
		return fail(http.StatusBadRequest, fmt.Sprintf("state %q: expected new, acknowledged, closed or open.", cut(p["state"], 40)))
	}
	limit := defaultAlarms
	if v, given := p["limit"]; given {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxAlarms {
			return fail(http.StatusBadRequest, fmt.Sprintf("limit %q: expected 1 to %d.", cut(v, 40), maxAlarms))
		}
	}
	found, matched := s.o.Rules.Alarms().List(p["state"], p["class"], limit, func(a *rules.Alarm) bool { return s.maySee(r, a.Layer) })
	list := make([]alarmAnswer, len(found))
	for i := range found {
		list[i] = answerAlarm(&found[i])
	}
	return s.json(w, r, typeJSON, map[string]any{"numberMatched": matched, "numberReturned": len(list), "alarms": list})
}

func (s *Server) alarm(w http.ResponseWriter, r *http.Request) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	a, err := s.o.Rules.Alarms().Get(chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if !s.maySee(r, a.Layer) {
		return fail(http.StatusNotFound, "There is no such alarm; GET /live/alarms lists them.")
	}
	return s.json(w, r, typeJSON, answerAlarm(&a))
}

func (s *Server) acknowledgeAlarm(w http.ResponseWriter, r *http.Request) error {
	return s.changeAlarm(w, r, rules.Acknowledged)
}

func (s *Server) closeAlarm(w http.ResponseWriter, r *http.Request) error {
	return s.changeAlarm(w, r, rules.Closed)
}

// act is who does something about an alarm, and what they say.
type act struct {
	Owner string `json:"owner"`
	Note  string `json:"note"`
}

func readAct(body []byte) (a act, err error) {
	const form = `send {"owner": "…", "note": "…"}`
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err = d.Decode(&a); err == nil && json.Valid(body) && utf8.Valid(body) {
		return a, nil
	}
	says := "The body cannot be read"
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) && wrong.Field != "" {
		says = fmt.Sprintf("Member %s is a JSON %s", wrong.Field, wrong.Value)
	} else if err != nil {
		if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
			says = "There is no member " + cut(name, 80)
		}
	}
	return a, fail(http.StatusBadRequest, says+"; "+form+".")
}

// changeAlarm takes {"owner": …, "note": …} and answers with the alarm as it is
// then, on disk.
func (s *Server) changeAlarm(w http.ResponseWriter, r *http.Request, state string) error {
	if _, err := readParams(r, "token"); err != nil {
		return err
	}
	b, err := readBody(w, r)
	if err != nil {
		return err
	}
	act, err := readAct(b)
	if err != nil {
		return err
	}
	alarms, id := s.o.Rules.Alarms(), chi.URLParam(r, "id")
	before, err := alarms.Get(id)
	if err != nil {
		return err
	}
	if !s.maySee(r, before.Layer) {
		return fail(http.StatusNotFound, "There is no such alarm; GET /live/alarms lists them.")
	}
	move := alarms.Acknowledge
	if state == rules.Closed {
		move = alarms.Close
	}
	a, err := move(r.Context(), id, act.Owner, act.Note)
	if errors.Is(err, layers.ErrConflict) {
		return fail(http.StatusConflict, err.Error())
	}
	if err != nil {
		return err
	}
	return s.json(w, r, typeJSON, answerAlarm(&a))
}
