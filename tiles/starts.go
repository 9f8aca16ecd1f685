package tiles

// appendStarts appends the indexes in a tile at which repetitions of what stood
// before begin: at a value; in a feature behind the id's first byte, in its
// attributes and at its type; in a polygon where its edges begin. Bytes that are no
// tile have fewer of them, or none.
func appendStarts(dst []uint32, raw []byte) []uint32 {
	for at := 0; at < len(raw); {
		if raw[at] != 3<<3|2 {
			return dst
		}
		n, begin := uvarint(raw, at+1)
		if at = begin + n; n > len(raw)-begin {
			return dst
		}
		dst = layerStarts(dst, raw[:at], begin)
	}
	return dst
}

// layerStarts appends those of the layer from raw[at] to raw's end.
func layerStarts(dst []uint32, raw []byte, at int) []uint32 {
	for at < len(raw) {
		tag := raw[at]
		n, begin := uvarint(raw, at+1)
		switch tag {
		case 2<<3 | 2:
			if n > len(raw)-begin {
				return dst
			}
			dst = featureStarts(dst, raw[:begin+n], begin)
		case 4<<3 | 2:
			dst = append(dst, uint32(at))
		}
		at = begin
		if tag&7 == 2 {
			if at += n; n > len(raw)-begin {
				return dst
			}
		}
	}
	return dst
}

// featureStarts appends those of the feature from raw[at] to raw's end.
func featureStarts(dst []uint32, raw []byte, at int) []uint32 {
	if at+1 < len(raw) && raw[at] == 1<<3 { // the id
		dst = append(dst, uint32(at+2))
		_, at = uvarint(raw, at+1)
	}
	if at < len(raw) && raw[at] == 2<<3|2 { // the attributes
		n, begin := uvarint(raw, at+1)
		if at = begin + n; n > len(raw)-begin {
			return dst
		}
		if n > 3 {
			dst = append(dst, uint32(begin+3))
		}
	}
	dst = append(dst, uint32(at))
	if at+4 > len(raw) || raw[at] != 3<<3 || raw[at+1] != 3 {
		return dst
	}
	_, at = uvarint(raw, at+3) // the geometry's length
	if at < len(raw) && raw[at] == 1<<3|1 {
		_, at = uvarint(raw, at+1)
		_, at = uvarint(raw, at)
		dst = append(dst, uint32(at))
	}
	return dst
}

// uvarint reads a number below 2³¹ at b[i:] and gives the index after it; where
// there is none it gives one that is no length in b.
func uvarint(b []byte, i int) (v, next int) {
	if i < len(b) && b[i] < 0x80 {
		return int(b[i]), i + 1
	}
	for shift := 0; i < len(b) && shift < 64; shift += 7 {
		c := b[i]
		i++
		if v |= int(c&0x7f) << shift; c < 0x80 {
			return v & (1<<31 - 1), i
		}
	}
	return 1 << 31, i
}
