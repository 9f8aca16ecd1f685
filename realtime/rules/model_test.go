package rules_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/realtime/rules"
	"twind/spatial/geodesic"
)

// modelFence is a fence of the model: a circle measured along the geodesic, or a
// rectangle measured by clamping.
type modelFence struct {
	id                   string
	lon, lat, radius     float64 // of a circle
	box                  [4]float64
	margin, delay, dwell float64
	limit, slower        float64
}

func (m *modelFence) rule() string {
	area := fmt.Sprintf(`{"circle":{"center":[%v,%v],"radius":%v}}`, m.lon, m.lat, m.radius)
	if m.radius == 0 {
		b := m.box
		area = fmt.Sprintf(`{"polygon":{"type":"Polygon","coordinates":[[[%[1]v,%[2]v],[%[3]v,%[2]v],[%[3]v,%[4]v],[%[1]v,%[4]v],[%[1]v,%[2]v]]]}}`, b[0], b[1], b[2], b[3])
	}
	return fmt.Sprintf(`{"kind":"fence","quiet":true,"layer":"vehicles","area":%s,"events":["enter","leave","stay","speed"],"margin":%v,"delay":%v,"dwell":%v,"speedLimit":%v,"speedMargin":%v}`,
		area, m.margin, m.delay, m.dwell, m.limit, m.slower)
}

// outside is how far outside a place is, in metres.
func (m *modelFence) outside(lon, lat float64) float64 {
	if m.radius > 0 {
		return max(0, geodesic.Distance(m.lon, m.lat, lon, lat)-m.radius)
	}
	return geodesic.Distance(lon, lat, min(max(lon, m.box[0]), m.box[2]), min(max(lat, m.box[1]), m.box[3]))
}

// near tells whether a place is so near to a decision that rounding may decide.
func (m *modelFence) near(lon, lat float64) bool {
	d := m.outside(lon, lat)
	if m.radius > 0 {
		d = geodesic.Distance(m.lon, m.lat, lon, lat) - m.radius
	}
	return d != 0 && math.Abs(d) < 0.5 || m.margin > 0 && math.Abs(d-m.margin) < 0.5
}

// outcomes says, from all positions of one entity, what happens at a fence: by
// the definitions, looking back at every position anew.
func (m *modelFence) outcomes(track []realtime.Believed) (out []string) {
	say := func(b *realtime.Believed, o rules.Outcome) {
		out = append(out, fmt.Sprintf("%d %s %s %s", b.Time, b.ID, m.id, o))
	}
	inside, stayed, speeding := false, false, false
	var since int64
	began := 0 // what is before counts no more
	for i := range track {
		b := &track[i]
		// The longest run up to here in which it was on the other side all the time.
		k := i
		for k >= began && m.otherSide(inside, &track[k]) {
			k--
		}
		if k < i && b.Time-track[k+1].Time >= int64(m.delay*1000) {
			inside = !inside
			if began = i + 1; inside {
				say(b, rules.Enter)
				since, stayed, speeding = track[k+1].Time, false, false
			} else {
				say(b, rules.Leave)
			}
		}
		if !inside {
			continue
		}
		if !stayed && b.Time-since >= int64(m.dwell*1000) {
			stayed = true
			say(b, rules.Stay)
		}
		if !speeding && b.Speed > m.limit {
			speeding = true
			say(b, rules.Speed)
		}
		if b.Speed <= m.limit-m.slower {
			speeding = false
		}
	}
	return out
}

func (m *modelFence) otherSide(inside bool, b *realtime.Believed) bool {
	d := m.outside(b.Lon, b.Lat)
	if inside {
		return d > m.margin
	}
	return d == 0
}

// TestFencesAgainstAModel compares random walks at random fences with what the
// definitions say.
func TestFencesAgainstAModel(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 4))
		p := open(t, nil)
		// A city, the 180th meridian, the south, the north.
		lon0, lat0 := []float64{113.3, 179.999, -58.4, 25.0}[seed], []float64{23.1, 0.2, -34.6, 65.0}[seed]
		var fences []*modelFence
		for i := range 40 {
			m := &modelFence{
				id: fmt.Sprintf("f%02d", i), lon: wrap(lon0 + r.Float64()*0.03), lat: lat0 + r.Float64()*0.02,
				margin: float64(r.IntN(3)) * 60, delay: float64(r.IntN(3)) * 4, dwell: float64(5 + r.IntN(60)), limit: 10, slower: 3,
			}
			if m.radius = 100 + r.Float64()*500; i%2 == 1 && seed != 1 {
				m.radius, m.box = 0, [4]float64{m.lon, m.lat, m.lon + 0.002 + r.Float64()*0.006, m.lat + 0.002 + r.Float64()*0.004}
			}
			fences = append(fences, m)
			p.put(m.id, m.rule())
		}
		tracks := walk(r, lon0, lat0, fences)
		for i := range tracks[0] { // second by second, all entities in one batch
			var batch []realtime.Believed
			for _, track := range tracks {
				batch = append(batch, track[i])
			}
			p.rules.Positions("vehicles", batch)
			if i%20 == 19 {
				p.settle() // there is room for all
			}
		}
		p.settle()
		var want, got []string
		for _, track := range tracks {
			for _, m := range fences {
				want = append(want, m.outcomes(track)...)
			}
		}
		for _, e := range p.events() {
			var d rules.Evidence
			require.NoError(t, json.Unmarshal(e.Data, &d))
			got = append(got, fmt.Sprintf("%d %s %s %s", e.Time, e.Entity, d.Rule, d.Outcome))
		}
		require.True(t, slices.IsSortedFunc(p.events(), func(a, b realtime.Event) int { return int(a.Time - b.Time) }))
		sort.Strings(want)
		sort.Strings(got)
		require.Equal(t, want, got, "seed %d", seed)
		require.Greater(t, len(want), 100)
		p.stop()
	}
}

func wrap(lon float64) float64 {
	if lon > 180 {
		return lon - 360
	}
	return lon
}

// walk makes random walks that keep off the places where rounding decides.
func walk(r *rand.Rand, lon0, lat0 float64, fences []*modelFence) [][]realtime.Believed {
	tracks := make([][]realtime.Believed, 10)
	for k := range tracks {
		lon, lat, heading := lon0+r.Float64()*0.03, lat0+r.Float64()*0.02, r.Float64()*6
		for s := range 250 {
			for {
				heading += r.Float64() - 0.5
				sin, cos := math.Sincos(heading)
				x, y := lon+sin*0.0004, lat+cos*0.0003
				if x < lon0-0.01 || x > lon0+0.04 || y < lat0-0.01 || y > lat0+0.03 {
					heading += 2
					continue
				}
				if !slices.ContainsFunc(fences, func(m *modelFence) bool { return m.near(wrap(x), y) }) {
					lon, lat = x, y
					break
				}
			}
			ms := noon.UnixMilli() + int64(s)*1000
			tracks[k] = append(tracks[k], realtime.Believed{ID: fmt.Sprint("v", k), Time: ms, Received: ms, Lon: wrap(lon), Lat: lat, Speed: float64(r.IntN(14))})
		}
	}
	return tracks
}
