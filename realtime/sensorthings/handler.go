package sensorthings

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"twind/realtime"
)

// MaxBody is how many bytes of a request's body are taken.
const MaxBody = 8 << 20

// HandlerOptions of Handler. Base must be set.
type HandlerOptions struct {
	// Base is the absolute URL of the service's root as a client reaches it,
	// without a trailing slash; self links begin with it.
	Base func(*http.Request) string
	// Observe is given the Observations that were made, when they are on disk;
	// nil: nobody.
	Observe func(context.Context, []realtime.Observation)
	Log     *slog.Logger // of errors within the server; nil: none
	// MQTT are the endpoints that the root announces, such as mqtt://host:1883;
	// nil: none.
	MQTT func(*http.Request) []string
	// MaxQuery is how long a GET may compute, since writes wait for it; 10 s.
	MaxQuery time.Duration
}

type handler struct {
	s *Store
	o HandlerOptions
}

// Handler answers requests whose path is below the service's root: GET, HEAD,
// POST, PATCH and DELETE. Who may write is the caller's to say. An answer to a
// write means that it is on disk.
func Handler(s *Store, o HandlerOptions) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.MaxQuery <= 0 {
		o.MaxQuery = 10 * time.Second
	}
	return &handler{s, o}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	var err error
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		err = h.get(w, r, path)
	case http.MethodPost:
		err = h.post(w, r, path)
	case http.MethodPatch:
		err = h.patch(w, r, path)
	case http.MethodDelete:
		err = h.delete(w, path)
	default:
		err = &problem{http.StatusMethodNotAllowed, r.Method + " is not possible here: GET, POST, PATCH and DELETE are."}
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	if !errors.As(err, &p) {
		if r.Context().Err() != nil {
			return // the client has gone
		}
		h.o.Log.Error("a SensorThings request failed", "path", r.URL.Path, "cause", err)
		p = &problem{http.StatusInternalServerError, "The server failed to answer; its log says why."}
	}
	if p.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", h.allowed(strings.Trim(r.URL.Path, "/")))
	}
	body, _ := json.Marshal(struct {
		Type    string `json:"type"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{"error", p.status, p.message}) // never fails
	answer(w, p.status, body)
}

// allowed lists the methods of an address.
func (h *handler) allowed(path string) string {
	h.s.mu.RLock()
	defer h.s.mu.RUnlock()
	t, err := h.s.resolve(path)
	switch {
	case err != nil || t.ref || t.member >= 0:
		return "GET, HEAD"
	case t.one != nil:
		return "GET, HEAD, PATCH, DELETE"
	}
	return "GET, HEAD, POST"
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone needs no answer
}

func (h *handler) get(w http.ResponseWriter, r *http.Request, path string) error {
	base := h.o.Base(r)
	if path == "" {
		var endpoints []string
		if h.o.MQTT != nil {
			endpoints = h.o.MQTT(r)
		}
		answer(w, http.StatusOK, root(base, endpoints))
		return nil
	}
	body, contentType, err := h.read(r, path, base)
	if err != nil {
		return err
	}
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body) // as above
		return nil
	}
	answer(w, http.StatusOK, body)
	return nil
}

// read makes the answer to a GET; nil: there is no value.
func (h *handler) read(r *http.Request, path, base string) (body []byte, contentType string, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), h.o.MaxQuery)
	defer cancel()
	h.s.mu.RLock()
	defer h.s.mu.RUnlock()
	t, err := h.s.resolve(path)
	if err != nil {
		return nil, "", err
	}
	o, err := parseQuery(r.URL.RawQuery, t.kind)
	if err != nil {
		return nil, "", err
	}
	if t.member >= 0 {
		body, contentType = h.s.property(&t)
		return body, contentType, nil
	}
	out := &writer{s: h.s, ctx: ctx, base: base}
	switch {
	case t.one == nil:
		out.collection(&t, o, base+"/"+path)
	case t.ref:
		out.reference(t.one, o)
	default:
		out.entity(t.one, o)
	}
	if errors.Is(out.err, context.DeadlineExceeded) {
		out.err = &problem{http.StatusServiceUnavailable, "The query takes longer than " + h.o.MaxQuery.String() + ": ask for less at a time."}
	}
	return out.buf, "", out.err
}

// property is a member alone, or its bare value.
func (s *Store) property(t *target) (body []byte, contentType string) {
	v := s.value(t.one, t.member)
	if isNull(v) {
		return nil, ""
	}
	if !t.value {
		name, _ := json.Marshal(definitions[t.kind].members[t.member].name) // never fails
		return append(append(append(append([]byte("{"), name...), ':'), v...), '}'), ""
	}
	switch v[0] {
	case '{', '[':
		return v, ""
	case '"':
		return []byte(unquote(v)), "text/plain; charset=utf-8"
	}
	return v, "text/plain; charset=utf-8"
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &problem{http.StatusRequestEntityTooLarge, "The body has more than " + strconv.Itoa(MaxBody) + " bytes: send less at a time."}
	}
	if err != nil {
		return nil, bad("The body did not arrive whole.")
	}
	return body, nil
}

func (h *handler) post(w http.ResponseWriter, r *http.Request, path string) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if path == "CreateObservations" {
		return h.createObservations(w, r, body)
	}
	o, err := parseObject(body)
	if err != nil {
		return err
	}
	base := h.o.Base(r)
	out := &writer{s: h.s, ctx: r.Context(), base: base}
	var self string
	var readings []realtime.Observation
	err = h.s.write(func(c *change) error {
		e, err := c.insertAt(path, o)
		if err != nil {
			return err
		}
		self, readings = out.self(e), c.readings()
		out.entity(e, &options{})
		return nil
	})
	if err != nil {
		return err
	}
	h.observe(r.Context(), readings)
	w.Header().Set("Location", self)
	answer(w, http.StatusCreated, out.buf)
	return nil
}

// insertAt makes an entity in the collection at an address.
func (c *change) insertAt(path string, o object) (*entity, error) {
	t, err := c.s.resolve(path)
	if err != nil {
		return nil, err
	}
	if t.one != nil || t.ref || t.member >= 0 {
		return nil, &problem{http.StatusMethodNotAllowed, "POST needs a collection, such as /Things: change an entity with PATCH."}
	}
	if t.parent == nil {
		return c.insert(t.kind, o, nil, 0)
	}
	return c.insert(t.kind, o, &parent{t.parent, t.relation}, 0)
}

// entityAt is the entity at an address.
func (s *Store) entityAt(path, method string) (*entity, error) {
	t, err := s.resolve(path)
	if err != nil {
		return nil, err
	}
	if t.one == nil || t.ref || t.member >= 0 {
		return nil, &problem{http.StatusMethodNotAllowed, method + " needs an entity, such as /Things(1)."}
	}
	return t.one, nil
}

func (h *handler) patch(w http.ResponseWriter, r *http.Request, path string) error {
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	o, err := parseObject(body)
	if err != nil {
		return err
	}
	out := &writer{s: h.s, ctx: r.Context(), base: h.o.Base(r)}
	err = h.s.write(func(c *change) error {
		e, err := c.s.entityAt(path, "PATCH")
		if err != nil {
			return err
		}
		if err := c.patch(e, o); err != nil {
			return err
		}
		out.entity(e, &options{})
		return nil
	})
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, out.buf)
	return nil
}

func (h *handler) delete(w http.ResponseWriter, path string) error {
	err := h.s.write(func(c *change) error {
		e, err := c.s.entityAt(path, "DELETE")
		if err != nil {
			return err
		}
		c.remove(e)
		return nil
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (h *handler) observe(ctx context.Context, readings []realtime.Observation) {
	if h.o.Observe != nil && len(readings) > 0 {
		h.o.Observe(ctx, readings)
	}
}

// conformance are the requirements classes that are met, and those that are met
// where there is a broker.
var (
	conformance     = []string{"datamodel", "resource-path/resource-path-to-entities", "request-data", "create-update-delete", "data-array/data-array"}
	mqttConformance = []string{"create-observations-via-mqtt/observations-creation", "receive-updates-via-mqtt/receive-updates"}
)

const requirement = "http://www.opengis.net/spec/iot_sensing/1.1/req/"

func root(base string, endpoints []string) []byte {
	type set struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	var body struct {
		Value    []set          `json:"value"`
		Settings map[string]any `json:"serverSettings"`
	}
	for k := range definitions {
		body.Value = append(body.Value, set{definitions[k].set, base + "/" + definitions[k].set})
	}
	body.Settings = map[string]any{}
	var met []string
	for _, c := range conformance {
		met = append(met, requirement+c)
	}
	if len(endpoints) > 0 {
		for _, c := range mqttConformance {
			met = append(met, requirement+c)
			body.Settings[requirement+c] = map[string]any{"endpoints": endpoints}
		}
	}
	body.Settings["conformance"] = met
	b, _ := json.Marshal(body) // never fails
	return b
}
