package webhooks

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"twind/layers"
	"twind/realtime"
)

// Limits of hooks.
const (
	MaxHooks     = 100
	MaxHookBytes = 64 << 10
	maxURL       = 2048 // bytes
	maxClasses   = 64
	maxText      = 255 // bytes of a class
)

// Hook says where to post which events. Its JSON form is that of /live/webhooks.
type Hook struct {
	ID    string      `json:"id"`
	Title layers.Text `json:"title,omitzero"`
	URL   string      `json:"url"`
	// Secret is "whsec_" and 24 to 64 bytes in base64, the key of the signature.
	// It is never shown but once, when the server made it.
	Secret  string               `json:"secret,omitempty"`
	Classes []string             `json:"classes,omitempty"` // of events; none: all
	Kinds   []realtime.EventKind `json:"kinds,omitempty"`   // case, alarm, outcome; none: all
	Off     bool                 `json:"off,omitempty"`
}

func invalid(format string, args ...any) error {
	return layers.Errorf(layers.ErrInvalid, format, args...)
}

// Parse reads a hook, at most MaxHookBytes, and checks it; its id is given. It
// fails with layers.ErrInvalid and one sentence. The secret may be missing.
func Parse(id string, b []byte) (*Hook, error) {
	if len(b) > MaxHookBytes {
		return nil, invalid("the webhook has %d bytes; at most %d are possible", len(b), MaxHookBytes)
	}
	if !utf8.Valid(b) {
		return nil, invalid("the webhook is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var h Hook
	if err := d.Decode(&h); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) && typ.Field != "" {
			return nil, invalid("member %q of the webhook is a JSON %s", typ.Field, typ.Value)
		}
		return nil, invalid("the webhook cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("something follows the webhook's JSON")
	}
	if h.ID != "" && h.ID != id {
		return nil, invalid("the webhook's id %.80q is not the path's id %.80q", h.ID, id)
	}
	h.ID = id
	return &h, h.check()
}

func (h *Hook) check() error {
	if _, err := layers.ParseID(h.ID); err != nil {
		return invalid("webhook id %.80q: use 1 to 63 of a–z, 0–9, _ and -, beginning with a letter or digit", h.ID)
	}
	u, err := url.Parse(h.URL)
	switch {
	case len(h.URL) > maxURL:
		return invalid("url of webhook %s has %d bytes; at most %d are possible", h.ID, len(h.URL), maxURL)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return invalid("url %.80q of webhook %s: expected http or https and a host", h.URL, h.ID)
	case u.User != nil || u.Fragment != "":
		return invalid("url of webhook %s has a user or a fragment; the signature says who sends", h.ID)
	}
	if h.Secret != "" {
		if _, err := keyOf(h.Secret); err != nil {
			return invalid("secret of webhook %s: %v", h.ID, err)
		}
	}
	if len(h.Classes) > maxClasses {
		return invalid("webhook %s has %d classes; at most %d are possible", h.ID, len(h.Classes), maxClasses)
	}
	for _, c := range h.Classes {
		if c == "" || len(c) > maxText {
			return invalid("a class of webhook %s has %d bytes: expected 1 to %d", h.ID, len(c), maxText)
		}
	}
	for _, k := range h.Kinds {
		if k != realtime.EventCase && k != realtime.EventAlarm && k != realtime.EventOutcome {
			return invalid("kind %.40q of webhook %s: expected case, alarm or outcome", k, h.ID)
		}
	}
	return nil
}

// wants tells whether the hook is for an event.
func (h *Hook) wants(e *realtime.Event) bool {
	return (len(h.Classes) == 0 || slices.Contains(h.Classes, e.Class)) && (len(h.Kinds) == 0 || slices.Contains(h.Kinds, e.Kind()))
}
