package archive

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
	"image/png"
)

// imageSize is the width of a PNG, JPEG or WebP image in pixels; 0 where it is
// none or no tile's.
func imageSize(b []byte) int {
	w := webpWidth(b)
	if c, err := png.DecodeConfig(bytes.NewReader(b)); err == nil {
		w = c.Width
	} else if c, err := jpeg.DecodeConfig(bytes.NewReader(b)); err == nil {
		w = c.Width
	}
	if w < 64 || w > 4096 {
		return 0
	}
	return w
}

// webpWidth reads the first chunk of a WebP file (RFC 9649 §2.5 to 2.7).
func webpWidth(b []byte) int {
	if len(b) < 30 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return 0
	}
	le := binary.LittleEndian
	switch string(b[12:16]) {
	case "VP8X":
		return int(le.Uint32(b[24:])&0xffffff) + 1
	case "VP8L":
		return int(le.Uint32(b[21:])&0x3fff) + 1
	case "VP8 ":
		return int(le.Uint16(b[26:]) & 0x3fff)
	}
	return 0
}
