package lz

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// packers are reused by all tests, as they are meant to be.
type packers struct {
	gzip Gzip
	zstd Zstd
	dec  *zstd.Decoder
}

func newPackers(tb testing.TB) *packers {
	tb.Helper()
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	require.NoError(tb, err)
	tb.Cleanup(dec.Close)
	return &packers{dec: dec}
}

// requireBack requires that other decoders read what was packed, after other bytes.
func (p *packers) requireBack(tb testing.TB, src []byte, starts []uint32) (zipped, framed []byte) {
	tb.Helper()
	const before = "before"
	zipped = p.gzip.Append([]byte(before), src, starts)
	require.Equal(tb, before, string(zipped[:len(before)]))
	r, err := gzip.NewReader(bytes.NewReader(zipped[len(before):]))
	require.NoError(tb, err)
	got, err := io.ReadAll(r)
	require.NoError(tb, err)
	require.True(tb, bytes.Equal(src, got), "gzip")

	framed = p.zstd.Append([]byte(before), src, starts)
	require.Equal(tb, before, string(framed[:len(before)]))
	got, err = p.dec.DecodeAll(framed[len(before):], nil)
	require.NoError(tb, err)
	require.True(tb, bytes.Equal(src, got), "zstd")
	return zipped, framed
}

// every is each k-th index of a source of n bytes.
func every(n, k int) (list []uint32) {
	for i := 0; i < n; i += k {
		list = append(list, uint32(i))
	}
	return list
}

// records makes n records whose fields repeat those of earlier ones, and where they begin.
func records(n int) (src []byte, starts []uint32) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		starts = append(starts, uint32(len(src)))
		src = append(src, fmt.Sprintf("record %d", i)...)
		starts = append(starts, uint32(len(src)))
		src = append(src, fmt.Sprintf(" of kind %d at ", rng.IntN(7))...)
		src = binary.AppendUvarint(src, rng.Uint64N(1<<30))
	}
	return src, starts
}

// sources are what is hard to pack in one way or another.
func sources() map[string][]byte {
	rng := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 150_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	letters := make([]byte, 270_000) // of very different frequency: codes of all lengths
	for i := range letters {
		letters[i] = byte(min(255, int(rng.ExpFloat64()*6)))
	}
	rare := bytes.Repeat([]byte{0}, 1<<17) // a code longer than any limit, were there none
	for i, at := 1, 1; at < len(rare); i, at = i+1, at*2 {
		for k := range at {
			rare[(at+k)%len(rare)] = byte(i)
		}
	}
	list, _ := records(8000)
	return map[string][]byte{
		"nothing": nil, "one byte": {7}, "two": {7, 8}, "one value": make([]byte, 200_000), "a short one": bytes.Repeat([]byte{9}, 40),
		"noise": noise, "a little noise": noise[:300], "letters": letters, "few letters": letters[:700], "rare": rare, "records": list,
		"two blocks exactly": letters[:2*zstdBlock], "a block and one byte": letters[:zstdBlock+1], "65535 of noise": noise[:65535], "65536 of noise": noise[:65536],
		"far apart": slices.Concat(letters[:50], make([]byte, zstdWindow), letters[:50]), "noise twice": slices.Concat(noise[:120_000], noise[:120_000]),
	}
}

func TestOthersReadIt(t *testing.T) {
	p := newPackers(t)
	for name, src := range sources() {
		t.Run(name, func(t *testing.T) {
			for _, starts := range [][]uint32{nil, every(len(src), 7)} {
				p.requireBack(t, src, starts)
			}
		})
	}
	letters := sources()["few letters"]
	for n := 1; n < len(letters); n += 1 + n/29 { // over each change of a header's form
		p.requireBack(t, letters[:n], every(n, 1))
	}
}

// Repetitions that begin where the starts say are found: a general compressor's
// quickest level, which looks everywhere, makes hardly less of it.
func TestSizeIsThatOfAGeneralCompressor(t *testing.T) {
	p := newPackers(t)
	for _, n := range []int{100, 5_000, 40_000} {
		src, starts := records(n)
		zipped, framed := p.requireBack(t, src, starts)
		var b bytes.Buffer
		w, err := kgzip.NewWriterLevel(&b, kgzip.BestSpeed)
		require.NoError(t, err)
		_, err = w.Write(src)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
		require.NoError(t, err)
		require.Less(t, len(zipped), b.Len()*12/10)
		require.Less(t, len(framed), len(enc.EncodeAll(src, nil))*12/10)
	}
}

// Starts that make no sense cost repetitions, not correctness.
func TestWrongStarts(t *testing.T) {
	p := newPackers(t)
	src, starts := records(3000)
	slices.Reverse(starts)
	p.requireBack(t, src, starts)
	p.requireBack(t, src, append(every(len(src)+100, 5), 1<<32-1, 0, 5))
}

// The table is not cleared between sources: what an earlier one left in it is not
// taken for this one's, not even when the count of all bytes wraps.
func TestSourcesDoNotMix(t *testing.T) {
	p := newPackers(t)
	a, starts := records(500)
	for k := range 20 {
		p.requireBack(t, a[k*100:], starts)
		p.gzip.m.base += 1 << 28
		p.zstd.m.base += 1 << 28
	}
}

func TestAllocatesNothing(t *testing.T) {
	var g Gzip
	var z Zstd
	src, starts := records(9000)
	var a, b []byte
	run := func() { a, b = g.Append(a[:0], src, starts), z.Append(b[:0], src, starts) }
	run()
	require.Zero(t, testing.AllocsPerRun(5, run))
}

func TestTables(t *testing.T) {
	for _, n := range []uint32{0, 15, 16, 17, 63, 64, 127, 128, 65535, 65536, 131071} {
		c := literalsCode(n)
		require.LessOrEqual(t, literalsBase(c), n)
		require.Less(t, n-literalsBase(c), uint32(1)<<literalsBits[c])
	}
	require.Equal(t, uint8(28), lengthSymbol[255])
	require.Equal(t, uint8(27), lengthSymbol[254])
	require.Equal(t, uint8(8), lengthSymbol[8])
}

// literalsBase is the least length that a code stands for (RFC 8878 table 14).
func literalsBase(code uint8) (n uint32) {
	for c := range code {
		n += 1 << literalsBits[c]
	}
	return n
}

func FuzzPack(f *testing.F) {
	src, _ := records(40)
	f.Add(src, uint8(3), uint8(1))
	f.Add([]byte{}, uint8(1), uint8(1))
	f.Add(bytes.Repeat([]byte("abcdefgh"), 100), uint8(8), uint8(200))
	p := newPackers(f)
	f.Fuzz(func(t *testing.T, src []byte, step, times uint8) {
		src = bytes.Repeat(src, min(int(times), 1+(1<<16)/(1+len(src))))
		p.requireBack(t, src, every(len(src), 1+int(step)))
	})
}

func BenchmarkPack(b *testing.B) {
	src, starts := records(20_000)
	var g Gzip
	var z Zstd
	var out []byte
	for name, pack := range map[string]func(){"gzip": func() { out = g.Append(out[:0], src, starts) }, "zstd": func() { out = z.Append(out[:0], src, starts) }} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				pack()
			}
			b.ReportMetric(float64(len(out))/float64(len(src)), "of-the-source")
		})
	}
}
