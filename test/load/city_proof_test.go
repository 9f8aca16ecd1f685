//go:build proof

package load

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	entities = 100_000
	viewers  = 1_000
	batch    = 1_000           // positions of one request
	boxWidth = 5 * degLon / 60 // 5 km
	boxDepth = 4 * degLat / 60 // 4 km
	warmUp   = 8 * time.Second
	measured = 30 * time.Second
)

// post sends one request of positions, and fails unless all are accepted.
func post(ctx context.Context, client *http.Client, addr string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/live/positions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusAccepted || !bytes.Contains(answer, []byte(`"refused":[]`))) {
		err = fmt.Errorf("POST /live/positions: %s: %.300s", resp.Status, answer)
	}
	return err
}

// BenchmarkCity is a server with 100,000 entities at 1 Hz over 60 × 60 km and
// 1,000 viewers of 5 × 4 km, a tenth of them at one place: what its parts cost,
// in percent of one core, how old a position is when it reaches a viewer's
// socket, and its memory.
func BenchmarkCity(b *testing.B) {
	for b.Loop() {
		city(b)
	}
}

// TestSmallCity is the same with a hundredth of it, so that the benchmark works
// when somebody needs it.
func TestSmallCity(t *testing.T) {
	m := measure(t, 2000, 20, 500*time.Millisecond, 3*time.Second)
	require.NotEmpty(t, m.shares)
	require.Greater(t, m.positions, 100.0)
	require.NotEmpty(t, m.w.ages, "positions came to viewers")
	require.GreaterOrEqual(t, m.w.quantile(.5), 0.0)
	require.Positive(t, m.memory)
}

// measurement is what a server under load did, a second.
type measurement struct {
	w                          *watching
	shares                     map[string]float64 // CPU by part
	used                       float64            // CPU of all
	positions, messages, bytes float64
	overslept                  float64 // ms
	memory                     int64   // most RssAnon, bytes
}

func measure(b testing.TB, entities, viewers int, warmUp, measured time.Duration) measurement {
	s := startServer(b)
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }()
	rng := rand.New(rand.NewPCG(1, 1))
	f := newFleet(entities, rng)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	for from := 0; from < entities; from += batch { // everybody is there once
		require.NoError(b, post(ctx, client, s.addr, f.appendLines(nil, from, from+batch, time.Now().UTC())))
	}

	w := &watching{}
	for i := range viewers {
		lon, lat := centreLon+(rng.Float64()-.5)*degLon*.9, centreLat+(rng.Float64()-.5)*degLat*.9
		if i%10 == 0 {
			lon, lat = centreLon, centreLat
		}
		v, err := watch(ctx, s.addr, lon, lat, boxWidth, boxDepth, w)
		require.NoError(b, err)
		v.decode = i%20 == 0 || i%50 == 1 // of both kinds; decoding takes this process's time
		wg.Go(func() { _ = v.read() })
		wg.Go(func() { <-ctx.Done(); _ = v.conn.Close() })
	}
	faults := make(chan error, 1)
	sent := drive(ctx, &wg, f, client, s.addr, faults)
	time.Sleep(warmUp)

	w.counts.Store(true)
	messages, bytes, positions := w.messages.Load(), w.bytes.Load(), sent()
	cpu, start := cpuOf(b, s.pid), time.Now()
	most := make(chan int64, 1)
	go func() { most <- peak(b, s.pid, measured) }()
	overslept := make(chan float64, 1)
	go func() { overslept <- oversleep(measured) }()
	m := measurement{w: w, shares: s.profile(b, int(measured.Seconds()))}
	seconds := time.Since(start).Seconds()
	m.used = (cpuOf(b, s.pid) - cpu).Seconds() / seconds
	w.counts.Store(false)
	m.positions = float64(sent()-positions) / seconds
	m.messages = float64(w.messages.Load()-messages) / seconds
	m.bytes = float64(w.bytes.Load()-bytes) / seconds
	m.memory, m.overslept = <-most, <-overslept
	select {
	case err := <-faults:
		require.NoError(b, err)
	default:
	}
	return m
}

func city(b *testing.B) {
	m := measure(b, entities, viewers, warmUp, measured)
	shares := m.shares
	percent := func(unit string, v float64) { b.ReportMetric(100*v, unit+"-%core") }
	percent("state+encode", shares["state"]+shares["encode"])
	percent("state", shares["state"])
	percent("encode", shares["encode"])
	percent("socket", shares["socket"])
	percent("ingest", shares["ingest"])
	percent("history", shares["history"]+shares["rules"])
	percent("gc", shares["gc"])
	percent("all", m.used)
	b.ReportMetric(m.positions, "positions/s")
	b.ReportMetric(m.messages, "messages/s")
	b.ReportMetric(m.bytes/1e6, "MB/s")
	b.ReportMetric(m.w.quantile(.5), "p50-ms")
	b.ReportMetric(m.w.quantile(.99), "p99-ms")
	b.ReportMetric(m.overslept, "oversleep-p99-ms")
	b.ReportMetric(float64(m.memory)/(1<<20), "RssAnon-MB")
	b.ReportMetric(float64(m.memory-300<<20)/viewers/1024, "KB/viewer-above-300MB")
	b.ReportMetric(loadAverage(b), "load")
	b.ReportMetric(0, "ns/op")
	b.Logf("%d entities, %d viewers, %d rows seen by those that decode: %v", entities, viewers, len(m.w.ages), shares)
}

// peak is the most memory of a process, asked twice a second.
func peak(tb testing.TB, pid int, during time.Duration) (most int64) {
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		most = max(most, anonymous(tb, pid))
	}
	return most
}

// oversleep is how many ms later than asked this process wakes, at most, in 99 of
// 100 cases: the machine's part of every delay that is measured here.
func oversleep(during time.Duration) float64 {
	const nap = 10 * time.Millisecond
	var late []float64
	for end := time.Now().Add(during); time.Now().Before(end); {
		start := time.Now()
		time.Sleep(nap)
		late = append(late, (time.Since(start)-nap).Seconds()*1000)
	}
	slices.Sort(late)
	return late[len(late)*99/100]
}

// drive posts every vehicle once a second, in batches spread over it, until ctx
// ends, and gives a count of those posted.
func drive(ctx context.Context, wg *sync.WaitGroup, f *fleet, client *http.Client, addr string, faults chan<- error) func() int64 {
	perSecond := len(f.lon) / batch // requests
	var mu sync.Mutex
	n := int64(0)
	work := make(chan int, perSecond)
	for worker := range 4 {
		rng := rand.New(rand.NewPCG(2, uint64(worker)))
		wg.Go(func() {
			var body []byte
			for from := range work {
				f.drive(from, from+batch, rng)
				body = f.appendLines(body[:0], from, from+batch, time.Now().UTC())
				if err := post(ctx, client, addr, body); err != nil && ctx.Err() == nil {
					select {
					case faults <- err:
					default:
					}
				}
				mu.Lock()
				n += batch
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		defer close(work)
		due := time.NewTimer(0) // not a ticker: what a busy machine delays is caught up
		defer due.Stop()
		start := time.Now()
		for n := 0; ; n++ {
			due.Reset(time.Until(start.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
			select {
			case <-ctx.Done():
				return
			case <-due.C:
			}
			select {
			case work <- n % perSecond * batch:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() int64 { mu.Lock(); defer mu.Unlock(); return n }
}
