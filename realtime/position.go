package realtime

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"twind/layers"
)

// Position is one report of where an entity of a live layer is.
//
// NaN stands for an absent Z, Course or Speed: use NewPosition, or set them.
type Position struct {
	Layer layers.ID
	ID    string    // the entity, unique in the layer; see layers.CheckFeatureID
	Time  time.Time // of the source's clock
	Lon   float64   // degrees, −180 to 180
	Lat   float64   // degrees, −90 to 90
	Z     float64   // metres of the layer's vertical datum; NaN absent
	// Course is in degrees clockwise from north, 0 ≤ course < 360; NaN absent.
	Course float64
	Speed  float64 // m/s; NaN absent
	// Properties is a JSON object, or nil to leave what is known of the entity
	// as it is. The hub copies it when it differs from what it holds.
	Properties json.RawMessage
}

// NewPosition makes a position without height, course and speed.
func NewPosition(layer layers.ID, id string, t time.Time, lon, lat float64) Position {
	return Position{Layer: layer, ID: id, Time: t, Lon: lon, Lat: lat, Z: math.NaN(), Course: math.NaN(), Speed: math.NaN()}
}

// Outcome says what became of a position.
type Outcome uint8

// What can become of a position. All but Accepted leave the entity as it was.
const (
	Accepted     Outcome = iota
	Invalid              // something in it cannot be
	UnknownLayer         // no live layer has its name
	Future               // more than 24 h ahead of the server's clock
	Older                // an earlier time than what is known of the entity
	Duplicate            // the same time as what is known of the entity
	Jump                 // faster than the layer allows: held, and counts once the next position agrees
	Full                 // the layer holds as many entities as it may
	numOutcomes
)

var outcomeNames = [numOutcomes]string{"accepted", "invalid", "unknown-layer", "future", "older", "duplicate", "jump", "full"}

// String names the outcome, as in the metrics: accepted, invalid, unknown-layer,
// future, older, duplicate, jump, full.
func (o Outcome) String() string {
	if o < numOutcomes {
		return outcomeNames[o]
	}
	return "unknown"
}

// Refusal says why one position of a batch was not taken.
type Refusal struct {
	Index   int     `json:"index"` // in the batch, from 0
	ID      string  `json:"id"`
	Reason  string  `json:"reason"` // one sentence
	Outcome Outcome `json:"-"`
}

// Result counts what Apply did with a batch.
type Result struct {
	Accepted int
	Refused  []Refusal // by index; the rest were accepted
	// Unrecorded counts those of the accepted that the journal had no room for;
	// JournalError says why.
	Unrecorded   int
	JournalError error
}

// State is how long an entity has been silent, against its layer's Live times.
// The map, the API and alarms share it.
type State uint8

// The states. An entity that is silent for longer than Removed leaves.
const (
	StateLive State = iota
	StateStale
	StateOffline
	numStates
)

var stateNames = [numStates]string{"live", "stale", "offline"}

// String is live, stale or offline.
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return "unknown"
}

// stateGone is after all states: the entity leaves.
const stateGone = numStates

// silences are the silences, in ms, after which an entity is stale, offline and
// gone. They are the one place that decides about states: of entities on every
// map, in the API and in replays, and of datastreams.
type silences struct{ stale, offline, gone int64 }

func silencesOf(l layers.Live) silences {
	return silences{l.Stale.Milliseconds(), l.Offline.Milliseconds(), l.Removed.Milliseconds()}
}

// after is the state after a silence in ms, or stateGone.
func (s silences) after(silence int64) State {
	switch {
	case silence < s.stale:
		return StateLive
	case silence >= s.gone:
		return stateGone
	case silence >= s.offline:
		return StateOffline
	}
	return StateStale
}

// Flag marks what is unusual about an entity's position.
type Flag uint8

// The flags.
const (
	// FlagAhead: the source's clock was 60 s to 24 h ahead; the time is the server's.
	FlagAhead Flag = 1 << iota
	// FlagRollover: the source's clock was 1,024 weeks behind (GPS week rollover) and was corrected.
	FlagRollover
	// FlagLate: when it arrived, the position was older than the silence after which entities leave.
	FlagLate
)

// The rules for times, of research on trackers (Traccar's filters, GPS weeks).
const (
	aheadKept    = 60 * time.Second
	aheadBelow   = 24 * time.Hour
	rolloverAge  = 7078 * 24 * time.Hour
	rolloverStep = 7168 * 24 * time.Hour
	rolloverLate = 56 * 24 * time.Hour // of a corrected time: older ones are not believed
	jumpMetres   = 500                 // shorter ways are never jumps
)

// Clock names what is known of the source's clock: ahead or rollover, late for a
// position that was old on arrival, else ok.
func (f Flag) Clock() string {
	switch {
	case f&FlagAhead != 0:
		return "ahead"
	case f&FlagRollover != 0:
		return "rollover"
	case f&FlagLate != 0:
		return "late"
	}
	return "ok"
}

// unbelieved is what becomes of a position whose time is not believed.
func unbelieved(t, now time.Time) Outcome {
	if t.Before(now) {
		return Invalid
	}
	return Future
}

// sourceTime is when something happened by a source's clock, set right where
// that is known to be wrong, with the flags that say so; reason is why it is not
// believed. A time further back than late is marked FlagLate.
func sourceTime(t, now time.Time, late time.Duration) (at time.Time, flags Flag, reason string) {
	at = t
	if now.Sub(at) > rolloverAge {
		corrected := at.Add(rolloverStep)
		if ahead := corrected.Sub(now); ahead > aheadBelow || -ahead > rolloverLate {
			return at, flags, fmt.Sprintf("time %s is %d years behind the server's clock; set the source's clock", t.UTC().Format(time.RFC3339), int(now.Sub(at).Hours()/24/365.25))
		}
		at, flags = corrected, flags|FlagRollover
	}
	switch ahead := at.Sub(now); {
	case ahead > aheadBelow:
		return at, flags, fmt.Sprintf("time %s is %s ahead of the server's clock; set the source's clock", t.UTC().Format(time.RFC3339), ahead.Round(time.Hour))
	case ahead > aheadKept:
		return now, flags | FlagAhead, ""
	case -ahead > late:
		return at, flags | FlagLate, ""
	}
	return at, flags, ""
}

// BelievedTime is when something happened by a source's clock, by the rules that
// positions and observations have; reason is why it is not believed.
func BelievedTime(t, now time.Time) (at time.Time, reason string) {
	at, _, reason = sourceTime(t, now, lateObservation)
	return at, reason
}

// Defaults of layers.Live, in periods.
const (
	DefaultPeriod  = 10 * time.Second
	stalePeriods   = 3
	offlinePeriods = 10
	removedPeriods = 30
)

// withDefaults fills the zero times of a live layer and puts them in order.
func withDefaults(l layers.Live) layers.Live {
	if l.Period <= 0 {
		l.Period = DefaultPeriod
	}
	if l.Stale <= 0 {
		l.Stale = stalePeriods * l.Period
	}
	if l.Offline <= 0 {
		l.Offline = max(offlinePeriods*l.Period, l.Stale)
	}
	if l.Removed <= 0 {
		l.Removed = max(removedPeriods*l.Period, l.Offline)
	}
	return l
}
