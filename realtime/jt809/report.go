package jt809

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"twind/layers"
	"twind/realtime"
	"twind/spatial/crs"
)

// The messages that carry positions, and their parts.
const (
	idUp    = 0x1200
	idDown  = 0x9200
	subOne  = 0x02
	subMany = 0x03
)

// Report is one vehicle's position.
type Report struct {
	Plate      string // such as 测A12345
	PlateColor byte
	Shifted    bool    // the coordinates went through the state's plug-in: GCJ-02
	Lon, Lat   float64 // degrees as sent
	Z          float64 // metres
	Speed      float64 // m/s, by satellite
	Course     float64 // degrees clockwise from north, 0 ≤ course < 360
	Time       time.Time
	Mileage    uint32 // as sent; kilometres by the text, which it cannot be
	Alarm      uint32 // bits of JT/T 808
	State      uint32 // bits of JT/T 808; its bits 2 and 3 are the hemispheres
}

// zone is that of the standard's clocks.
var zone = time.FixedZone("UTC+8", 8*3600)

// Reports reads the positions of messages 1202, 1203, 9202 and 9203; other
// messages hold none. Which edition the frame follows is found by its lengths.
// It fails with ErrMalformed, with the reports before the fault.
func Reports(f *Frame) ([]Report, error) {
	if f.ID != idUp && f.ID != idDown {
		return nil, nil
	}
	if f.Encrypted {
		return nil, fmt.Errorf("%w: the body is encrypted", ErrMalformed)
	}
	for _, e := range []Edition{Edition2011, Edition2019} {
		if v, ok := vehicleOf(f.Payload, e); ok {
			return v.reports()
		}
	}
	return nil, fmt.Errorf("%w: the length of its data fits no edition", ErrMalformed)
}

// vehicle is the part that all messages of one vehicle have in common.
type vehicle struct {
	edition Edition
	plate   string
	color   byte
	sub     uint16
	data    []byte
}

func vehicleOf(b []byte, e Edition) (v vehicle, ok bool) {
	if e == Edition2019 {
		if len(b) < 8 {
			return v, false
		}
		b = b[8:]
	}
	if len(b) < 28 || int64(binary.BigEndian.Uint32(b[24:])) != int64(len(b)-28) {
		return v, false
	}
	return vehicle{e, text(b[:21]), b[21], binary.BigEndian.Uint16(b[22:]), b[28:]}, true
}

func (v *vehicle) reports() ([]Report, error) {
	switch byte(v.sub) {
	case subOne:
		r, _, err := v.report(v.data)
		if err != nil || r == nil {
			return nil, err
		}
		return []Report{*r}, nil
	case subMany:
		return v.many()
	}
	return nil, nil
}

// many reads the positions of message 1203: their number and so many of them.
func (v *vehicle) many() (list []Report, err error) {
	if len(v.data) < 1 {
		return nil, fmt.Errorf("%w: no number of positions", ErrMalformed)
	}
	rest := v.data[1:]
	for i := range int(v.data[0]) {
		r, after, err := v.report(rest)
		if err != nil {
			return list, fmt.Errorf("position %d of %d: %w", i+1, v.data[0], err)
		}
		if r != nil {
			list = append(list, *r)
		}
		rest = after
	}
	return list, nil
}

// report reads one position; nil when it holds none. rest is what follows.
func (v *vehicle) report(b []byte) (r *Report, rest []byte, err error) {
	if v.edition == Edition2011 {
		return v.block2011(b)
	}
	return v.block2019(b)
}

const (
	size2011 = 36
	tail2019 = 3 * (11 + 4) // three platforms with their alarms
)

func (v *vehicle) block2011(b []byte) (*Report, []byte, error) {
	if len(b) < size2011 {
		return nil, nil, fmt.Errorf("%w: a position of %d bytes, %d are needed", ErrMalformed, len(b), size2011)
	}
	r, err := v.fields2011(b[0] == 1, b[1:size2011])
	return r, b[size2011:], err
}

// fields2011 reads the 35 bytes after the flag of the plug-in.
func (v *vehicle) fields2011(shifted bool, b []byte) (*Report, error) {
	u16, u32 := binary.BigEndian.Uint16, binary.BigEndian.Uint32
	t := time.Date(int(u16(b[2:])), time.Month(b[1]), int(b[0]), int(b[4]), int(b[5]), int(b[6]), 0, zone)
	if t.Day() != int(b[0]) || int(t.Month()) != int(b[1]) || b[4] > 23 || b[5] > 59 || b[6] > 59 {
		return nil, fmt.Errorf("%w: the time %d-%d-%d %d:%d:%d does not exist", ErrMalformed, u16(b[2:]), b[1], b[0], b[4], b[5], b[6])
	}
	r := &Report{
		Plate: v.plate, PlateColor: v.color, Shifted: shifted, Time: t,
		Lon: float64(u32(b[7:])) / 1e6, Lat: float64(u32(b[11:])) / 1e6,
		Speed: float64(u16(b[15:])) / 3.6, Mileage: u32(b[19:]), Course: float64(u16(b[23:]) % 360), Z: float64(int16(u16(b[25:]))),
		State: u32(b[27:]), Alarm: u32(b[31:]),
	}
	return r, r.sign()
}

func (v *vehicle) block2019(b []byte) (*Report, []byte, error) {
	if len(b) < 5 || int64(len(b)) < 5+int64(binary.BigEndian.Uint32(b[1:]))+tail2019 {
		return nil, nil, fmt.Errorf("%w: a position of %d bytes is cut off", ErrMalformed, len(b))
	}
	n := int(binary.BigEndian.Uint32(b[1:]))
	gnss, rest := b[5:5+n], b[5+n+tail2019:]
	shifted := b[0] == 1
	switch {
	case n == 0:
		return nil, rest, nil
	case n == size2011-1: // seen in the field: the block of 2011 in the frame of 2019
		r, err := v.fields2011(shifted, gnss)
		return r, rest, err
	case n < 28:
		return nil, nil, fmt.Errorf("%w: a position of %d bytes, 28 are needed", ErrMalformed, n)
	}
	r, err := v.fields2019(shifted, gnss)
	return r, rest, err
}

// fields2019 reads the body of message 0200 of JT/T 808.
func (v *vehicle) fields2019(shifted bool, b []byte) (*Report, error) {
	u16, u32 := binary.BigEndian.Uint16, binary.BigEndian.Uint32
	t, err := time.ParseInLocation("060102150405", fmt.Sprintf("%x", b[22:28]), zone)
	if err != nil {
		return nil, fmt.Errorf("%w: the time %x does not exist", ErrMalformed, b[22:28])
	}
	r := &Report{
		Plate: v.plate, PlateColor: v.color, Shifted: shifted, Time: t, Alarm: u32(b), State: u32(b[4:]),
		Lat: float64(u32(b[8:])) / 1e6, Lon: float64(u32(b[12:])) / 1e6,
		Z: float64(int16(u16(b[16:]))), Speed: float64(u16(b[18:])) / 36, Course: float64(u16(b[20:]) % 360),
	}
	return r, r.sign()
}

// sign applies the hemispheres.
func (r *Report) sign() error {
	if r.Lat > 90 || r.Lon > 180 {
		return fmt.Errorf("%w: latitude %v, longitude %v", ErrMalformed, r.Lat, r.Lon)
	}
	if r.State&(1<<2) != 0 && r.Lat != 0 {
		r.Lat = -r.Lat
	}
	if r.State&(1<<3) != 0 && r.Lon != 0 {
		r.Lon = -r.Lon
	}
	return nil
}

// Position makes a position of a live layer, in WGS 84; vehicles are told apart
// by plate and colour.
func (r *Report) Position(layer layers.ID) realtime.Position {
	lon, lat := r.Lon, r.Lat
	props := map[string]any{"plate": r.Plate, "plateColor": r.PlateColor, "alarm": r.Alarm, "state": r.State}
	if r.Shifted {
		props["sent"] = []float64{lon, lat}
		lon, lat = crs.GCJ02ToWGS84(lon, lat)
	}
	p := realtime.NewPosition(layer, fmt.Sprintf("%s-%d", r.Plate, r.PlateColor), r.Time, lon, lat)
	p.Z, p.Speed, p.Course = r.Z, r.Speed, r.Course
	p.Properties, _ = json.Marshal(props) // which cannot fail
	return p
}

// text reads GBK before zeros.
func text(b []byte) string {
	b = bytes.Trim(b, "\x00 ")
	s, err := simplifiedchinese.GBK.NewDecoder().Bytes(b)
	if err != nil {
		s = b
	}
	return strings.ToValidUTF8(string(s), "�")
}
