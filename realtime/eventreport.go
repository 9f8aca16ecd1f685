package realtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"twind/layers"
)

// EventReport is what somebody says of a case: that there is one, or what has
// become of it. What it leaves out stays as it was.
type EventReport struct {
	ID     string
	Class  string
	State  string    // "": new, or as before
	Time   time.Time // when it was so
	Lon    float64   // degrees; NaN: as before, or where the object is
	Lat    float64
	Layer  layers.ID // with Entity: the city object that it is about
	Entity string

	Title      *layers.Text
	Text       *string
	Source     *string
	Deadlines  map[string]time.Time // each replaces the one of its state; a zero time removes it
	Owner      *string
	Note       string // of this version only
	Properties json.RawMessage
}

// EventTaker keeps cases; *cases.Register is one.
type EventTaker interface {
	// Take takes reports in order and returns when they are on disk. It says which
	// it refused and why; Result.JournalError is set when the disk does not take them.
	Take(ctx context.Context, reports []EventReport) (Result, error)
}

// Limits of a case.
const (
	maxEventText  = 200     // bytes of a class, a source, an owner, a title in one language
	maxEventProse = 8 << 10 // bytes of a text or a note
)

// EventsHandler takes POST /live/events: one report of a case, a JSON array or
// NDJSON, as DecodeEventReport describes them. Its answers are those of
// PositionsHandler; 202 means that each accepted report is on disk under a
// sequence of its own.
func EventsHandler(taker EventTaker, o PositionsOptions) http.Handler {
	if o.MaxBody <= 0 {
		o.MaxBody = 32 << 20
	}
	return &ingestor{
		noun: "event", origins: o.Origins, maxBody: o.MaxBody, malformed: func() {},
		batch: itemBatch(func(b []byte, x *EventReport) (string, error) {
			err := DecodeEventReport(b, x)
			return x.ID, err
		}, taker.Take),
	}
}

// DecodeEventReport reads one report in its JSON form:
//
//	{"id","class","state"?,"time","lon"?,"lat"?,"layer"?,"entity"?,"title"?,"text"?,
//	 "source"?,"deadlines"?,"owner"?,"note"?,"properties"?}
//
// Title is a text, taken for both languages, or {"zh","en"}; deadlines is an
// object of a state to RFC 3339, or null to remove it. A member that is null is
// absent. At most MaxPositionBytes.
func DecodeEventReport(b []byte, o *EventReport) error {
	*o = EventReport{Lon: math.NaN(), Lat: math.NaN()}
	if len(b) > MaxPositionBytes {
		return fmt.Errorf("an event of %d bytes; at most %d are possible", len(b), MaxPositionBytes)
	}
	if !utf8.Valid(b) {
		return errors.New("the event is not UTF-8")
	}
	s := scanner{b: b}
	if s.next() != '{' {
		return s.unexpected("an object")
	}
	err := s.members('{', func(rawName []byte, escaped bool) error {
		name := string(text(rawName, escaped))
		v, err := s.value(0)
		if err == nil && v[0] != 'n' {
			err = o.member(name, v)
		}
		if err != nil {
			return fmt.Errorf("%.40s: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if s.next(); s.i < len(b) {
		return s.unexpected("the end of the event")
	}
	return o.check()
}

func (o *EventReport) member(name string, v []byte) (err error) {
	switch name {
	case "id":
		o.ID, err = idText(v)
	case "class":
		o.Class, err = limitedText(v, maxEventText)
	case "state":
		o.State, err = limitedText(v, maxEventText)
	case "time":
		var ms int64
		if ms, err = timeMember(v); err == nil {
			o.Time = time.UnixMilli(ms).UTC()
		}
	case "lon":
		o.Lon, _, err = numberMember(v)
	case "lat":
		o.Lat, _, err = numberMember(v)
	case "layer":
		var id string
		id, err = idText(v)
		o.Layer = layers.ID(id)
	case "entity":
		o.Entity, err = idText(v)
	default:
		err = o.detail(name, v)
	}
	return err
}

// detail reads a member of CaseDetails.
func (o *EventReport) detail(name string, v []byte) (err error) {
	pointer := func(limit int) (*string, error) {
		t, err := limitedText(v, limit)
		return &t, err
	}
	switch name {
	case "title":
		o.Title, err = titleMember(v)
	case "text":
		o.Text, err = pointer(maxEventProse)
	case "source":
		o.Source, err = pointer(maxEventText)
	case "owner":
		o.Owner, err = pointer(maxEventText)
	case "note":
		o.Note, err = limitedText(v, maxEventProse)
	case "deadlines":
		o.Deadlines, err = deadlinesMember(v)
	case "properties":
		o.Properties, err = objectMember(v)
	default:
		return errors.New("unknown member: an event has id, class, state, time, lon, lat, layer, entity, title, text, source, deadlines, owner, note and properties; put other values into properties")
	}
	return err
}

func limitedText(v []byte, limit int) (string, error) {
	t, err := textMember(v)
	if err == nil && len(t) > limit {
		err = fmt.Errorf("a text of %d bytes; at most %d are possible", len(t), limit)
	}
	return string(t), err
}

func titleMember(v []byte) (*layers.Text, error) {
	if v[0] == '"' {
		t, err := limitedText(v, maxEventText)
		return &layers.Text{ZH: t, EN: t}, err
	}
	d := json.NewDecoder(bytes.NewReader(v))
	d.DisallowUnknownFields()
	var t layers.Text
	if d.Decode(&t) != nil || len(t.ZH) > maxEventText || len(t.EN) > maxEventText {
		return nil, fmt.Errorf(`expected a text, or {"zh": …, "en": …}, of at most %d bytes each`, maxEventText)
	}
	return &t, nil
}

func deadlinesMember(v []byte) (map[string]time.Time, error) {
	var by map[string]*time.Time
	if err := json.Unmarshal(v, &by); err != nil {
		return nil, errors.New(`expected an object of states to RFC 3339 times, such as {"closed": "2026-11-21T08:00:00Z"}`)
	}
	out := make(map[string]time.Time, len(by))
	for state, t := range by {
		if step, ok := CaseStep(state); !ok || step == 0 || state == EventRejected {
			return nil, fmt.Errorf("%.40q: expected accepted, dispatched, handling, handled, verified or closed", state)
		}
		out[state] = time.Time{}
		if t == nil {
			continue
		}
		if y := t.UTC().Year(); y < 1971 || y > 9999 {
			return nil, fmt.Errorf("the deadline of %s is in the year %d", state, y)
		}
		out[state] = t.UTC().Truncate(time.Millisecond)
	}
	return out, nil
}

// objectMember is a JSON object without white space, of at most MaxPropertiesBytes.
func objectMember(v []byte) (json.RawMessage, error) {
	if v[0] != '{' {
		return nil, errors.New("expected an object")
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return nil, err
	}
	if b.Len() > MaxPropertiesBytes {
		return nil, fmt.Errorf("%d bytes; at most %d are possible", b.Len(), MaxPropertiesBytes)
	}
	return b.Bytes(), nil
}

// check looks at the report by itself.
func (o *EventReport) check() error {
	if o.ID == "" {
		return errors.New("id is missing")
	}
	if err := layers.CheckFeatureID(o.ID); err != nil {
		return errors.New("id: " + err.Error())
	}
	if err := o.readable(); err != nil {
		return err
	}
	if _, ok := CaseStep(o.State); o.State != "" && !ok {
		return fmt.Errorf("state %.40q: expected new, accepted, dispatched, handling, handled, verified, closed or rejected", o.State)
	}
	switch {
	case o.Time.IsZero():
		return errors.New("time is missing: expected RFC 3339, such as 2026-11-21T08:00:00Z")
	case math.IsNaN(o.Lon) != math.IsNaN(o.Lat):
		return errors.New("lon or lat is missing: expected degrees, or neither")
	case o.Lon < -180 || o.Lon > 180 || o.Lat < -90 || o.Lat > 90:
		return fmt.Errorf("it is at %v, %v: expected degrees of longitude and latitude", o.Lon, o.Lat)
	case o.Lon == 0 && o.Lat == 0:
		return errors.New("it is at 0, 0, which is what devices without a fix say")
	case (o.Layer == "") != (o.Entity == ""):
		return errors.New("layer and entity name the object that it is about: send both, or neither")
	}
	if y := o.Time.Year(); y < 1971 || y > 9999 {
		return fmt.Errorf("time is in the year %d", y)
	}
	return nil
}

// readable refuses texts that people cannot read as what they are.
func (o *EventReport) readable() error {
	if err := CheckName("id", o.ID); err != nil {
		return err
	}
	if o.Class != "" {
		if err := CheckName("class", o.Class); err != nil {
			return err
		}
	}
	lines := [...]struct{ member, text string }{
		{"entity", o.Entity}, {"source", pointed(o.Source)}, {"owner", pointed(o.Owner)},
		{"title", pointed(o.Title).ZH}, {"title", pointed(o.Title).EN},
	}
	for _, x := range lines {
		if err := CheckLine(x.member, x.text); err != nil {
			return err
		}
	}
	if err := CheckProse("text", pointed(o.Text)); err != nil {
		return err
	}
	return CheckProse("note", o.Note)
}

// pointed is what p points to, or the zero value.
func pointed[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// CheckName refuses what a person cannot read as a name: blank text, and what
// CheckLine refuses. The error is one sentence that names the member.
func CheckName(member, s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New(member + " is blank: expected a text that can be read")
	}
	return CheckLine(member, s)
}

// CheckLine refuses what is no line of text: control characters such as line ends,
// and controls of the direction of writing, which make what follows read as
// something else.
func CheckLine(member, s string) error { return checkText(member, s, "") }

// CheckProse is CheckLine of a text that may have several lines and tabs.
func CheckProse(member, s string) error { return checkText(member, s, "\n\r\t\u2028\u2029") }

func checkText(member, s, allowed string) error {
	for _, r := range s {
		control := unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
		if control && !strings.ContainsRune(allowed, r) {
			return fmt.Errorf("%s %.40q holds U+%04X, a control character: send it without", member, s, r)
		}
	}
	return nil
}
