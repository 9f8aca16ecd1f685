package jt808

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The ids of messages that are understood or sent.
const (
	idTerminalReply = 0x0001
	idHeartbeat     = 0x0002
	idLogout        = 0x0003
	idTimeRequest   = 0x0004 // 2019
	idResendParts   = 0x0005 // 2019
	idRegister      = 0x0100
	idAuthenticate  = 0x0102
	idPosition      = 0x0200
	idPositionReply = 0x0201
	idBatch         = 0x0704
	idReply         = 0x8001
	idResend        = 0x8003
	idTimeReply     = 0x8004
	idRegisterReply = 0x8100
)

// flag begins and ends a frame on the wire.
const flag = 0x7e

// MaxFrame is the longest escaped frame, without its flags: a header of 2019 with
// parts, 1,023 bytes of body and the check, every byte escaped.
const MaxFrame = 2 * (21 + maxBody + 1)

const maxBody = 1<<10 - 1

// ErrFrame is wrapped by the error for bytes that are not a frame: they are
// dropped and get no answer.
var ErrFrame = errors.New("not a frame of JT/T 808")

// Frame is one frame: a message, or one part of it.
type Frame struct {
	ID        uint16
	Encrypted bool   // the body cannot be read here
	Edition   byte   // 0: 2011 or 2013; else the protocol version of 2019 and later
	Terminal  []byte // the phone number as sent, BCD of 6 or (2019) 10 bytes
	Serial    uint16
	Parts     uint16 // how many frames the message has; 0 when it is whole
	Part      uint16 // from 1
	Body      []byte
}

// Phone is the terminal's phone number without leading zeros, the key by which
// terminals are told apart; digits above 9, which occur, stay hexadecimal.
func (f *Frame) Phone() string {
	s := strings.TrimLeft(hex.EncodeToString(f.Terminal), "0")
	if s == "" {
		return "0"
	}
	return s
}

// Decode reads what stands between two flags. The frame keeps parts of piece,
// which is unescaped in place. It fails with ErrFrame.
func Decode(piece []byte) (Frame, error) {
	if len(piece) > MaxFrame {
		return Frame{}, fmt.Errorf("%w: %d bytes, at most %d are possible", ErrFrame, len(piece), MaxFrame)
	}
	b, err := unescape(piece)
	if err != nil {
		return Frame{}, err
	}
	if len(b) < 13 {
		return Frame{}, fmt.Errorf("%w: %d bytes are less than a header", ErrFrame, len(b))
	}
	check := byte(0)
	for _, c := range b {
		check ^= c // the check byte itself included: 0
	}
	if check != 0 {
		return Frame{}, fmt.Errorf("%w: the check byte is wrong", ErrFrame)
	}
	return header(b[:len(b)-1])
}

// header takes the frame apart.
func header(b []byte) (f Frame, err error) {
	properties := binary.BigEndian.Uint16(b[2:])
	f.ID = binary.BigEndian.Uint16(b)
	f.Encrypted = properties&(7<<10) != 0
	at, bcd := 4, 6
	if properties&(1<<14) != 0 {
		f.Edition, at, bcd = max(1, b[4]), 5, 10
	}
	end := at + bcd + 2
	if properties&(1<<13) != 0 {
		end += 4
	}
	if len(b) != end+int(properties&maxBody) {
		return f, fmt.Errorf("%w: %d bytes, but its header says %d", ErrFrame, len(b), end+int(properties&maxBody))
	}
	f.Terminal = b[at : at+bcd]
	at += bcd
	f.Serial = binary.BigEndian.Uint16(b[at:])
	if properties&(1<<13) != 0 {
		f.Parts, f.Part = binary.BigEndian.Uint16(b[at+2:]), binary.BigEndian.Uint16(b[at+4:])
		if f.Parts == 0 {
			return f, fmt.Errorf("%w: a message of no parts", ErrFrame)
		}
	}
	f.Body = b[end:]
	return f, nil
}

func unescape(b []byte) ([]byte, error) {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == 0x7d {
			i++
			if i == len(b) || b[i] != 1 && b[i] != 2 {
				return nil, fmt.Errorf("%w: 7d without 01 or 02 after it", ErrFrame)
			}
			c = 0x7c + b[i]
		}
		out = append(out, c)
	}
	return out, nil
}

// Append appends the frame as it goes over the wire, with its flags. Body must
// have at most 1,023 bytes.
func (f *Frame) Append(dst []byte) []byte {
	var raw [21 + maxBody + 1]byte
	b := raw[:0]
	properties := uint16(len(f.Body)) & maxBody
	if f.Parts > 0 {
		properties |= 1 << 13
	}
	if f.Edition > 0 {
		properties |= 1 << 14
	}
	b = binary.BigEndian.AppendUint16(b, f.ID)
	b = binary.BigEndian.AppendUint16(b, properties)
	if f.Edition > 0 {
		b = append(b, f.Edition)
	}
	b = append(b, f.Terminal...)
	b = binary.BigEndian.AppendUint16(b, f.Serial)
	if f.Parts > 0 {
		b = binary.BigEndian.AppendUint16(b, f.Parts)
		b = binary.BigEndian.AppendUint16(b, f.Part)
	}
	b = append(b, f.Body[:properties&maxBody]...)
	check := byte(0)
	for _, c := range b {
		check ^= c
	}
	b = append(b, check)
	dst = append(slices.Grow(dst, len(b)+8), flag)
	for _, c := range b {
		switch c {
		case flag:
			dst = append(dst, 0x7d, 2)
		case 0x7d:
			dst = append(dst, 0x7d, 1)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, flag)
}
