package history_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/redistest"
	"twind/realtime"
	"twind/realtime/history"
)

// ownCPU is what this process has used, user and system.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is what another process has used.
func cpuOf(b *testing.B, pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(b, err)
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(b, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(b, err)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func folderSize(b *testing.B, dir, ext string) (n int64) {
	require.NoError(b, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ext) {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	}))
	return n
}

// fleet is 100,000 vehicles of which each batch moves 1,000 on by some metres.
type fleet struct {
	rng  *rand.Rand
	rows []realtime.Believed
	next int
	now  int64
}

func newFleet() *fleet {
	f := &fleet{rng: rand.New(rand.NewPCG(1, 1)), rows: make([]realtime.Believed, 100_000), now: noon.UnixMilli()}
	for i := range f.rows {
		f.rows[i] = realtime.Believed{
			ID: fmt.Sprint("vehicle-", i), Lon: -74 + f.rng.Float64()*0.7, Lat: 40.5 + f.rng.Float64()*0.5, Z: math.NaN(),
			Properties: fmt.Appendf(nil, `{"line":"%d","load":%d}`, i%20, i%7),
		}
	}
	return f
}

// batch moves the next 1,000; all of them have moved in a second.
func (f *fleet) batch() []realtime.Believed {
	if f.next == len(f.rows) {
		f.next = 0
	}
	rows := f.rows[f.next : f.next+1000]
	f.next += 1000
	f.now += 10
	for i := range rows {
		r := &rows[i]
		r.Lon = math.Round((r.Lon+(f.rng.Float64()-.5)*2e-4)*1e7) / 1e7
		r.Lat = math.Round((r.Lat+(f.rng.Float64()-.5)*2e-4)*1e7) / 1e7
		r.Course, r.Speed = float64(f.rng.IntN(3600))/10, float64(f.rng.IntN(2000))/100
		r.Time, r.Received = f.now-int64(f.rng.IntN(900)), f.now
	}
	return rows
}

// startRedis starts a redis-server with an append-only file, synced once a second.
func startRedis(b *testing.B) *redistest.Server {
	return redistest.Start(b, "--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")
}

// record adds rows to a stream with the same fields, and, for the latest state,
// to a set of places.
func record(b *testing.B, r *redistest.Server, rows []realtime.Believed, places bool) {
	answers := 0
	for i := range rows {
		p := &rows[i]
		lon, lat := strconv.FormatFloat(p.Lon, 'f', -1, 64), strconv.FormatFloat(p.Lat, 'f', -1, 64)
		r.Command("XADD", "positions", "*", "id", p.ID, "t", strconv.FormatInt(p.Time, 10), "lon", lon, "lat", lat,
			"c", strconv.FormatFloat(p.Course, 'f', -1, 64), "s", strconv.FormatFloat(p.Speed, 'f', -1, 64), "p", string(p.Properties))
		answers++
		if places {
			r.Command("GEOADD", "places", lon, lat, p.ID)
			answers++
		}
	}
	r.Send(b, answers)
}

// BenchmarkAppend records batches of 1,000 positions, each on disk before the
// next, sealing included, and compares the CPU and bytes with a stream of
// redis-server whose file is synced once a second only.
func BenchmarkAppend(b *testing.B) {
	const rounds = 400
	for b.Loop() {
		dir := b.TempDir()
		log, err := history.Open(history.Options{Dir: dir, SealBytes: 1 << 40})
		require.NoError(b, err)
		f := newFleet()
		start, wall := ownCPU(), time.Now()
		for range rounds {
			require.NoError(b, log.Positions("vehicles", f.batch()))
			require.NoError(b, log.Flush(context.Background()))
		}
		elapsed := time.Since(wall)
		journal := folderSize(b, dir, ".log")
		require.NoError(b, log.Close())
		log, err = history.Open(history.Options{Dir: dir}) // seals what the last run left
		require.NoError(b, err)
		for log.Stats().Journals > 0 {
			time.Sleep(time.Millisecond)
		}
		cpu := ownCPU() - start
		segments := folderSize(b, dir, ".seg")
		require.NoError(b, log.Close())

		peer := startRedis(b)
		f = newFleet()
		before := cpuOf(b, peer.PID)
		for range rounds {
			record(b, peer, f.batch(), false)
		}
		time.Sleep(1200 * time.Millisecond) // its last sync
		peerCPU := cpuOf(b, peer.PID) - before
		rows := float64(rounds * 1000)
		b.ReportMetric(rows/elapsed.Seconds(), "durable-rows/s")
		b.ReportMetric(rows/cpu.Seconds(), "rows/CPU-s")
		b.ReportMetric(float64(journal)/rows, "journal-B/row")
		b.ReportMetric(float64(segments)/rows, "segment-B/row")
		b.ReportMetric(rows/peerCPU.Seconds(), "redis-rows/CPU-s")
		aof := float64(folderSize(b, peer.Dir, ".aof")) / rows
		b.ReportMetric(aof, "redis-B/row")
		b.ReportMetric(peerCPU.Seconds()/cpu.Seconds(), "×less-CPU")
		b.ReportMetric(aof*rows/float64(segments), "×smaller")
	}
	b.ReportAllocs()
}

// BenchmarkPositions is what handing 1,000 positions to the log costs a writer
// that does not wait.
func BenchmarkPositions(b *testing.B) {
	log, err := history.Open(history.Options{Dir: b.TempDir(), Interval: 20 * time.Millisecond, MaxPending: 1 << 30})
	require.NoError(b, err)
	f := newFleet()
	b.ReportAllocs()
	for b.Loop() {
		if err := log.Positions("vehicles", f.batch()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
	require.NoError(b, log.Close())
}

// BenchmarkRead reads a million sealed positions, a track of one of 100,000
// entities among them, and the state at an instant.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	log, err := history.Open(history.Options{Dir: dir})
	require.NoError(b, err)
	f := newFleet()
	for i := range 1000 {
		require.NoError(b, log.Positions("vehicles", f.batch()))
		if i%50 == 49 {
			require.NoError(b, log.Flush(context.Background()))
		}
	}
	require.NoError(b, log.Close())
	log, err = history.Open(history.Options{Dir: dir})
	require.NoError(b, err)
	defer func() { require.NoError(b, log.Close()) }()
	for log.Stats().Journals > 0 {
		time.Sleep(time.Millisecond)
	}
	ctx := context.Background()
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		rows := 0
		for b.Loop() {
			require.NoError(b, log.Received(ctx, "vehicles", 0, math.MaxInt64, func(*realtime.Believed) error { rows++; return nil }))
		}
		require.Equal(b, b.N*1_000_000, rows)
		b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("latest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			found := 0
			require.NoError(b, log.Latest(ctx, "vehicles", 0, math.MaxInt64, func(*realtime.Believed) error { found++; return nil }))
			require.Equal(b, 100_000, found)
		}
		b.ReportMetric(float64(b.N)*1_000_000/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("track", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rows, _, err := log.Track(ctx, "vehicles", "vehicle-77777", 0, math.MaxInt32*10000, 1000)
			if err != nil || len(rows) != 10 {
				b.Fatal(len(rows), err)
			}
		}
	})
	b.Run("instant", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rows, err := log.At(ctx, "vehicles", nil, noon.UnixMilli()+5000, 2000)
			if err != nil || len(rows) < 90_000 {
				b.Fatal(len(rows), err)
			}
		}
	})
}

// BenchmarkIngestHTTP posts batches of 1,000 positions as JSON to the real
// handler, over a real connection, each answered when it is on disk. The CPU is
// the whole process's: client, HTTP, JSON, hub, history. The peer is
// redis-server alone, without its client, with XADD and GEOADD of the same.
func BenchmarkIngestHTTP(b *testing.B) {
	const rounds = 200
	for b.Loop() {
		log, err := history.Open(history.Options{Dir: b.TempDir()})
		require.NoError(b, err)
		f := newFleet()
		hub := realtime.New(realtime.Options{Journal: log, Now: func() time.Time { return noon.Add(time.Minute) }})
		require.NoError(b, hub.AddLayer(vehicles()))
		server := httptest.NewServer(realtime.PositionsHandler(hub, realtime.PositionsOptions{}))
		bodies := make([][]byte, rounds)
		for i := range bodies {
			var buf bytes.Buffer
			for _, p := range f.batch() {
				fmt.Fprintf(&buf, "{\"layer\":\"vehicles\",\"id\":%q,\"time\":%q,\"lon\":%v,\"lat\":%v,\"course\":%v,\"speed\":%v,\"properties\":%s}\n",
					p.ID, time.UnixMilli(p.Time).UTC().Format(time.RFC3339Nano), p.Lon, p.Lat, p.Course, p.Speed, p.Properties)
			}
			bodies[i] = buf.Bytes()
		}
		start, wall := ownCPU(), time.Now()
		next := make(chan []byte)
		failed := make(chan string, rounds)
		done := make(chan struct{})
		for range 4 {
			go func() {
				for body := range next {
					resp, err := server.Client().Post(server.URL, "application/x-ndjson", bytes.NewReader(body))
					if err != nil {
						failed <- err.Error()
						continue
					}
					if resp.StatusCode != http.StatusAccepted {
						failed <- resp.Status
					}
					_ = resp.Body.Close()
				}
				done <- struct{}{}
			}()
		}
		for _, body := range bodies {
			next <- body
		}
		close(next)
		for range 4 {
			<-done
		}
		cpu, elapsed := ownCPU()-start, time.Since(wall)
		require.Empty(b, failed)
		server.Close()
		require.NoError(b, log.Close())

		peer := startRedis(b)
		f = newFleet()
		before := cpuOf(b, peer.PID)
		for range rounds {
			record(b, peer, f.batch(), true)
		}
		time.Sleep(1200 * time.Millisecond)
		peerCPU := cpuOf(b, peer.PID) - before
		rows := float64(rounds * 1000)
		b.ReportMetric(rows/cpu.Seconds(), "positions/CPU-s")
		b.ReportMetric(rows/elapsed.Seconds(), "positions/s")
		b.ReportMetric(rows/peerCPU.Seconds(), "redis-positions/CPU-s")
		b.ReportMetric(peerCPU.Seconds()/cpu.Seconds(), "×less-CPU")
	}
	b.ReportAllocs()
}
