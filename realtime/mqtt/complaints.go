package mqtt

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Complaints in the log are few: a client that sends nonsense sends much of it.
const (
	complaintsAtOnce = 5
	complaintEvery   = time.Minute
)

// complaints writes warnings about what clients send, complaintsAtOnce in each
// complaintEvery; the next one says how many there were besides.
type complaints struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex // guards what follows
	since  time.Time
	said   int
	unsaid int
}

func (c *complaints) about(message, key, value, client string, err error) {
	c.mu.Lock()
	now := c.now()
	if now.Sub(c.since) >= complaintEvery {
		c.since, c.said = now, 0
	}
	if c.said++; c.said > complaintsAtOnce {
		c.unsaid++
		c.mu.Unlock()
		return
	}
	unsaid := c.unsaid
	c.unsaid = 0
	c.mu.Unlock()
	attrs := []any{key, fmt.Sprintf("%.120q", value), "client", fmt.Sprintf("%.60q", client), "error", fmt.Sprintf("%.300v", err)}
	if unsaid > 0 {
		attrs = append(attrs, "others", unsaid)
	}
	c.log.Warn(message, attrs...)
}
