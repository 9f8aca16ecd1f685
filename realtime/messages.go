package realtime

import (
	"encoding/json"
	"errors"
	"sort"

	"twind/layers"
)

// ProtocolVersion is that of wire/SPEC.md.
const ProtocolVersion = 1

// The messages of the server that are JSON text in both formats.
type (
	helloMessage struct {
		Type     string      `json:"type"` // hello
		Version  int         `json:"version"`
		Format   string      `json:"format"` // binary or json
		Epoch    uint64      `json:"epoch"`
		Sequence uint64      `json:"sequence"`
		Change   uint64      `json:"change"`
		Time     int64       `json:"time"` // ms since 1970
		TickHz   float64     `json:"tickHz"`
		ResumeMS int64       `json:"resumeMs"`
		Limits   wireLimits  `json:"limits"`
		Layers   []wireLayer `json:"layers"`
		Recorded bool        `json:"recorded,omitempty"` // replays are possible
		Lanes    []string    `json:"lanes,omitempty"`    // events, readings
	}
	wireLimits struct {
		MessageBytes int `json:"messageBytes"` // of the client's messages
		Layers       int `json:"layers"`
		MaxEntities  int `json:"maxEntities"` // default
	}
	layersText struct {
		Type   string      `json:"type"` // layers
		Layers []wireLayer `json:"layers"`
	}
	wireLayer struct {
		ID         layers.ID         `json:"id"`
		Title      layers.Text       `json:"title"`
		Kind       layers.Kind       `json:"kind"`
		Provenance layers.Provenance `json:"provenance"`
		Label      string            `json:"label"`
		ClassBy    string            `json:"classBy"`
		PeriodMS   int64             `json:"periodMs"`
		StaleMS    int64             `json:"staleMs"`
		OfflineMS  int64             `json:"offlineMs"`
		RemovedMS  int64             `json:"removedMs"`
	}
	changeText struct {
		Type     string          `json:"type"` // change
		Change   uint64          `json:"change"`
		Layer    layers.ID       `json:"layer"`
		Revision layers.Revision `json:"revision"`
		BBox     *[4]float64     `json:"bbox"` // null: the whole layer
		Whole    bool            `json:"whole"`
		IDs      []string        `json:"ids"` // the features that changed; null: more than can be listed
	}
	errorText struct {
		Type    string `json:"type"` // error
		Request int64  `json:"request"`
		Code    string `json:"code"` // invalid, unsupported, unavailable
		Message string `json:"message"`
	}
	subscribedText struct {
		Type    string      `json:"type"` // subscribed
		Request int64       `json:"request"`
		Hz      float64     `json:"hz"`
		Live    []layers.ID `json:"live"` // those of the layers that are live
		Replay  *replayText `json:"replay,omitempty"`
	}
	replayText struct {
		Type  string  `json:"type,omitempty"` // replay; empty inside of subscribed
		Epoch uint64  `json:"epoch"`          // of its frames
		From  int64   `json:"from"`           // ms since 1970
		To    int64   `json:"to"`
		At    int64   `json:"at"`
		Speed float64 `json:"speed"`
		State string  `json:"state"` // playing, paused, ended
	}
	pongText struct {
		Type    string `json:"type"` // pong
		Request int64  `json:"request"`
		Time    int64  `json:"time"`
	}
)

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // never: only plain fields
		return []byte(`{"type":"error","code":"invalid","message":"the message could not be encoded"}`)
	}
	return b
}

func (h *Hub) hello(v *Viewer) []byte {
	format := "binary"
	if v.format == formatJSON {
		format = "json"
	}
	return encode(helloMessage{
		Type: "hello", Version: ProtocolVersion, Format: format, Epoch: h.epoch, Sequence: h.sequence.Load(), Change: v.change,
		Time: h.o.Now().UnixMilli(), TickHz: h.o.TickRate, ResumeMS: h.o.Resume.Milliseconds(),
		Limits: wireLimits{MaxMessageBytes, maxSubscribedLayers, DefaultMaxEntities}, Layers: h.wireLayers(),
		Recorded: h.o.Journal != nil && (v.format == formatJSON || h.o.NewCodec != nil),
		Lanes:    h.lanes.Load().names(),
	})
}

func (h *Hub) layersMessage() []byte { return encode(layersText{"layers", h.wireLayers()}) }

func (h *Hub) wireLayers() []wireLayer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]wireLayer, 0, len(h.layers))
	for _, l := range h.layers {
		d, t := &l.desc, l.live // what is read of desc never changes
		out = append(out, wireLayer{
			ID: d.ID, Title: d.Title, Kind: d.Kind, Provenance: d.Provenance, Label: d.Label, ClassBy: d.ClassBy,
			PeriodMS: t.Period.Milliseconds(), StaleMS: t.Stale.Milliseconds(), OfflineMS: t.Offline.Milliseconds(), RemovedMS: t.Removed.Milliseconds(),
		})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

func changeMessage(number uint64, c *mergedChange) []byte {
	m := changeText{Type: "change", Change: number, Layer: c.Layer, Revision: c.Revision, Whole: c.Whole, IDs: c.IDs}
	if e := c.Envelope; !c.Whole && !e.IsEmpty() {
		m.BBox = &[4]float64{e.MinX, e.MinY, e.MaxX, e.MaxY}
	}
	return encode(m)
}

func errorMessage(request int64, err error) []byte {
	m := errorText{Type: "error", Request: request, Code: "invalid", Message: err.Error()}
	switch {
	case errors.Is(err, layers.ErrUnsupported):
		m.Code = "unsupported"
	case errors.Is(err, layers.ErrUnavailable):
		m.Code = "unavailable"
	}
	return encode(m)
}
