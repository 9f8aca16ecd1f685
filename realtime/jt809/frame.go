package jt809

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The flags around a frame.
const (
	begin = 0x5b
	end   = 0x5d
)

// MaxFrame bounds an escaped frame, its flags included.
const MaxFrame = 1 << 20

// ErrFrame is wrapped by the error for bytes that are not a frame: they are
// dropped and get no answer.
var ErrFrame = errors.New("not a frame of JT/T 809")

// ErrMalformed is wrapped by the error for a body that cannot be what it says.
var ErrMalformed = errors.New("malformed message of JT/T 809")

// Edition is the year of the standard that a frame follows.
type Edition int

// The editions; no field of a frame names its own.
const (
	Edition2011 Edition = 2011
	Edition2019 Edition = 2019
)

// Frame is one frame.
type Frame struct {
	Length    uint32 // of the unescaped frame with both flags, as it says
	Serial    uint32
	ID        uint16
	Access    uint32 // access code of the lower platform
	Version   [3]byte
	Encrypted bool
	Key       uint32
	Payload   []byte // what follows the first 22 bytes of the header: the time of 2019 too
}

// headerSize is that of 2011; 2019 adds the time of 8 bytes.
const headerSize = 22

// Decode reads a frame with its flags. It fails with ErrFrame, also when the
// length or the checksum is wrong.
func Decode(b []byte) (f Frame, err error) {
	if len(b) > MaxFrame || len(b) < 2 || b[0] != begin || b[len(b)-1] != end {
		return f, fmt.Errorf("%w: %d bytes between 5b and 5d are expected, at most %d", ErrFrame, len(b), MaxFrame)
	}
	raw, err := unescape(b[1 : len(b)-1])
	if err != nil {
		return f, err
	}
	if len(raw) < headerSize+2 {
		return f, fmt.Errorf("%w: %d bytes are less than a header", ErrFrame, len(raw))
	}
	body, sum := raw[:len(raw)-2], binary.BigEndian.Uint16(raw[len(raw)-2:])
	if crc(body) != sum {
		return f, fmt.Errorf("%w: the checksum is wrong", ErrFrame)
	}
	u32 := binary.BigEndian.Uint32
	f = Frame{Length: u32(body), Serial: u32(body[4:]), ID: binary.BigEndian.Uint16(body[8:]), Access: u32(body[10:]), Version: [3]byte(body[14:17]), Encrypted: body[17] == 1, Key: u32(body[18:]), Payload: body[headerSize:]}
	if int64(f.Length) != int64(len(raw))+2 {
		return f, fmt.Errorf("%w: %d bytes, but its header says %d", ErrFrame, len(raw)+2, f.Length)
	}
	return f, nil
}

func unescape(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch c {
		case 0x5a, 0x5e:
			i++
			if i == len(b) || b[i] != 1 && b[i] != 2 {
				return nil, fmt.Errorf("%w: %02x without 01 or 02 after it", ErrFrame, c)
			}
			switch {
			case b[i] == 2: // itself
			case c == 0x5a:
				c = begin
			default:
				c = end
			}
		case begin, end:
			return nil, fmt.Errorf("%w: a flag inside", ErrFrame)
		}
		out = append(out, c)
	}
	return out, nil
}

// crc is CRC-16/CCITT-FALSE: polynomial 1021, start FFFF.
func crc(b []byte) uint16 {
	sum := uint16(0xffff)
	for _, c := range b {
		sum ^= uint16(c) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// Cipher is what two platforms agree on to encrypt bodies.
type Cipher struct{ M1, IA1, IC1 uint32 }

// Decrypt decrypts what follows the header of an encrypted frame, of an edition
// (the time of 2019 is not encrypted). It changes f.Payload in place, once.
func (c Cipher) Decrypt(f *Frame, edition Edition) error {
	if !f.Encrypted {
		return nil
	}
	b := f.Payload
	if edition == Edition2019 {
		if len(b) < 8 {
			return fmt.Errorf("%w: no time in the header", ErrMalformed)
		}
		b = b[8:]
	}
	key, m := f.Key, c.M1
	if key == 0 {
		key = 1
	}
	if m == 0 {
		m = 1
	}
	for i := range b {
		key = c.IA1*(key%m) + c.IC1
		b[i] ^= byte(key >> 20)
	}
	f.Encrypted = false
	return nil
}
