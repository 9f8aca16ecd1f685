package layers

import (
	"errors"
	"fmt"
)

// The kinds of error that stores, snapshots and importers return; test with
// errors.Is. The HTTP server and the command line map each to one status.
var (
	ErrNotFound    = errors.New("not found")         // 404
	ErrExists      = errors.New("exists already")    // 409
	ErrConflict    = errors.New("changed meanwhile") // 412
	ErrInvalid     = errors.New("invalid")           // 400
	ErrReadOnly    = errors.New("read-only")         // 403
	ErrUnsupported = errors.New("not supported")     // 501
	ErrUnavailable = errors.New("not available now") // 503
	ErrCorrupt     = errors.New("damaged")           // 500
)

type kindError struct {
	kind error
	text string
	wrap error
}

func (e *kindError) Error() string   { return e.text }
func (e *kindError) Is(t error) bool { return t == e.kind }
func (e *kindError) Unwrap() error   { return e.wrap }

// Errorf makes an error of a kind whose text is one sentence for the user: what
// is wrong, where, and how to mend it. An error among args given to %w is
// unwrapped too.
func Errorf(kind error, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &kindError{kind, err.Error(), errors.Unwrap(err)}
}
