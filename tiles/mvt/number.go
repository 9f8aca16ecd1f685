package mvt

// valueNumber is the number of a value in a layer, as tags want it: below maxShort
// its varint, in the upper three bytes, so that a key of one byte goes before it;
// from there on the number itself with the uppermost bit set.
type valueNumber uint32

// null is of no value.
const null = ^valueNumber(0)

// maxShort is the first number whose varint takes more than three bytes.
const maxShort = 1 << 21

// numbered makes a valueNumber. Without branches where numbers are small: what the
// processor cannot foresee costs more than this.
func numbered(v uint32) valueNumber {
	if v >= maxShort {
		return valueNumber(v | 1<<31)
	}
	two, three := (1<<7-1-v)>>31, (1<<14-1-v)>>31
	return valueNumber(v&0x7f<<8 | two<<15 | v>>7&0x7f<<16 | three<<23 | v>>14<<24)
}

// number is the number itself.
func (v valueNumber) number() uint32 {
	if v>>31 != 0 {
		return uint32(v &^ (1 << 31))
	}
	return uint32(v>>8&0x7f | v>>16&0x7f<<7 | v>>24<<14)
}

// size is the size of the varint.
func (v valueNumber) size() int { return 1 + int(v>>15&1+v>>23&1) }
