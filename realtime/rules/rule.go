package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"twind/layers"
	"twind/realtime"
)

// Limits of rules.
const (
	MaxRules     = 1000
	MaxRuleBytes = 64 << 10
	MaxZones     = 10_000  // of one rule
	maxVertices  = 500_000 // of all zones of one rule
	maxRadius    = 100_000 // metres
	maxSeconds   = 7 * 24 * 3600
	maxText      = 200 // bytes of a class
)

// Kind says what a rule watches.
type Kind string

// The kinds of rules.
const (
	Fence     Kind = "fence"
	Threshold Kind = "threshold"
	Silence   Kind = "silence"
)

// Outcome is what a rule found.
type Outcome string

// The outcomes: the first four of fences, the others of thresholds and silence.
const (
	Enter Outcome = "enter"
	Leave Outcome = "leave"
	Stay  Outcome = "stay"  // inside for Rule.Dwell
	Speed Outcome = "speed" // inside and faster than Rule.SpeedLimit
	Raise Outcome = "raise" // beyond the threshold, or silent
	Clear Outcome = "clear" // back by more than Rule.Margin, or heard again
)

// Severity is how urgent an alarm is.
type Severity string

// The severities, the most urgent first.
const (
	Critical Severity = "critical"
	Major    Severity = "major"
	Minor    Severity = "minor"
	Info     Severity = "info"
)

// Rule is data: what to watch and what to make of it. Its JSON form is that of
// /live/rules; docs/live-rules.md describes it.
type Rule struct {
	ID    string      `json:"id"`
	Title layers.Text `json:"title,omitzero"`
	Kind  Kind        `json:"kind"`
	Off   bool        `json:"off,omitempty"`
	// Layer is the live layer whose entities are watched, or the layer of the
	// objects whose readings are.
	Layer layers.ID `json:"layer,omitempty"`
	Class string    `json:"class,omitempty"` // of the events; "fence-enter" … and "threshold" without
	// Severity is how urgent its alarms are; Major without.
	Severity Severity `json:"severity,omitempty"`
	// Quiet says that outcomes are events only and raise no alarm.
	Quiet bool `json:"quiet,omitempty"`
	// Delay is for how many seconds something must be so before it counts.
	Delay float64 `json:"delay,omitempty"`
	// Margin is by how much it must be undone before it counts as undone: metres
	// outside of a fence, or in the unit of the value.
	Margin float64 `json:"margin,omitempty"`

	Area        *Area     `json:"area,omitempty"`   // fence
	Events      []Outcome `json:"events,omitempty"` // fence: which outcomes are told; enter and leave without
	Dwell       float64   `json:"dwell,omitempty"`  // fence: seconds
	SpeedLimit  float64   `json:"speedLimit,omitempty"`
	SpeedMargin float64   `json:"speedMargin,omitempty"` // both m/s

	// Source of a threshold: "positions" (a property of a live layer's entities,
	// also speed and course) or "observations".
	Source     string   `json:"source,omitempty"`
	Property   string   `json:"property,omitempty"`
	Feature    string   `json:"feature,omitempty"`    // only this entity or object; also of silence
	Datastream string   `json:"datastream,omitempty"` // observations: instead of layer and property
	Above      *float64 `json:"above,omitempty"`
	Below      *float64 `json:"below,omitempty"`

	// State of a rule about silence is from when entities of Layer are silent:
	// "stale" or "offline", as their layer's times say; offline without.
	State string `json:"state,omitempty"`
}

// Area is where a fence is: exactly one of its members is set.
type Area struct {
	Circle  *Circle         `json:"circle,omitempty"`
	Polygon json.RawMessage `json:"polygon,omitempty"` // GeoJSON Polygon or MultiPolygon
	Layer   layers.ID       `json:"layer,omitempty"`   // each polygon of a static layer is a zone
	// Features are the zones of Layer; all of them without.
	Features []string `json:"features,omitempty"`
}

// Circle is a circle on the ellipsoid.
type Circle struct {
	Center [2]float64 `json:"center"` // degrees: longitude, latitude
	Radius float64    `json:"radius"` // metres
}

func invalid(format string, args ...any) error {
	return layers.Errorf(layers.ErrInvalid, format, args...)
}

// Parse reads a rule, at most MaxRuleBytes, and checks it; its id is given. It
// fails with layers.ErrInvalid and one sentence.
func Parse(id string, b []byte) (*Rule, error) {
	r, err := parse(id, b)
	if err == nil {
		err = r.readable()
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// readable refuses names that people cannot read as what they are. A file of
// before may have them: it is read all the same.
func (r *Rule) readable() error {
	if r.Class != "" {
		if err := realtime.CheckName("class", r.Class); err != nil {
			return invalid("rule %s: %w", r.ID, err)
		}
	}
	for _, title := range [...]string{r.Title.ZH, r.Title.EN} {
		if err := realtime.CheckLine("title", title); err != nil {
			return invalid("rule %s: %w", r.ID, err)
		}
	}
	return nil
}

// parse is Parse but for readable.
func parse(id string, b []byte) (*Rule, error) {
	if len(b) > MaxRuleBytes {
		return nil, invalid("the rule has %d bytes; at most %d are possible", len(b), MaxRuleBytes)
	}
	if !utf8.Valid(b) {
		return nil, invalid("the rule is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var r Rule
	if err := d.Decode(&r); err != nil {
		return nil, badJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("something follows the rule's JSON")
	}
	if r.ID != "" && r.ID != id {
		return nil, invalid("the rule's id %.80q is not the path's id %.80q", r.ID, id)
	}
	r.ID = id
	if err := r.check(); err != nil {
		return nil, err
	}
	return &r, nil
}

func badJSON(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return invalid("member %q of the rule is a JSON %s", typ.Field, typ.Value)
	}
	return invalid("the rule cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func (r *Rule) check() error {
	if _, err := layers.ParseID(r.ID); err != nil {
		return invalid("rule id %.80q: use 1 to 63 of a–z, 0–9, _ and -, beginning with a letter or digit", r.ID)
	}
	if len(r.Class) > maxText {
		return invalid("class of rule %s has %d bytes; at most %d are possible", r.ID, len(r.Class), maxText)
	}
	if r.Layer != "" {
		if _, err := layers.ParseID(string(r.Layer)); err != nil {
			return err
		}
	}
	if r.Severity != "" && !slices.Contains([]Severity{Critical, Major, Minor, Info}, r.Severity) {
		return invalid("severity %.40q of rule %s: expected critical, major, minor or info", r.Severity, r.ID)
	}
	for _, n := range [...]struct {
		name     string
		v, limit float64
	}{
		{"delay", r.Delay, maxSeconds}, {"dwell", r.Dwell, maxSeconds}, {"margin", r.Margin, math.MaxFloat32},
		{"speedLimit", r.SpeedLimit, 1e4}, {"speedMargin", r.SpeedMargin, 1e4},
	} {
		if n.v < 0 || n.v > n.limit {
			return invalid("%s of rule %s is %v: expected 0 to %v", n.name, r.ID, n.v, n.limit)
		}
	}
	switch r.Kind {
	case Fence:
		return r.checkFence()
	case Threshold:
		return r.checkThreshold()
	case Silence:
		return r.checkSilence()
	}
	return invalid("kind %.40q of rule %s: expected fence, threshold or silence", r.Kind, r.ID)
}

func (r *Rule) checkSilence() error {
	switch {
	case r.Layer == "":
		return invalid("rule %s names no live layer: set layer", r.ID)
	case r.Area != nil || len(r.Events) > 0 || r.Dwell != 0 || r.SpeedLimit != 0 || r.SpeedMargin != 0 || r.Margin != 0,
		r.Source != "" || r.Property != "" || r.Datastream != "" || r.Above != nil || r.Below != nil:
		return invalid("rule %s is about silence: besides layer it has state, feature and delay only", r.ID)
	}
	switch r.State {
	case "":
		r.State = "offline"
	case "stale", "offline":
	default:
		return invalid("state %.40q of rule %s: expected stale or offline", r.State, r.ID)
	}
	return nil
}

func (r *Rule) checkFence() error {
	switch {
	case r.State != "":
		return invalid("rule %s is a fence: state belongs to silence", r.ID)
	case r.Layer == "":
		return invalid("rule %s names no live layer: set layer", r.ID)
	case r.Source != "" || r.Property != "" || r.Datastream != "" || r.Feature != "" || r.Above != nil || r.Below != nil:
		return invalid("rule %s is a fence: source, property, feature, datastream, above and below belong to thresholds", r.ID)
	case r.Area == nil:
		return invalid("rule %s names no area: set area to a circle, a polygon or a layer", r.ID)
	}
	if len(r.Events) == 0 {
		r.Events = []Outcome{Enter, Leave}
	}
	for i, e := range r.Events {
		if !slices.Contains([]Outcome{Enter, Leave, Stay, Speed}, e) {
			return invalid("event %.40q of rule %s: expected enter, leave, stay or speed", e, r.ID)
		}
		if slices.Contains(r.Events[:i], e) {
			return invalid("event %s of rule %s is named twice", e, r.ID)
		}
	}
	if r.tells(Stay) != (r.Dwell > 0) {
		return invalid("rule %s: the event stay and dwell, in seconds above 0, belong together", r.ID)
	}
	if r.tells(Speed) != (r.SpeedLimit > 0) {
		return invalid("rule %s: the event speed and speedLimit, in m/s above 0, belong together", r.ID)
	}
	return r.Area.check(r.ID)
}

func (a *Area) check(rule string) error {
	set := 0
	for _, is := range [...]bool{a.Circle != nil, len(a.Polygon) > 0, a.Layer != ""} {
		if is {
			set++
		}
	}
	if set != 1 || len(a.Features) > 0 && a.Layer == "" {
		return invalid("area of rule %s: expected one of circle, polygon, and layer with its features", rule)
	}
	if a.Layer != "" {
		if _, err := layers.ParseID(string(a.Layer)); err != nil {
			return err
		}
		return nil
	}
	_, err := a.shape(rule)
	return err
}

func (r *Rule) checkThreshold() error {
	switch {
	case r.State != "":
		return invalid("rule %s is a threshold: state belongs to silence", r.ID)
	case r.Area != nil || len(r.Events) > 0 || r.Dwell != 0 || r.SpeedLimit != 0 || r.SpeedMargin != 0:
		return invalid("rule %s is a threshold: area, events, dwell, speedLimit and speedMargin belong to fences", r.ID)
	case (r.Above == nil) == (r.Below == nil):
		return invalid("rule %s: expected either above or below", r.ID)
	}
	byProperty := r.Layer != "" && r.Property != "" && r.Datastream == ""
	byStream := r.Layer == "" && r.Property == "" && r.Feature == "" && r.Datastream != ""
	switch r.Source {
	case "positions":
		if !byProperty {
			return invalid("rule %s watches positions: expected layer and property, and no datastream", r.ID)
		}
	case "observations":
		if !byProperty && !byStream {
			return invalid("rule %s watches observations: expected layer and property, or datastream", r.ID)
		}
	default:
		return invalid("source %.40q of rule %s: expected positions or observations", r.Source, r.ID)
	}
	return nil
}

func (r *Rule) tells(o Outcome) bool { return slices.Contains(r.Events, o) }

// class is the class of the rule's events.
func (r *Rule) class(o Outcome) string {
	switch {
	case r.Class != "":
		return r.Class
	case r.Kind != Fence:
		return string(r.Kind)
	}
	return fmt.Sprintf("%s-%s", Fence, o)
}
