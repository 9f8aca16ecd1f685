package sensorthings

import (
	"fmt"
	"net/http"
)

// problem is an error with the status of HTTP that tells it.
type problem struct {
	status  int
	message string
}

func (p *problem) Error() string { return p.message }

func bad(format string, args ...any) error {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &problem{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// short cuts what a client wrote for a message.
func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
