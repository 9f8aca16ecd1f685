package tiles

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func testKey(n uint64) (k Key) {
	k[0] = byte(n) // of the shard
	binary.BigEndian.PutUint64(k[8:], n)
	return k
}

func testEntry(n uint64, size int) *entry {
	e := &entry{key: testKey(n)}
	e.set(Identity, &form{bytes: make([]byte, size)})
	return e
}

// requireConsistent checks a cache's books: what the queues hold is what the
// table holds, in bytes too, within the limit.
func requireConsistent(t *testing.T, c *cache) {
	t.Helper()
	for i := range c.shards {
		s := &c.shards[i]
		n := 0
		for _, q := range []*queue{&s.small, &s.main} {
			var bytes int64
			for e := q.head; e != nil; e = e.next {
				require.Same(t, e, s.table[e.key])
				require.Equal(t, overhead+e.bytes.Load(), e.size)
				require.Equal(t, q == &s.main, e.inMain)
				bytes += e.size
				n++
			}
			require.Equal(t, bytes, q.bytes)
		}
		require.Len(t, s.table, n)
		require.LessOrEqual(t, s.small.bytes+s.main.bytes, s.limit)
		require.LessOrEqual(t, len(s.ghosts), ghostsKept)
	}
}

func TestCacheKeepsWithinBytes(t *testing.T) {
	c := newCache(1 << 20)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		n := rng.Uint64N(3000)
		k := testKey(n)
		if e := c.get(&k); e == nil {
			c.put(testEntry(n, rng.IntN(4000)))
		} else if rng.IntN(10) == 0 {
			e.set(Gzip, &form{bytes: make([]byte, rng.IntN(4000))})
			c.resized(e)
		}
	}
	requireConsistent(t, c)
	entries, bytes, evicted := c.stats()
	require.Greater(t, entries, 100)
	require.Greater(t, bytes, int64(1<<19))
	require.Positive(t, evicted)
}

func TestCacheRefusesWhatIsLargerThanAShard(t *testing.T) {
	c := newCache(16 * 1000)
	c.put(testEntry(1, 2000))
	k := testKey(1)
	require.Nil(t, c.get(&k))
	e := testEntry(2, 10)
	c.put(e)
	k = testKey(2)
	require.Same(t, e, c.get(&k))
	e.set(Gzip, &form{bytes: make([]byte, 5000)}) // grown out of it
	c.resized(e)
	requireConsistent(t, c)
	c.resized(testEntry(3, 10)) // not in the cache: nothing happens
	requireConsistent(t, c)
}

// What is asked for again and again stays although many others pass once.
func TestCacheResistsScans(t *testing.T) {
	c := newCache(16 << 16)
	popular := make([]Key, 200)
	for i := range popular {
		popular[i] = testKey(uint64(i))
		c.put(testEntry(uint64(i), 500))
	}
	ask := func() (hits int) {
		for i := range popular {
			if c.get(&popular[i]) != nil {
				hits++
			}
		}
		return hits
	}
	require.Equal(t, 200, ask())
	ask()
	for n := uint64(1000); n < 20_000; n++ {
		c.put(testEntry(n, 500))
		if n%500 == 0 {
			ask()
		}
	}
	require.Greater(t, ask(), 190)
	requireConsistent(t, c)
}

func TestCacheConcurrently(t *testing.T) {
	c := newCache(1 << 18)
	var group sync.WaitGroup
	for g := range uint64(4) {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(g, 3))
			for range 3000 {
				n := rng.Uint64N(500)
				k := testKey(n)
				if e := c.get(&k); e == nil {
					c.put(testEntry(n, rng.IntN(2000)))
				} else if rng.IntN(4) == 0 {
					e.making.Lock()
					e.set(Zstd, &form{bytes: make([]byte, rng.IntN(500))})
					e.making.Unlock()
					c.resized(e)
				}
			}
		})
	}
	group.Wait()
	requireConsistent(t, c)
}
