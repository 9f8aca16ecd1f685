package pmtiles

import (
	"bytes"
)

// Sniff tells a raster tile's type by its first bytes (16 are enough); what is
// compressed with gzip, or begins as a layer of a vector tile does, is MVT.
func Sniff(b []byte) TileType {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return JPEG
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return WebP
	case len(b) >= 12 && string(b[4:12]) == "ftypavif":
		return AVIF
	case IsGzip(b), len(b) > 0 && b[0] == 0x1a: // field 3, a message
		return MVT
	}
	return Other
}

// IsGzip tells whether b begins as gzip does.
func IsGzip(b []byte) bool { return len(b) > 2 && b[0] == 0x1f && b[1] == 0x8b }
