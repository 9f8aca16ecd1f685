package jt808

import (
	"encoding/binary"
	"time"
)

// result is the last byte of the general answer 8001.
type result byte

const (
	resultDone        result = 0
	resultFailed      result = 1
	resultMalformed   result = 2
	resultUnsupported result = 3
)

// Results of a registration.
const (
	registered      = 0
	terminalUnknown = 4
)

// reply is the general answer to a frame.
func reply(f *Frame, r result) []byte {
	b := binary.BigEndian.AppendUint16(nil, f.Serial)
	b = binary.BigEndian.AppendUint16(b, f.ID)
	return append(b, byte(r))
}

// registerReply is the body of message 8100; token follows success only.
func registerReply(f *Frame, code byte, token string) []byte {
	b := append(binary.BigEndian.AppendUint16(nil, f.Serial), code)
	if code == registered {
		b = append(b, token...)
	}
	return b
}

// resend is the body of message 8003: the parts that are missing of the message
// whose first part had a serial. The count has one byte before 2019, then two.
func resend(edition byte, serial uint16, parts []uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, serial)
	if edition == 0 {
		b = append(b, byte(min(255, len(parts))))
		parts = parts[:min(255, len(parts))]
	} else {
		b = binary.BigEndian.AppendUint16(b, uint16(len(parts)))
	}
	for _, p := range parts {
		b = binary.BigEndian.AppendUint16(b, p)
	}
	return b
}

// timeReply is the body of message 8004, in UTC, the one time of the protocol
// that is.
func timeReply(t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	b := make([]byte, 0, 6)
	for _, v := range []int{year % 100, int(month), day, t.Hour(), t.Minute(), t.Second()} {
		b = append(b, byte(v/10<<4|v%10))
	}
	return b
}
