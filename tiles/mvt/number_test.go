package mvt

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValueNumbers(t *testing.T) {
	for _, v := range []uint32{0, 1, 127, 128, 16383, 16384, maxShort - 1, maxShort, 1<<31 - 2} {
		n := numbered(v)
		require.Equal(t, v, n.number(), v)
		require.NotEqual(t, null, n, v)
		if v < maxShort {
			b := binary.LittleEndian.AppendUint32(nil, uint32(n))
			require.Equal(t, binary.AppendUvarint([]byte{0}, uint64(v)), b[:1+n.size()], v)
		}
	}
}
