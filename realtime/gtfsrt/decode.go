package gtfsrt

import (
	"fmt"
	"math"
	"time"
)

// The bounds of a feed. New York's have 0.2 MB, 460 entities and 60 stops a trip.
const (
	MaxBytes    = 16 << 20
	maxEntities = 50_000
	maxStops    = 1_000 // a trip
	maxAlerted  = 1_000 // trips of an alert
	maxText     = 4 << 10
)

// Feed is one message of a feed. A full one replaces the former.
type Feed struct {
	Version      string
	Differential bool // incrementality 1; 0 is a full dataset
	Time         time.Time
	Trips        []TripUpdate
	Vehicles     []Vehicle
	Alerts       []Alert
}

// Trip names a trip.
type Trip struct {
	ID        string
	Route     string
	StartDate string // YYYYMMDD, of the service day
	Train     string // NYCT: the id that the signals show
	Assigned  bool   // NYCT: a train is at hand
}

// TripUpdate predicts the stops that a trip still has to make.
type TripUpdate struct {
	Entity string
	Trip   Trip
	Stops  []StopTime
}

// StopTime is a predicted stop; times are zero where the feed has none.
type StopTime struct {
	Sequence     int64
	Stop         string // with NYCT: the parent station and N or S
	Arrival      time.Time
	Departure    time.Time
	ArrivalDelay int64  // seconds
	PlannedTrack string // NYCT
	ActualTrack  string // NYCT
}

// Status is how a vehicle stands to its stop.
type Status int8

// The statuses; a feed that names none means in transit.
const (
	IncomingAt Status = iota
	StoppedAt
	InTransitTo
)

// String is the name of GTFS-realtime: INCOMING_AT, STOPPED_AT, IN_TRANSIT_TO.
func (s Status) String() string {
	switch s {
	case IncomingAt:
		return "INCOMING_AT"
	case StoppedAt:
		return "STOPPED_AT"
	}
	return "IN_TRANSIT_TO"
}

// Vehicle is where a trip's vehicle is. NYCT gives no coordinates.
type Vehicle struct {
	Entity      string
	Trip        Trip
	HasPosition bool
	Lon, Lat    float64 // degrees
	Bearing     float64 // degrees clockwise from north; NaN absent
	Speed       float64 // m/s; NaN absent
	Sequence    int64
	Status      Status
	Time        time.Time // NYCT: of the last movement
	Stop        string
	ID, Label   string
}

// Alert tells about trips.
type Alert struct {
	Entity string
	Trips  []Trip
	Header string // of its first language
}

// Decode reads a FeedMessage of at most MaxBytes. Unknown fields are skipped. It
// fails with ErrMalformed.
func Decode(b []byte) (*Feed, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes; at most %d are read", ErrMalformed, len(b), MaxBytes)
	}
	feed := &Feed{}
	entities, header := 0, false
	err := each(b, func(f field) error {
		switch f.number {
		case 1:
			header = true
			return f.inside(feed.header)
		case 2:
			if entities++; entities > maxEntities {
				return fmt.Errorf("%w: more than %d entities", ErrMalformed, maxEntities)
			}
			if err := feed.entity(&f); err != nil {
				return fmt.Errorf("entity %d: %w", entities, err)
			}
		}
		return nil
	})
	if err == nil && !header {
		err = fmt.Errorf("%w: it has no header", ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	return feed, nil
}

func (feed *Feed) header(f field) error {
	switch f.number {
	case 1:
		return f.text(&feed.Version)
	case 2:
		feed.Differential = f.num == 1
	case 3:
		return f.seconds(&feed.Time)
	}
	return nil
}

// latest bounds the times that are read: the year 9999.
const latest = 253402300799

// seconds is a time in seconds since 1970.
func (f *field) seconds(to *time.Time) error {
	var s int64
	if err := f.integer(&s); err != nil {
		return err
	}
	if s < 0 || s > latest {
		return fmt.Errorf("%w: time %d", ErrMalformed, s)
	}
	if s > 0 {
		*to = time.Unix(s, 0).UTC()
	}
	return nil
}

func (feed *Feed) entity(entity *field) error {
	var id string
	var update *TripUpdate
	var vehicle *Vehicle
	var alert *Alert
	err := entity.inside(func(f field) error {
		switch f.number {
		case 1:
			return f.text(&id)
		case 3:
			update = &TripUpdate{}
			return f.inside(update.field)
		case 4:
			vehicle = &Vehicle{Status: InTransitTo, Bearing: math.NaN(), Speed: math.NaN()}
			return f.inside(vehicle.field)
		case 5:
			alert = &Alert{}
			return f.inside(alert.field)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if update != nil {
		update.Entity = id
		feed.Trips = append(feed.Trips, *update)
	}
	if vehicle != nil {
		vehicle.Entity = id
		feed.Vehicles = append(feed.Vehicles, *vehicle)
	}
	if alert != nil {
		alert.Entity = id
		feed.Alerts = append(feed.Alerts, *alert)
	}
	return nil
}

// nyct is the number of New York's extension in every message that has one.
const nyct = 1001

func (t *Trip) field(f field) error {
	switch f.number {
	case 1:
		return f.text(&t.ID)
	case 3:
		return f.text(&t.StartDate)
	case 5:
		return f.text(&t.Route)
	case nyct:
		return f.inside(func(f field) error {
			switch f.number {
			case 1:
				return f.text(&t.Train)
			case 2:
				t.Assigned = f.num != 0
			}
			return nil
		})
	}
	return nil
}

func (u *TripUpdate) field(f field) error {
	switch f.number {
	case 1:
		return f.inside(u.Trip.field)
	case 2:
		if len(u.Stops) >= maxStops {
			return fmt.Errorf("%w: a trip of more than %d stops", ErrMalformed, maxStops)
		}
		var s StopTime
		if err := f.inside(s.field); err != nil {
			return err
		}
		u.Stops = append(u.Stops, s)
	}
	return nil
}

func (s *StopTime) field(f field) error {
	switch f.number {
	case 1:
		return f.integer(&s.Sequence)
	case 2:
		return f.inside(func(f field) error {
			switch f.number {
			case 1:
				return f.integer(&s.ArrivalDelay)
			case 2:
				return f.seconds(&s.Arrival)
			}
			return nil
		})
	case 3:
		return f.inside(func(f field) error {
			if f.number == 2 {
				return f.seconds(&s.Departure)
			}
			return nil
		})
	case 4:
		return f.text(&s.Stop)
	case nyct:
		return f.inside(func(f field) error {
			switch f.number {
			case 1:
				return f.text(&s.PlannedTrack)
			case 2:
				return f.text(&s.ActualTrack)
			}
			return nil
		})
	}
	return nil
}

func (v *Vehicle) field(f field) error {
	switch f.number {
	case 1:
		return f.inside(v.Trip.field)
	case 2:
		v.HasPosition = true
		if err := f.inside(v.position); err != nil {
			return err
		}
		if !(math.Abs(v.Lon) <= 180 && math.Abs(v.Lat) <= 90) {
			v.HasPosition, v.Lon, v.Lat = false, 0, 0
		}
	case 3:
		return f.integer(&v.Sequence)
	case 4:
		if f.wire == varint && f.num <= uint64(InTransitTo) {
			v.Status = Status(f.num)
		}
	case 5:
		return f.seconds(&v.Time)
	case 7:
		return f.text(&v.Stop)
	case 8:
		return f.inside(func(f field) error {
			switch f.number {
			case 1:
				return f.text(&v.ID)
			case 2:
				return f.text(&v.Label)
			}
			return nil
		})
	}
	return nil
}

func (v *Vehicle) position(f field) error {
	switch f.number {
	case 1:
		return f.number32(&v.Lat)
	case 2:
		return f.number32(&v.Lon)
	case 3:
		return f.number32(&v.Bearing)
	case 5:
		return f.number32(&v.Speed)
	}
	return nil
}

func (a *Alert) field(f field) error {
	switch f.number {
	case 5:
		return f.inside(func(f field) error {
			if f.number != 4 {
				return nil
			}
			if len(a.Trips) >= maxAlerted {
				return fmt.Errorf("%w: an alert about more than %d trips", ErrMalformed, maxAlerted)
			}
			var t Trip
			if err := f.inside(t.field); err != nil {
				return err
			}
			a.Trips = append(a.Trips, t)
			return nil
		})
	case 10: // TranslatedString: 1 translation: 1 text
		return f.inside(func(f field) error {
			if f.number != 1 || a.Header != "" {
				return nil
			}
			return f.inside(func(f field) error {
				if f.number == 1 {
					return f.text(&a.Header)
				}
				return nil
			})
		})
	}
	return nil
}
