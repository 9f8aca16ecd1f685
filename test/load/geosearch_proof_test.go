//go:build proof

package load

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/redistest"
	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

// ownCPU is what this process has used, user and system.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// question is one search: its place in degrees.
type question struct{ lon, lat float64 }

// BenchmarkGEOSEARCH asks 100,000 vehicles, all of which move between the rounds,
// for the ten nearest within a kilometre and for those in a box of a kilometre,
// and a redis-server for the same: its CPU per question to ours. Ours is the
// hub's in this process, the answers written out as redis does, without a
// socket; redis gets a hundred questions at a time, which spares it most of its.
func BenchmarkGEOSEARCH(b *testing.B) {
	for _, kind := range []string{"nearest10", "box1km"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				geosearch(b, kind == "box1km")
			}
		})
	}
}

func geosearch(b *testing.B, box bool) {
	const rounds, perRound = 5, 4000
	rng := rand.New(rand.NewPCG(1, 1))
	f := newFleet(entities, rng)
	peer := redistest.Start(b)
	hub := realtime.New(realtime.Options{})
	require.NoError(b, hub.AddLayer(layers.Layer{ID: "vehicles", Kind: layers.KindVehicle, GeometryType: spatial.Point, CRS: 4326, MaxZoom: 16, Live: &layers.Live{}}))
	questions := make([]question, perRound)
	var ours, theirs time.Duration
	found, peerFound := 0, 0
	var asking asker
	now := time.Now().Add(-time.Minute)
	for range rounds {
		now = now.Add(time.Second)
		move(b, f, hub, peer, now, rng)
		for i := range questions {
			questions[i] = question{centreLon + (rng.Float64()-.5)*degLon*.95, centreLat + (rng.Float64()-.5)*degLat*.95}
		}
		start := ownCPU()
		for _, q := range questions {
			found += asking.ask(b, hub, q, box)
		}
		ours += ownCPU() - start
		before := cpuOf(b, peer.PID)
		for i := 0; i < perRound; i += 100 {
			for _, q := range questions[i : i+100] {
				askRedis(peer, q, box)
			}
			peerFound += peer.Send(b, 100)
		}
		theirs += cpuOf(b, peer.PID) - before
	}
	require.InEpsilon(b, peerFound, found, .01, "both find the same")
	n := float64(rounds * perRound)
	b.ReportMetric(float64(ours.Microseconds())/n, "µs-CPU")
	b.ReportMetric(float64(theirs.Microseconds())/n, "redis-µs-CPU")
	b.ReportMetric(float64(theirs)/float64(ours), "×less-CPU")
	b.ReportMetric(float64(found)/n, "found")
	b.ReportMetric(loadAverage(b), "load")
	b.ReportMetric(0, "ns/op")
}

// move drives all vehicles for a second and tells both.
func move(b *testing.B, f *fleet, hub *realtime.Hub, peer *redistest.Server, now time.Time, rng *rand.Rand) {
	ps := make([]realtime.Position, 0, batch)
	for from := 0; from < entities; from += batch {
		f.drive(from, from+batch, rng)
		ps = ps[:0]
		for i := from; i < from+batch; i++ {
			id := "vehicle-" + strconv.Itoa(i)
			ps = append(ps, realtime.NewPosition("vehicles", id, now, f.lon[i], f.lat[i]))
			peer.Command("GEOADD", "vehicles", decimal(f.lon[i]), decimal(f.lat[i]), id)
		}
		r, err := hub.Apply(context.Background(), ps)
		require.NoError(b, err)
		require.Equal(b, batch, r.Accepted)
		peer.Send(b, batch)
	}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 7, 64) }

func askRedis(peer *redistest.Server, q question, box bool) {
	if box {
		peer.Command("GEOSEARCH", "vehicles", "FROMLONLAT", decimal(q.lon), decimal(q.lat), "BYBOX", "1", "1", "km", "WITHCOORD")
		return
	}
	peer.Command("GEOSEARCH", "vehicles", "FROMLONLAT", decimal(q.lon), decimal(q.lat), "BYRADIUS", "1", "km", "ASC", "COUNT", "10", "WITHCOORD", "WITHDIST")
}

// asker asks the same of the hub.
type asker struct {
	entities []realtime.Entity
	near     []realtime.Neighbour
	answer   []byte
}

// ask writes the answer as text and tells how many were found.
func (a *asker) ask(b *testing.B, hub *realtime.Hub, q question, box bool) int {
	var err error
	a.answer = a.answer[:0]
	if box {
		const halfLon, halfLat = .5 / 84.3, .5 / 111.2 // of a kilometre at 40.7°, degrees
		a.entities, err = hub.AppendBox(a.entities[:0], "vehicles", spatial.Envelope{MinX: q.lon - halfLon, MinY: q.lat - halfLat, MaxX: q.lon + halfLon, MaxY: q.lat + halfLat})
		require.NoError(b, err)
		for i := range a.entities {
			e := &a.entities[i]
			a.answer = appendPlace(a.answer, e.ID, e.Lon, e.Lat)
		}
		return len(a.entities)
	}
	a.near, err = hub.AppendNearest(a.near[:0], "vehicles", realtime.Near{Lon: q.lon, Lat: q.lat, K: 10, MaxMetres: 1000})
	require.NoError(b, err)
	for i := range a.near {
		n := &a.near[i]
		a.answer = appendPlace(a.answer, n.ID, n.Lon, n.Lat)
		a.answer = appendFixed(a.answer, n.Metres, 4)
	}
	return len(a.near)
}

func appendPlace(b []byte, id string, lon, lat float64) []byte {
	b = append(append(b, id...), ' ')
	b = append(appendFixed(b, lon, 7), ' ')
	return append(appendFixed(b, lat, 7), '\n')
}

// appendFixed appends a number with so many decimals.
func appendFixed(b []byte, v float64, decimals int) []byte {
	scale := int64(1)
	for range decimals {
		scale *= 10
	}
	n := int64(math.Round(v * float64(scale)))
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = append(strconv.AppendInt(b, n/scale, 10), '.')
	for rest, place := n%scale, scale/10; place > 0; place /= 10 {
		b = append(b, byte('0'+rest/place%10))
	}
	return b
}
