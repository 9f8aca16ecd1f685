package history_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
	"twind/realtime/killtest"
)

func TestMain(m *testing.M) {
	killtest.Serve(serveChild)
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, o history.Options) *history.Log {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l, err := history.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

// at is a row of entity id, s seconds after noon.
func at(id string, s int, lon, lat float64) realtime.Believed {
	ms := noon.Add(time.Duration(s) * time.Second).UnixMilli()
	return realtime.Believed{ID: id, Time: ms, Received: ms + 150, Lon: lon, Lat: lat, Z: math.NaN(), Course: 90.5, Speed: 7.25, Properties: []byte(`{"line":"4"}`)}
}

// sample makes n rows of k entities that wander, one round a second.
func sample(n, k int, seed uint64) []realtime.Believed {
	rng := rand.New(rand.NewPCG(seed, 1))
	rows := make([]realtime.Believed, n)
	for i := range rows {
		id := fmt.Sprint("bus ", i%k)
		b := at(id, i/k, -74+math.Round(rng.Float64()*1e6)/1e7, 40.7+rng.Float64()/10)
		b.Flags = realtime.Flag(rng.IntN(8))
		switch rng.IntN(5) {
		case 0:
			b.Course, b.Speed = math.NaN(), math.NaN()
		case 1:
			b.Z = rng.NormFloat64()
		case 2:
			b.Properties = nil
		case 3:
			b.Properties = fmt.Appendf(nil, `{"line":"%d"}`, rng.IntN(9))
		}
		rows[i] = b
	}
	return rows
}

// everything reads a layer in the order of time and id.
func everything(t testing.TB, l *history.Log, layer layers.ID) []realtime.Believed {
	var out []realtime.Believed
	require.NoError(t, l.Received(context.Background(), layer, 0, math.MaxInt64, func(b *realtime.Believed) error {
		out = append(out, *b)
		return nil
	}))
	return ordered(out)
}

func ordered(rows []realtime.Believed) []realtime.Believed {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b realtime.Believed) int {
		if a.Time != b.Time {
			return int(a.Time - b.Time)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return rows
}

// text makes rows comparable: NaN equals NaN, bit by bit otherwise.
func text(rows []realtime.Believed) []string {
	out := make([]string, len(rows))
	for i, b := range rows {
		out[i] = fmt.Sprintf("%s %d %d %x %x %x %x %x %d %s", b.ID, b.Time, b.Received, b.Lon, b.Lat, b.Z, b.Course, b.Speed, b.Flags, b.Properties)
	}
	return out
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	dir := t.TempDir()
	o := history.Options{Dir: dir, Interval: time.Millisecond, SealBytes: 50 << 10, SealAfter: time.Hour}
	l := open(t, o)
	rows := sample(10_000, 150, 1)
	for i := 0; i < len(rows); i += 500 {
		require.NoError(t, l.Positions("vehicles", rows[i:i+500]))
		require.NoError(t, l.Positions("trains", rows[i:i+5]))
		require.NoError(t, l.Flush(t.Context()))
	}
	want := text(ordered(rows))
	require.Equal(t, want, text(everything(t, l, "vehicles")), "journals and segments together")
	require.Len(t, everything(t, l, "trains"), 100)
	require.Empty(t, everything(t, l, "nothing"))
	require.Eventually(t, func() bool { s := l.Stats(); return s.Segments >= 4 && s.Journals <= 1 }, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, want, text(everything(t, l, "vehicles")), "after sealing")
	require.NoError(t, l.Close())

	l = open(t, o)
	require.Equal(t, want, text(everything(t, l, "vehicles")), "after opening again")
	require.Eventually(t, func() bool { return l.Stats().Journals == 0 }, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, want, text(everything(t, l, "vehicles")), "all sealed")
	require.NoError(t, l.Close())
}

func TestCloseWritesWhatIsInMemory(t *testing.T) {
	dir := t.TempDir()
	l := open(t, history.Options{Dir: dir, Interval: time.Hour})
	require.NoError(t, l.Positions("vehicles", sample(10, 10, 3)))
	require.NoError(t, l.Close())
	require.NoError(t, l.Flush(t.Context()), "it is on disk")
	l = open(t, history.Options{Dir: dir})
	require.Len(t, everything(t, l, "vehicles"), 10)
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	require.False(t, history.InUse(dir))
	l := open(t, history.Options{Dir: dir})
	require.True(t, history.InUse(dir))
	_, err := history.Open(history.Options{Dir: dir})
	require.ErrorIs(t, err, layers.ErrUnavailable)
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, l.Close())
	require.ErrorIs(t, l.Positions("vehicles", sample(1, 1, 1)), layers.ErrUnavailable)
	require.False(t, history.InUse(dir))
	require.NoError(t, open(t, history.Options{Dir: dir}).Close())
}

func TestTornTailIsCut(t *testing.T) {
	dir := t.TempDir()
	l := open(t, history.Options{Dir: dir, Interval: time.Hour})
	rows := sample(300, 10, 2)
	var sizes []int64
	path := filepath.Join(dir, "journal", "00000000000000000001.log")
	for i := range 3 {
		require.NoError(t, l.Positions("vehicles", rows[i*100:(i+1)*100]))
		require.NoError(t, l.Flush(t.Context()))
		info, err := os.Stat(path)
		require.NoError(t, err)
		sizes = append(sizes, info.Size())
	}
	require.NoError(t, l.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	try := func(name string, content []byte, want int) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "journal"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "journal", filepath.Base(path)), content, 0o644))
			l := open(t, history.Options{Dir: dir, Interval: time.Hour})
			require.Equal(t, text(ordered(rows[:want])), text(everything(t, l, "vehicles")))
			more := at("later", 1000, -74, 40.7)
			require.NoError(t, l.Positions("vehicles", []realtime.Believed{more}))
			require.NoError(t, l.Flush(t.Context()))
			require.Len(t, everything(t, l, "vehicles"), want+1, "it goes on")
		})
	}
	for _, cut := range []int64{sizes[2] - 1, sizes[2] - 50, sizes[1] + 1, sizes[1] + 60, sizes[1]} {
		try(fmt.Sprint("cut at ", cut), whole[:cut], 200)
	}
	try("nothing but a header", whole[:16], 0)
	try("half a header", whole[:9], 0)
	try("an empty file", nil, 0)
	try("zeros at the end", append(slices.Clone(whole), make([]byte, 4096)...), 300)
	try("half a block of garbage", append(slices.Clone(whole), whole[sizes[0]:sizes[0]+80]...), 300)
	damaged := slices.Clone(whole)
	damaged[sizes[1]-10] ^= 1
	t.Run("a damaged block in the middle", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "journal"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "journal", filepath.Base(path)), damaged, 0o644))
		l := open(t, history.Options{Dir: dir})
		require.Equal(t, text(ordered(append(slices.Clone(rows[:100]), rows[200:]...))), text(everything(t, l, "vehicles")), "costs its own rows only")
	})
}

func TestManyWritersShareCommits(t *testing.T) {
	l := open(t, history.Options{Dir: t.TempDir(), Interval: time.Hour})
	var wg sync.WaitGroup
	for w := range 25 {
		wg.Go(func() {
			for i := range 10 {
				b := at(fmt.Sprintf("%d-%d", w, i), i, -74, 40.7)
				if err := l.Positions("vehicles", []realtime.Believed{b}); err != nil {
					t.Error(err)
				}
				if err := l.Flush(context.Background()); err != nil {
					t.Error(err)
				}
				found := 0
				if err := l.Received(context.Background(), "vehicles", 0, math.MaxInt64, func(r *realtime.Believed) error {
					if r.ID == b.ID {
						found++
					}
					return nil
				}); err != nil || found != 1 {
					t.Error("what was flushed is not read", found, err)
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, everything(t, l, "vehicles"), 250)
}

func TestEvents(t *testing.T) {
	dir := t.TempDir()
	l := open(t, history.Options{Dir: dir, Interval: time.Hour})
	var told []uint64
	cancel := l.Subscribe(func(events []realtime.Event) {
		for _, e := range events {
			told = append(told, e.Sequence)
		}
	})
	event := func(id string) realtime.Event {
		return realtime.Event{ID: id, Class: "tilt", State: "new", Layer: "manholes", Entity: "M-7", Time: noon.UnixMilli(), Lon: 114.1, Lat: 22.5, Data: []byte(`{"tilt":12}`)}
	}
	batch := []realtime.Event{event("a"), event("b"), event("c")}
	require.NoError(t, l.AppendEvents(t.Context(), batch))
	require.Equal(t, []uint64{1, 2, 3}, []uint64{batch[0].Sequence, batch[1].Sequence, batch[2].Sequence})
	require.Equal(t, []uint64{1, 2, 3}, told, "subscribers are told before the append returns")
	cancel()
	require.NoError(t, l.AppendEvents(t.Context(), []realtime.Event{event("d")}))
	require.Len(t, told, 3)
	bad := event("e")
	bad.Lat = 91
	require.ErrorIs(t, l.AppendEvents(t.Context(), []realtime.Event{bad}), layers.ErrInvalid)
	require.NoError(t, l.Close())

	l = open(t, history.Options{Dir: dir})
	for _, sealed := range []bool{false, true} {
		if sealed {
			require.Eventually(t, func() bool { return l.Stats().Journals == 0 }, 30*time.Second, time.Millisecond)
		}
		var got []realtime.Event
		require.NoError(t, l.Events(t.Context(), 1, func(e *realtime.Event) error {
			got = append(got, *e)
			return nil
		}))
		require.Len(t, got, 3)
		want := batch[1]
		require.Equal(t, want, got[0])
	}
	next := []realtime.Event{event("f")}
	require.NoError(t, l.AppendEvents(t.Context(), next))
	require.Equal(t, uint64(5), next[0].Sequence, "numbers go on without a gap")
}

func TestObservations(t *testing.T) {
	l := open(t, history.Options{Dir: t.TempDir(), Interval: time.Hour})
	ms := noon.UnixMilli()
	rows := []realtime.Observation{
		{Datastream: "manholes/M-7/level", Layer: "manholes", Feature: "M-7", Property: "level", Time: ms, Received: ms + 5, Number: 1.25},
		{Datastream: "gate 3", Time: ms + 1, Received: ms + 5, Type: realtime.ResultText, Text: "开"},
		{Datastream: "gate 3", Time: ms + 2, ResultTime: ms + 3, Received: ms + 5, Type: realtime.ResultTruth, Number: 1, Flags: realtime.FlagAhead, Parameters: `{"raw":7}`},
	}
	require.NoError(t, l.Observations(rows))
	require.NoError(t, l.Flush(t.Context()))
	var got []realtime.Observation
	require.NoError(t, l.ReceivedObservations(t.Context(), ms, ms+6, func(o *realtime.Observation) error {
		got = append(got, *o)
		return nil
	}))
	require.ElementsMatch(t, rows, got)
	require.NoError(t, l.ReceivedObservations(t.Context(), ms+6, ms+7, func(*realtime.Observation) error { return fmt.Errorf("none was received then") }))
}

func TestRetentionByLayer(t *testing.T) {
	dir := t.TempDir()
	now := noon
	var mu sync.Mutex
	o := history.Options{
		Dir: dir, Interval: time.Hour, SealBytes: 1,
		Retention: map[layers.ID]history.Retention{"short": {Age: time.Minute}, "small": {Bytes: 1500}},
		Now:       func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
	}
	l := open(t, o)
	for i := range 20 {
		for _, layer := range []layers.ID{"short", "small", "long"} {
			require.NoError(t, l.Positions(layer, []realtime.Believed{at("x", i*10, -74, 40.7)}))
		}
		require.NoError(t, l.Flush(t.Context()))
	}
	mu.Lock()
	now = noon.Add(200 * time.Second)
	mu.Unlock()
	require.NoError(t, l.Positions("long", []realtime.Believed{at("x", 200, -74, 40.7)})) // seals and so looks for old ones
	require.NoError(t, l.Flush(t.Context()))
	require.Eventually(t, func() bool { return l.Stats().Journals == 0 && len(everything(t, l, "short")) == 6 }, 30*time.Second, 5*time.Millisecond)
	require.Len(t, everything(t, l, "long"), 21)
	small := len(everything(t, l, "small"))
	require.Greater(t, small, 3)
	require.Less(t, small, 12)
	require.Eventually(t, func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "short", "*.seg"))
		return err == nil && len(files) == 6
	}, 30*time.Second, 5*time.Millisecond, "old segments are deleted whole")
}

// TestLatest compares with reading everything, in journals, segments and both.
func TestLatest(t *testing.T) {
	dir := t.TempDir()
	o := history.Options{Dir: dir, Interval: time.Hour, SealBytes: 60 << 10}
	l := open(t, o)
	rows := sample(6_000, 75, 4)
	check := func(what string) {
		for _, at := range []int{5, 40, 79, 200} {
			from, to := noon.Add(time.Duration(at-15)*time.Second).UnixMilli(), noon.Add(time.Duration(at)*time.Second).UnixMilli()
			want := map[string]realtime.Believed{}
			require.NoError(t, l.Received(t.Context(), "vehicles", from, to, func(b *realtime.Believed) error {
				if known, ok := want[b.ID]; !ok || known.Time < b.Time {
					want[b.ID] = *b
				}
				return nil
			}))
			var got, expected []realtime.Believed
			for _, b := range want {
				expected = append(expected, b)
			}
			require.NoError(t, l.Latest(t.Context(), "vehicles", from, to, func(b *realtime.Believed) error {
				got = append(got, *b)
				return nil
			}))
			require.Equal(t, text(ordered(expected)), text(ordered(got)), "%s, %d s", what, at)
		}
	}
	for i := 0; i < len(rows); i += 500 {
		require.NoError(t, l.Positions("vehicles", rows[i:i+500]))
		require.NoError(t, l.Flush(t.Context()))
	}
	check("some sealed")
	require.NoError(t, l.Close())
	l = open(t, o)
	require.Eventually(t, func() bool { return l.Stats().Journals == 0 }, 30*time.Second, 5*time.Millisecond)
	check("all sealed")
}
