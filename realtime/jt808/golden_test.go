package jt808

import (
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var zone = time.FixedZone("UTC+8", 8*3600)

// golden is a row of testdata/jt808.tsv.
type golden struct {
	name, version, part, expect string
	hex                         []byte
	id                          uint16
	terminal                    string
	columns                     map[string][]string // by name, one a position; nil for "-"
}

func goldens(t testing.TB) (list []golden) {
	b, err := os.ReadFile("testdata/jt808.tsv")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	head := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		require.Len(t, fields, len(head), line)
		row := map[string]string{}
		g := golden{columns: map[string][]string{}}
		for i, name := range head {
			row[name] = fields[i]
			if fields[i] != "-" {
				g.columns[name] = strings.Split(fields[i], ";")
			}
		}
		g.name, g.version, g.part, g.expect, g.terminal = row["name"], row["version"], row["part"], row["expect"], row["phone"]
		g.hex, err = hex.DecodeString(row["hex"])
		require.NoError(t, err)
		id, err := strconv.ParseUint(row["message_id"], 0, 16)
		require.NoError(t, err)
		g.id = uint16(id)
		list = append(list, g)
	}
	require.Len(t, list, 53)
	return list
}

func find(t testing.TB, name string) golden {
	for _, g := range goldens(t) {
		if g.name == name {
			return g
		}
	}
	require.Fail(t, "no golden frame "+name)
	return golden{}
}

func (g golden) decode(t testing.TB) Frame {
	f, err := Decode(append([]byte(nil), g.hex[1:len(g.hex)-1]...))
	require.NoError(t, err, g.name)
	return f
}

func TestGoldenFramesDecodeAndAreWrittenTheSame(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			if strings.HasPrefix(g.expect, "drop frame") {
				_, err := Decode(append([]byte(nil), g.hex[1:len(g.hex)-1]...))
				require.ErrorIs(t, err, ErrFrame)
				return
			}
			f := g.decode(t)
			require.Equal(t, g.id, f.ID)
			require.Equal(t, strings.HasPrefix(g.version, "2019"), f.Edition == 1)
			require.Equal(t, g.columns["serial"][0], strconv.Itoa(int(f.Serial)))
			require.Equal(t, g.terminal, hex.EncodeToString(f.Terminal))
			if g.part != "-" {
				require.Equal(t, g.part, fmt.Sprintf("%d/%d", f.Part, f.Parts))
			}
			require.Equal(t, strings.Contains(g.name, "encrypted"), f.Encrypted)
			if !f.Encrypted {
				require.Equal(t, hex.EncodeToString(g.hex), hex.EncodeToString(f.Append(nil)))
			}
		})
	}
}

// locations of a golden frame, whole ones only.
func locations(t *testing.T, g golden) ([]Location, error) {
	f := g.decode(t)
	if f.ID == idBatch {
		b, err := DecodeBatch(f.Body, zone)
		return b.Locations, err
	}
	l, err := DecodeLocation(f.Body, zone)
	return []Location{l}, err
}

func TestGoldenPositions(t *testing.T) {
	read := 0
	for _, g := range goldens(t) {
		lat := g.columns["lat"]
		if g.id != idPosition && g.id != idBatch || g.part != "-" || lat == nil || g.name == "2019-batch-2" || g.name == "2013-bad-time" {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			list, err := locations(t, g)
			if g.name == "2013-truncated-batch" {
				require.ErrorIs(t, err, ErrMalformed)
			} else {
				require.NoError(t, err)
			}
			require.Len(t, list, len(lat))
			for i, l := range list {
				near := func(column string, got, scale float64) {
					want, err := strconv.ParseFloat(g.columns[column][i], 64)
					require.NoError(t, err)
					require.InDelta(t, want, got*scale, 5e-7, "%s of position %d", column, i)
				}
				near("lat", l.Lat, 1)
				near("lon", l.Lon, 1)
				near("speed_kmh", l.Speed, 3.6)
				near("direction_deg", l.Course, 1)
				near("alt_m", l.Z, 1)
				require.Equal(t, g.columns["time_utc"][i], l.Time.UTC().Format(time.RFC3339))
				require.Equal(t, g.columns["alarm"][i], fmt.Sprintf("%08x", l.Alarm))
				require.Equal(t, g.columns["status"][i], fmt.Sprintf("%08x", l.Status))
				require.Equal(t, strings.HasPrefix(g.expect, "ok base position; item list does not parse"), l.Rest != nil)
				require.Equal(t, g.name != "2013-position-nofix-zero", l.HasPlace())
				require.False(t, math.Signbit(l.Lat) && l.Lat == 0, "no negative zero")
				read++
			}
		})
	}
	require.Greater(t, read, 25, "positions were compared")
}

func TestGoldenPositionsThatCannotBe(t *testing.T) {
	for _, name := range []string{"2019-batch-2", "2013-bad-time"} {
		list, err := locations(t, find(t, name))
		require.ErrorIs(t, err, ErrMalformed, name)
		for _, l := range list {
			require.Zero(t, l.Lon, name)
		}
	}
}

func TestGCJ02IsShiftedBackAndTheSentPairKept(t *testing.T) {
	list, err := locations(t, find(t, "2013-gcj02-flag"))
	require.NoError(t, err)
	p, ok := list[0].Position("vehicles", "139", "", DatumAuto)
	require.True(t, ok)
	require.InDelta(t, 31.177428, p.Lat, 1e-6)
	require.InDelta(t, 121.527211, p.Lon, 1e-6)
	require.Contains(t, string(p.Properties), `"sent":[121.531542,31.175304]`)

	p, _ = list[0].Position("vehicles", "139", "", DatumWGS84)
	require.InDelta(t, 31.175304, p.Lat, 1e-9)
	require.NotContains(t, string(p.Properties), "sent")

	list[0].Status &^= StatusShifted
	p, _ = list[0].Position("vehicles", "139", "", DatumAuto)
	require.InDelta(t, 31.175304, p.Lat, 1e-9)
	p, _ = list[0].Position("vehicles", "139", "", DatumGCJ02)
	require.InDelta(t, 31.177428, p.Lat, 1e-6)
	for _, bad := range []string{"gps", "WGS84 "} {
		_, err := ParseDatum(bad)
		require.Error(t, err)
	}
}

func TestPropertiesOfAPosition(t *testing.T) {
	list, err := locations(t, find(t, "exchange-position-3-overspeed"))
	require.NoError(t, err)
	p, ok := list[0].Position("vehicles", "20232609559", "沪A12345", DatumAuto)
	require.True(t, ok)
	require.JSONEq(t, `{"plate":"沪A12345","acc":true,"fix":true,"alarm":["overspeed"],"odometer":13.8,"fuel":48.2,"signal":8,"satellites":9,"items":{"11":"00","25":"00000000"}}`, string(p.Properties))

	list, err = locations(t, find(t, "2013-position-bad-items"))
	require.NoError(t, err)
	p, _ = list[0].Position("vehicles", "1", "", DatumAuto)
	require.Contains(t, string(p.Properties), `"unread":"`)
}

func TestRegistrationsOfThreeEditions(t *testing.T) {
	zeros := strings.Repeat("0", 22)
	for name, want := range map[string]Registration{
		"2019-register-padding-trailing": {40, 50, "1234", "smallchi123", "CHI123", 1, "粤A12345"},
		"2019-register-padding-leading":  {0, 0, "000Koike002", zeros + "Koike002", zeros + "Koike002", 2, "粤A12346"},
		"2013-register-2011-body":        {44, 303, "70111", "BSJ-M7B", "0000000", 1, "粤B88888"},
		"2013-register":                  {0, 0, "70107", "HB-R03GBD", "2366104", 2, "苏BA6860"},
	} {
		f := find(t, name).decode(t)
		r, err := DecodeRegistration(f.Body, f.Edition)
		require.NoError(t, err, name)
		require.Equal(t, want, r, name)
	}
	for _, edition := range []byte{0, 1} {
		for n := range 20 {
			_, err := DecodeRegistration(make([]byte, n), edition)
			require.ErrorIs(t, err, ErrMalformed)
		}
	}
	f := find(t, "exchange-auth").decode(t)
	a, err := DecodeAuthentication(f.Body, f.Edition)
	require.NoError(t, err)
	require.Equal(t, Authentication{"20232609559", "imei000003", "1.0.2"}, a)
	f = find(t, "2013-auth").decode(t)
	a, err = DecodeAuthentication(f.Body, f.Edition)
	require.NoError(t, err)
	require.Equal(t, "authentication", a.Token)
	_, err = DecodeAuthentication([]byte{200, 1}, 1)
	require.ErrorIs(t, err, ErrMalformed)
}
