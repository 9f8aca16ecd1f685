package jt808

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"twind/layers"
	"twind/realtime"
	"twind/spatial/crs"
)

// Datum says in which coordinates a terminal reports.
type Datum string

// The data.
const (
	DatumAuto  Datum = "auto"  // GCJ-02 where status bit 5 says so, else WGS 84
	DatumWGS84 Datum = "wgs84" // always
	DatumGCJ02 Datum = "gcj02" // always
)

// alarmNames are the bits of Location.Alarm (JT/T 808-2019, table 24).
var alarmNames = [32]string{
	"sos", "overspeed", "fatigue", "danger", "gnss-fault", "antenna-cut", "antenna-short", "supply-low", "supply-lost",
	"display-fault", "speech-fault", "camera-fault", "card-reader-fault", "overspeed-warning", "fatigue-warning",
	"illegal-driving", "tyre-warning", "right-blind-side", "driving-time", "parking-time", "area", "route", "section-time",
	"off-route", "speed-sensor-fault", "fuel", "stolen", "ignition", "moved", "collision", "rollover", "door",
}

// properties are what a position says besides where and when.
type properties struct {
	Plate      string            `json:"plate,omitempty"`
	ACC        bool              `json:"acc"`
	Fix        bool              `json:"fix"`
	Alarm      []string          `json:"alarm,omitempty"`
	Odometer   *float64          `json:"odometer,omitempty"` // km
	Fuel       *float64          `json:"fuel,omitempty"`     // l
	Signal     *uint8            `json:"signal,omitempty"`
	Satellites *uint8            `json:"satellites,omitempty"`
	Sent       *[2]float64       `json:"sent,omitempty"`   // the pair as sent, where it was GCJ-02
	Items      map[string]string `json:"items,omitempty"`  // by id, both hexadecimal, what is not read here
	Unread     string            `json:"unread,omitempty"` // the rest of a list of items that breaks off
}

// Position makes a position of a layer of the report of a terminal. plate may be
// empty. It reports false when the report does not say where the terminal is.
func (l *Location) Position(layer layers.ID, id, plate string, datum Datum) (p realtime.Position, ok bool) {
	if !l.HasPlace() {
		return p, false
	}
	props := properties{Plate: plate, ACC: l.Status&StatusACC != 0, Fix: l.Status&StatusFix != 0, Unread: hex.EncodeToString(l.Rest)}
	lon, lat := l.Lon, l.Lat
	if datum == DatumGCJ02 || datum != DatumWGS84 && l.Status&StatusShifted != 0 {
		props.Sent = &[2]float64{lon, lat}
		lon, lat = crs.GCJ02ToWGS84(lon, lat)
	}
	for bit, name := range alarmNames {
		if l.Alarm>>bit&1 != 0 {
			props.Alarm = append(props.Alarm, name)
		}
	}
	for _, i := range l.Items {
		props.item(i)
	}
	p = realtime.NewPosition(layer, id, l.Time, lon, lat)
	p.Z, p.Speed, p.Course = l.Z, l.Speed, l.Course
	p.Properties, _ = json.Marshal(props) // which cannot fail: numbers are finite
	return p, true
}

func (p *properties) item(i Item) {
	switch {
	case i.ID == 0x01 && len(i.Value) == 4:
		v := float64(binary.BigEndian.Uint32(i.Value)) / 10
		p.Odometer = &v
	case i.ID == 0x02 && len(i.Value) == 2 && i.Value[0]&0x80 == 0: // with bit 15 another unit
		v := float64(binary.BigEndian.Uint16(i.Value)) / 10
		p.Fuel = &v
	case i.ID == 0x30 && len(i.Value) == 1:
		p.Signal = &i.Value[0]
	case i.ID == 0x31 && len(i.Value) == 1:
		p.Satellites = &i.Value[0]
	default:
		if p.Items == nil {
			p.Items = map[string]string{}
		}
		p.Items[fmt.Sprintf("%02x", i.ID)] = hex.EncodeToString(i.Value)
	}
}

// ParseDatum reads auto, wgs84 or gcj02; "" is auto. It fails with
// layers.ErrInvalid.
func ParseDatum(s string) (Datum, error) {
	switch d := Datum(s); d {
	case "":
		return DatumAuto, nil
	case DatumAuto, DatumWGS84, DatumGCJ02:
		return d, nil
	}
	return "", layers.Errorf(layers.ErrInvalid, "datum %s: expected auto, wgs84 or gcj02", strconv.Quote(s))
}
