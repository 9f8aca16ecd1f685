package jt808

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// Registration is message 0100.
type Registration struct {
	Province, County uint16
	Maker            string
	Model            string
	TerminalID       string
	PlateColor       byte   // 0: Plate is the vehicle's identification number
	Plate            string // such as 粤A12345
}

// DecodeRegistration reads the body of message 0100 of an edition (Frame.Edition);
// the layout of 2011 is known by its length. It fails with ErrMalformed.
func DecodeRegistration(body []byte, edition byte) (r Registration, err error) {
	sizes := [3]int{5, 20, 7}
	switch {
	case edition > 0:
		sizes = [3]int{11, 30, 30}
	case len(body) < 37:
		sizes = [3]int{5, 8, 7}
	}
	fixed := 4 + sizes[0] + sizes[1] + sizes[2] + 1
	if len(body) < fixed {
		return r, fmt.Errorf("%w: a registration of %d bytes, at least %d are needed", ErrMalformed, len(body), fixed)
	}
	r.Province, r.County = uint16(body[0])<<8|uint16(body[1]), uint16(body[2])<<8|uint16(body[3])
	at := 4
	for i, dst := range []*string{&r.Maker, &r.Model, &r.TerminalID} {
		*dst = text(body[at : at+sizes[i]])
		at += sizes[i]
	}
	r.PlateColor, r.Plate = body[at], text(body[at+1:])
	return r, nil
}

// text reads GBK between zeros and blanks.
func text(b []byte) string {
	b = bytes.Trim(b, "\x00 ")
	s, err := simplifiedchinese.GBK.NewDecoder().Bytes(b)
	if err != nil {
		s = b
	}
	return strings.ToValidUTF8(string(s), "�")
}

// Authentication is message 0102.
type Authentication struct {
	Token    string
	IMEI     string // 2019
	Software string // 2019: its version
}

// DecodeAuthentication reads the body of message 0102 of an edition. It fails
// with ErrMalformed.
func DecodeAuthentication(body []byte, edition byte) (a Authentication, err error) {
	if edition == 0 {
		return Authentication{Token: text(body)}, nil
	}
	if len(body) < 1 || len(body) < 1+int(body[0])+15 {
		return a, fmt.Errorf("%w: an authentication of %d bytes", ErrMalformed, len(body))
	}
	n := 1 + int(body[0])
	return Authentication{text(body[1:n]), text(body[n : n+15]), text(body[n+15:])}, nil
}
