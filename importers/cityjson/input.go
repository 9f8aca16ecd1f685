package cityjson

import (
	"errors"
	"io"
)

var errTooLong = errors.New("too long")

// limiter stops a document that is too long.
type limiter struct {
	r           io.Reader
	limit, left int64
}

func (l *limiter) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	if int64(len(b)) > l.left {
		b = b[:l.left]
	}
	n, err := l.r.Read(b)
	l.left -= int64(n)
	return n, err
}
