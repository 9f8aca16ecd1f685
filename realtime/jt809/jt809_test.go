package jt809

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type golden map[string]string

func goldens(t testing.TB) (list []golden) {
	b, err := os.ReadFile("testdata/jt809.tsv")
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	head := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		require.Len(t, fields, len(head), line)
		g := golden{}
		for i, name := range head {
			g[name] = fields[i]
		}
		list = append(list, g)
	}
	require.Len(t, list, 13)
	return list
}

func (g golden) bytes(t testing.TB) []byte {
	b, err := hex.DecodeString(g["hex"])
	require.NoError(t, err)
	return b
}

// ciphers of the encrypted rows, as their column expect says.
var ciphers = map[string]Cipher{
	"2019-1202-encrypted": {56107078, 37382110, 50361430},
	"2011-1001-encrypted": {30000000, 20000000, 20000000},
}

func (g golden) edition() Edition {
	if strings.HasPrefix(g["version"], "2019") {
		return Edition2019
	}
	return Edition2011
}

// reports of a golden row, whatever it is.
func (g golden) reports(t *testing.T) []Report {
	b := g.bytes(t)
	if g["kind"] == "block" {
		v := vehicle{edition: g.edition(), sub: 0x1202, data: b}
		if strings.Contains(g["name"], "1203") {
			v.sub = 0x1203
		}
		list, err := v.reports()
		require.NoError(t, err)
		return list
	}
	f, err := Decode(b)
	require.NoError(t, err)
	require.NoError(t, ciphers[g["name"]].Decrypt(&f, g.edition()))
	list, err := Reports(&f)
	require.NoError(t, err)
	return list
}

func TestGoldenFramesAndBlocks(t *testing.T) {
	read := 0
	for _, g := range goldens(t) {
		t.Run(g["name"], func(t *testing.T) {
			if strings.HasPrefix(g["expect"], "drop") {
				_, err := Decode(g.bytes(t))
				require.ErrorIs(t, err, ErrFrame)
				return
			}
			list := g.reports(t)
			if g["lat"] == "-" {
				require.Empty(t, list)
				return
			}
			at := func(column string, i int) string { return strings.Split(g[column], ";")[i] }
			require.Len(t, list, len(strings.Split(g["lat"], ";")))
			for i, r := range list {
				near := func(column string, got float64) {
					want, err := strconv.ParseFloat(at(column, i), 64)
					require.NoError(t, err)
					require.InDelta(t, want, got, 5e-7, column)
				}
				near("lat", r.Lat)
				near("lon", r.Lon)
				near("speed_kmh", r.Speed*3.6)
				near("direction_deg", r.Course)
				near("alt_m", r.Z)
				require.Equal(t, at("time_utc", i), r.Time.UTC().Format(time.RFC3339))
				require.Equal(t, at("alarm", i), fmt.Sprintf("%08x", r.Alarm))
				require.Equal(t, at("state", i), fmt.Sprintf("%08x", r.State))
				require.Equal(t, at("coord_encrypt", i) == "1", r.Shifted)
				if m := at("mileage_raw", i); m != "-" {
					require.Equal(t, m, strconv.Itoa(int(r.Mileage)))
				}
				read++
			}
		})
	}
	require.GreaterOrEqual(t, read, 10)
}

// The published packet that says where a vehicle was: 114.809933, 25.526799.
func TestGoldenPacket(t *testing.T) {
	for _, g := range goldens(t) {
		if g["name"] != "2011-1202" {
			continue
		}
		r := g.reports(t)[0]
		require.Equal(t, "测A12345", r.Plate)
		require.Equal(t, byte(2), r.PlateColor)
		p := r.Position("vehicles")
		require.Equal(t, "测A12345-2", p.ID)
		require.InDelta(t, 114.809933, p.Lon, 1e-9)
		require.InDelta(t, 25.526799, p.Lat, 1e-9)
		return
	}
	require.Fail(t, "the golden packet is missing")
}

func TestShiftedCoordinatesBecomeWGS84(t *testing.T) {
	p := (&Report{Plate: "测A1", Shifted: true, Lon: 121.531542, Lat: 31.175304}).Position("vehicles")
	require.InDelta(t, 121.527211, p.Lon, 1e-6)
	require.InDelta(t, 31.177428, p.Lat, 1e-6)
	require.Contains(t, string(p.Properties), `"sent":[121.531542,31.175304]`)
}

func TestLoginIsDecrypted(t *testing.T) {
	for _, g := range goldens(t) {
		if g["name"] != "2011-1001-encrypted" {
			continue
		}
		f, err := Decode(g.bytes(t))
		require.NoError(t, err)
		_, err = Reports(&Frame{ID: idUp, Encrypted: true})
		require.ErrorIs(t, err, ErrMalformed)
		require.NoError(t, ciphers[g["name"]].Decrypt(&f, Edition2011))
		require.Equal(t, uint32(256178), f.Key)
		require.Contains(t, string(f.Payload), "20180920")
		require.Contains(t, string(f.Payload), "127.0.0.1")
		return
	}
	require.Fail(t, "the login is missing")
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.bytes(f), g["version"] == "2019")
	}
	f.Fuzz(func(t *testing.T, b []byte, late bool) {
		edition := Edition2011
		if late {
			edition = Edition2019
		}
		for _, sub := range []uint16{0x1202, 0x1203} {
			v := vehicle{edition: edition, sub: sub, data: b}
			list, err := v.reports()
			if err != nil {
				require.ErrorIs(t, err, ErrMalformed)
			}
			for i := range list {
				require.LessOrEqual(t, list[i].Lat, 90.0)
				_ = list[i].Position("vehicles")
			}
		}
		frame, err := Decode(b)
		if err != nil {
			require.ErrorIs(t, err, ErrFrame)
			return
		}
		_ = Cipher{1, 2, 3}.Decrypt(&frame, edition)
		_, _ = Reports(&frame)
	})
}
