package history

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twind/realtime"
	"twind/spatial"
)

// tableOf makes a table of one kind with n rows.
func tableOf(kind Kind, n int) *table {
	rng := rand.New(rand.NewPCG(uint64(kind), uint64(n)))
	t := &table{}
	t.reset(kind, "vehicles")
	for i := range n {
		ms := int64(1_700_000_000_000 + rng.IntN(1_000_000))
		switch kind {
		case KindPosition:
			b := realtime.Believed{ID: fmt.Sprint("bus ", rng.IntN(20)), Time: ms, Received: ms + 10, Lon: math.Round(rng.Float64()*1e9) / 1e7, Lat: rng.Float64() * 50, Z: math.NaN(), Course: float64(rng.IntN(3600)) / 10, Speed: math.NaN()}
			if i%3 == 0 {
				b.Z, b.Properties = -0.5, []byte(`{"a":1}`)
			}
			t.addPosition(&b)
		case KindObservation:
			t.addObservation(&realtime.Observation{Datastream: fmt.Sprint("s", i%5), Time: ms, Received: ms, Type: realtime.ResultType(i % 3), Number: rng.NormFloat64() * 1e12, Text: "开"})
		case KindEvent:
			t.addEvent(&realtime.Event{Sequence: uint64(i + 1), ID: "e", Class: "c", Time: ms, Received: ms, Lon: math.NaN(), Lat: math.NaN(), Data: []byte(`{}`)})
		}
	}
	return t
}

// same compares two tables row by row, bit by bit.
func same(t require.TestingT, a, b *table) {
	require.Equal(t, a.kind, b.kind)
	require.Equal(t, a.rows, b.rows)
	s := shapes[a.kind]
	for row := range a.rows {
		for i := range s.texts {
			require.Equal(t, a.texts[i].at(row), b.texts[i].at(row))
		}
		for i := range s.ints {
			require.Equal(t, a.ints[i][row], b.ints[i][row])
		}
		for i := range s.floats {
			x, y := a.floats[i][row], b.floats[i][row]
			if x != x {
				require.True(t, y != y)
				continue
			}
			require.Equal(t, math.Float64bits(x), math.Float64bits(y))
		}
	}
}

func TestBlocksAreReadAsWritten(t *testing.T) {
	var e encoder
	for kind := KindPosition; kind < numKinds; kind++ {
		for _, n := range []int{1, 2, 3, 500, 5000} {
			want := tableOf(kind, n)
			b := e.append(nil, want, 7, false)
			var got table
			h, err := decode(b, &got, nil)
			require.NoError(t, err)
			require.Equal(t, len(b), h.size())
			require.Equal(t, uint64(7), h.first)
			require.Equal(t, spanOf(want.ints[colTime]), h.time)
			same(t, want, &got)
		}
	}
}

func TestFloatsAreExact(t *testing.T) {
	columns := [][]float64{
		{0, 1, -1, 0.1, 0.3, 179.9999999, -74.0000001, 90},
		{math.NaN(), 0.5, math.NaN()}, {math.NaN()}, {math.Copysign(0, -1)},
		{math.MaxFloat64, math.SmallestNonzeroFloat64, -math.MaxFloat64}, {1e15, 1e16, 1e-9, 1e-10}, {math.Pi}, {1 << 52, 0.5},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range 12 {
		var c []float64
		for range 1000 {
			c = append(c, math.Round(rng.NormFloat64()*100*math.Pow10(k))/math.Pow10(k))
		}
		columns = append(columns, c)
	}
	for _, want := range columns {
		r := reader{b: appendFloats(nil, want)}
		got := r.floats(nil, len(want))
		require.NoError(t, r.bad)
		require.Empty(t, r.b)
		for i := range want {
			if want[i] != want[i] {
				require.True(t, got[i] != got[i])
				continue
			}
			require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "%v", want[i])
		}
	}
}

func TestDamagedBlocksAreRefused(t *testing.T) {
	var e encoder
	whole := e.append(nil, tableOf(KindPosition, 300), 0, true)
	var got table
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x10
		_, err := decode(b, &got, nil)
		require.Error(t, err, "byte %d", i)
		_, err = decode(whole[:i], &got, nil)
		require.Error(t, err, "cut at %d", i)
	}
}

// refit gives a changed block a size and checksum that fit, so that the columns
// are what is tried.
func refit(b []byte) []byte {
	b = append([]byte(nil), b...)
	if h, err := readBlockInfo(b); err == nil && len(b) >= blockHeader+len(h.stream) {
		h.stored = uint32(len(b) - blockHeader - len(h.stream))
		h.put(b)
	}
	return b
}

func FuzzDecodeBlock(f *testing.F) {
	var e encoder
	for kind := KindPosition; kind < numKinds; kind++ {
		f.Add(e.append(nil, tableOf(kind, 40), 1, kind != KindEvent))
		f.Add(e.append(nil, tableOf(kind, 1), 0, false))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got table
		for _, b := range [][]byte{b, refit(b)} {
			if _, err := decode(b, &got, nil); err != nil {
				require.Zero(t, got.rows)
				continue
			}
			// What is read can be written and is read the same again.
			var e encoder
			var again table
			_, err := decode(e.append(nil, &got, 0, false), &again, nil)
			require.NoError(t, err)
			same(t, &got, &again)
		}
	})
}

func FuzzReadIndex(f *testing.F) {
	refs := []blockRef{
		{offset: 16, size: 100, rows: 5, kind: KindPosition, flags: blockSorted, stream: "v", time: span{-5, 7}, received: span{3, 3}, minID: "a", maxID: "z", cells: []uint32{1, 500, 1 << 27}},
		{offset: 116, size: 70, rows: 1, kind: KindEvent, stream: "v", first: 9},
	}
	f.Add(appendIndex(nil, refs), int64(1000))
	f.Fuzz(func(t *testing.T, b []byte, end int64) {
		got, err := readIndex(b, "v", max(0, end))
		if err != nil {
			return
		}
		again, err := readIndex(appendIndex(nil, got), "v", end)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

// TestIndexSkipsOnlyWhatCannotAnswer asks at random and compares with reading
// everything.
func TestIndexSkipsOnlyWhatCannotAnswer(t *testing.T) {
	dir := t.TempDir()
	l := &Log{o: Options{Dir: dir}}
	sw, err := l.newSegment("vehicles", 1)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(7, 7))
	all := &table{}
	all.reset(KindPosition, "vehicles")
	const n = 80_000
	for i := range n {
		ms := int64(1_700_000_000_000 + i*10)
		b := realtime.Believed{ID: fmt.Sprint("bus ", rng.IntN(3000)), Time: ms - int64(rng.IntN(5000)), Received: ms, Lon: -74 + rng.Float64()*2, Lat: 40 + rng.Float64(), Z: math.NaN(), Course: math.NaN(), Speed: 3}
		all.addPosition(&b)
	}
	require.NoError(t, sw.add(all))
	s, err := sw.finish()
	require.NoError(t, err)
	require.Equal(t, int64(n), s.rows)
	l.segments = map[string][]*segment{"vehicles": {s}}
	read := func(q question) (count, sum int) {
		require.NoError(t, l.scan(t.Context(), q, func(t *table, row int) error {
			count++
			sum += int(t.ints[colReceived][row] % 1_000_003)
			return nil
		}))
		return count, sum
	}
	expect := func(q question) (count, sum int) {
		for i := range all.rows {
			tm, rc := all.ints[colTime][i], all.ints[colReceived][i]
			if tm >= q.timeFrom && tm < q.timeTo && rc >= q.receivedFrom && rc < q.receivedTo && (q.id == "" || all.texts[colID].at(i) == q.id) &&
				(q.box == nil || q.box.ContainsPoint(all.floats[posLon][i], all.floats[posLat][i])) {
				count++
				sum += int(rc % 1_000_003)
			}
		}
		return count, sum
	}
	for range 20 {
		q := ask(KindPosition, "vehicles")
		if rng.IntN(2) == 0 {
			q.timeFrom = 1_700_000_000_000 + int64(rng.IntN(n*10))
			q.timeTo = q.timeFrom + int64(rng.IntN(100_000))
		}
		if rng.IntN(2) == 0 {
			q.receivedFrom = 1_700_000_000_000 + int64(rng.IntN(n*10))
			q.receivedTo = q.receivedFrom + int64(rng.IntN(100_000))
		}
		if rng.IntN(2) == 0 {
			q.id = fmt.Sprint("bus ", rng.IntN(3000))
		}
		if rng.IntN(2) == 0 {
			lon, lat := -74+rng.Float64()*2, 40+rng.Float64()
			q.box = &spatial.Envelope{MinX: lon, MinY: lat, MaxX: lon + rng.Float64(), MaxY: lat + rng.Float64()}
		}
		wantCount, wantSum := expect(q)
		count, sum := read(q)
		require.Equal(t, wantCount, count)
		require.Equal(t, wantSum, sum)
	}
	f, err := os.Open(s.path)
	require.NoError(t, err)
	defer f.Close()
	refs, err := s.blocks(f)
	require.NoError(t, err)
	wanted := 0
	for i := range refs {
		if refs[i].mayHold("bus 1500") {
			wanted++
		}
	}
	require.LessOrEqual(t, wanted, 3, "an entity is in one or two of the %d blocks of a run", len(refs))

	// A segment whose end is damaged says so, and opening puts it aside.
	b, err := os.ReadFile(s.path)
	require.NoError(t, err)
	binary.LittleEndian.PutUint64(b[len(b)-segmentTrailer:], 1<<60)
	require.NoError(t, os.WriteFile(s.path, b, 0o600))
	err = l.scan(t.Context(), ask(KindPosition, "vehicles"), func(*table, int) error { return nil })
	require.ErrorContains(t, err, "is damaged")
	opened, err := Open(Options{Dir: dir})
	require.NoError(t, err)
	require.Zero(t, opened.Stats().Segments)
	require.NoError(t, opened.Close())
	require.FileExists(t, filepath.Join(dir, "vehicles", "00000000000000000001.seg.damaged"))
}
