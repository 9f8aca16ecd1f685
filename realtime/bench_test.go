package realtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/wire"
	"twind/spatial"
)

// The city of the benchmarks: 60 × 60 km.
const (
	benchLon, benchLat     = -74.0, 40.7
	benchWidth, benchDepth = 0.71, 0.54 // degrees
)

func fleet(n int, now time.Time, rng *rand.Rand) []realtime.Position {
	ps := make([]realtime.Position, n)
	for i := range ps {
		ps[i] = realtime.NewPosition("vehicles", "vehicle-"+strconv.Itoa(i), now, benchLon+(rng.Float64()-.5)*benchWidth, benchLat+(rng.Float64()-.5)*benchDepth)
		ps[i].Course, ps[i].Speed = rng.Float64()*360, rng.Float64()*20
		ps[i].Properties = []byte(`{"line":"` + strconv.Itoa(i%20) + `","load":` + strconv.Itoa(i%7) + `}`)
	}
	return ps
}

// drive moves every k-th vehicle from i on by about 10 m.
func drive(ps []realtime.Position, i, k int, now time.Time, rng *rand.Rand) []realtime.Position {
	var moved []realtime.Position
	for ; i < len(ps); i += k {
		ps[i].Time = now
		ps[i].Lon += (rng.Float64() - .5) * 2.4e-4
		ps[i].Lat += (rng.Float64() - .5) * 1.8e-4
		moved = append(moved, ps[i])
	}
	return moved
}

// BenchmarkApply is a batch of 1,000 positions of 100,000 entities, decoded already.
func BenchmarkApply(b *testing.B) {
	clk := newClock()
	hub := realtime.New(realtime.Options{Now: clk.now})
	require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	rng := rand.New(rand.NewPCG(1, 1))
	ps := fleet(100_000, clk.t, rng)
	_, err := hub.Apply(context.Background(), ps)
	require.NoError(b, err)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i%100 == 0 {
			clk.t = clk.t.Add(time.Second)
		}
		batch := ps[i%100*1000:][:1000]
		for k := range batch {
			batch[k].Time = clk.t
			batch[k].Lon += 1e-4 * (rng.Float64() - .5)
		}
		if r, _ := hub.Apply(context.Background(), batch); r.Accepted != 1000 {
			b.Fatal(r.Refused)
		}
		i++
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "positions/s")
}

// BenchmarkIngestJSON is the same from the bytes of a request.
func BenchmarkIngestJSON(b *testing.B) {
	clk := newClock()
	hub := realtime.New(realtime.Options{Now: clk.now})
	require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	rng := rand.New(rand.NewPCG(1, 1))
	ps := fleet(100_000, clk.t, rng)
	_, err := hub.Apply(context.Background(), ps)
	require.NoError(b, err)
	body := func(round int) []byte {
		var buf bytes.Buffer
		buf.WriteByte('[')
		for i := range 1000 {
			p := &ps[i]
			if i > 0 {
				buf.WriteByte(',')
			}
			fmt.Fprintf(&buf, `{"layer":"vehicles","id":%q,"time":%q,"lon":%.6f,"lat":%.6f,"course":%.1f,"speed":%.1f,"properties":%s}`,
				p.ID, clk.t.Add(time.Duration(round)*time.Second).Format(time.RFC3339), p.Lon+float64(round)*1e-5, p.Lat, p.Course, p.Speed, p.Properties)
		}
		buf.WriteByte(']')
		return buf.Bytes()
	}
	bodies := make([][]byte, 50)
	for i := range bodies {
		bodies[i] = body(i + 1)
	}
	b.SetBytes(int64(len(bodies[0])))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if n%len(bodies) == 0 {
			b.StopTimer() // start the same bodies over with entities that are new again
			require.NoError(b, hub.RemoveLayer("vehicles"))
			require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
			_, _ = hub.Apply(context.Background(), ps)
			b.StartTimer()
		}
		accepted := ingest(b, hub, bodies[n%len(bodies)])
		if accepted != 1000 {
			b.Fatal(accepted)
		}
		n++
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "positions/s")
}

// ingest does with a body what PositionsHandler does.
func ingest(b *testing.B, hub *realtime.Hub, body []byte) (accepted int) {
	r := realtime.NewReader(bytes.NewReader(body), false)
	batch := make([]realtime.Position, 0, 512)
	var props []byte
	flush := func() {
		result, err := hub.Apply(context.Background(), batch)
		if err != nil {
			b.Fatal(err)
		}
		accepted += result.Accepted
		batch, props = batch[:0], props[:0]
	}
	for {
		var p realtime.Position
		if _, err := r.Next(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			b.Fatal(err)
		}
		start := len(props)
		props = append(props, p.Properties...)
		p.Properties = props[start:len(props):len(props)]
		if batch = append(batch, p); len(batch) == 512 {
			flush()
		}
	}
	flush()
	return accepted
}

// BenchmarkTick is one tick of 5 Hz with 100,000 entities at 1 Hz and 1,000
// viewers of 5 × 4 km, a tenth of them in one place: ageing, encoding, and
// finding each viewer's frames, but no sockets.
func BenchmarkTick(b *testing.B) {
	for _, format := range []string{"binary", "json"} {
		b.Run(format, func(b *testing.B) {
			clk := newClock()
			hub := realtime.New(realtime.Options{Now: clk.now, Codec: wire.NewCodec()})
			require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
			rng := rand.New(rand.NewPCG(1, 1))
			ps := fleet(100_000, clk.t, rng)
			_, err := hub.Apply(context.Background(), ps)
			require.NoError(b, err)
			viewers := make([]*realtime.Viewer, 1000)
			for i := range viewers {
				v, err := hub.Attach(format == "json")
				require.NoError(b, err)
				defer v.Close()
				v.Take()
				lon, lat := benchLon+(rng.Float64()-.5)*benchWidth*.9, benchLat+(rng.Float64()-.5)*benchDepth*.9
				if i%10 == 0 {
					lon, lat = benchLon, benchLat
				}
				_, _, err = v.Subscribe(realtime.Subscription{BBox: realtime.BBox{lon - 0.0295, lat - 0.018, lon + 0.0295, lat + 0.018}, Zoom: 14, Layers: []layers.ID{"vehicles"}})
				require.NoError(b, err)
				viewers[i] = v
			}
			serve := func() (bytes int) {
				for _, v := range viewers {
					v.Ready()
				}
				hub.Tick()
				for _, v := range viewers {
					if batch := v.Take(); batch != nil {
						for _, f := range batch.Frames {
							bytes += len(f)
						}
					}
				}
				return bytes
			}
			serve() // keyframes
			b.ReportAllocs()
			total, n := 0, 0
			for b.Loop() {
				b.StopTimer()
				clk.t = clk.t.Add(200 * time.Millisecond)
				moved := drive(ps, n%5, 5, clk.t, rng)
				_, err := hub.Apply(context.Background(), moved)
				require.NoError(b, err)
				n++
				b.StartTimer()
				total += serve()
			}
			b.ReportMetric(float64(total)/float64(b.N)/1000, "B/viewer")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/viewer")
		})
	}
}

// BenchmarkKeyframe is what one viewer of all 100,000 entities costs at first.
func BenchmarkKeyframe(b *testing.B) {
	clk := newClock()
	hub := realtime.New(realtime.Options{Now: clk.now, Codec: wire.NewCodec()})
	require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	_, err := hub.Apply(context.Background(), fleet(100_000, clk.t, rand.New(rand.NewPCG(1, 1))))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		v, err := hub.Attach(false)
		require.NoError(b, err)
		v.Take()
		_, _, err = v.Subscribe(realtime.Subscription{BBox: realtime.BBox{-180, -90, 180, 90}, Layers: []layers.ID{"vehicles"}, MaxEntities: -1})
		require.NoError(b, err)
		v.Ready()
		hub.Tick()
		b.SetBytes(int64(len(v.Take().AppendMessage(nil))))
		v.Close()
	}
}

// BenchmarkNearest10 and BenchmarkBox ask 100,000 moving entities.
func BenchmarkNearest10(b *testing.B) {
	hub, rng := benchHub(b)
	b.ReportAllocs()
	var found []realtime.Neighbour
	for b.Loop() {
		var err error
		found, err = hub.AppendNearest(found[:0], "vehicles", realtime.Near{Lon: benchLon + (rng.Float64()-.5)*benchWidth, Lat: benchLat + (rng.Float64()-.5)*benchDepth, K: 10})
		if err != nil || len(found) != 10 {
			b.Fatal(len(found), err)
		}
	}
}

func BenchmarkBox(b *testing.B) { // 1 km
	hub, rng := benchHub(b)
	b.ReportAllocs()
	total := 0
	var found []realtime.Entity
	for b.Loop() {
		lon, lat := benchLon+(rng.Float64()-.5)*benchWidth, benchLat+(rng.Float64()-.5)*benchDepth
		var err error
		found, err = hub.AppendBox(found[:0], "vehicles", spatial.Envelope{MinX: lon, MinY: lat, MaxX: lon + 0.0118, MaxY: lat + 0.009})
		if err != nil {
			b.Fatal(err)
		}
		total += len(found)
	}
	b.ReportMetric(float64(total)/float64(b.N), "found")
}

func benchHub(b *testing.B) (*realtime.Hub, *rand.Rand) {
	clk := newClock()
	hub := realtime.New(realtime.Options{Now: clk.now})
	require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	rng := rand.New(rand.NewPCG(1, 1))
	_, err := hub.Apply(context.Background(), fleet(100_000, clk.t, rng))
	require.NoError(b, err)
	return hub, rng
}

// BenchmarkViewerMemory is what one WebSocket viewer costs in heap and stacks,
// its subscription included; the clients are bare sockets.
func BenchmarkViewerMemory(b *testing.B) {
	hub := realtime.New(realtime.Options{Codec: wire.NewCodec()})
	require.NoError(b, hub.AddLayer(liveLayer("vehicles", liveTimes)))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	server := httptest.NewServer(realtime.Handler(ctx, hub, realtime.HandlerOptions{}))
	defer func() {
		cancel()
		running.Wait()
		server.Close()
	}()
	const n = 500
	for b.Loop() {
		used := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapInuse + m.StackInuse
		}
		before := used()
		conns := make([]net.Conn, n)
		for i := range conns {
			conns[i] = rawSubscribe(b, server)
		}
		for hub.Subscribed() < n {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
		b.ReportMetric(float64(used()-before)/n, "B/viewer")
		for _, c := range conns {
			_ = c.Close()
		}
		for hub.Viewers() > 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}
