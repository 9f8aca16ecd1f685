package mqtt

import (
	"context"
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

// may tells whether another warning may be written, and how many were not before it.
func (c *complaints) may() (unsaid int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.since) >= complaintEvery {
		c.since, c.said = now, 0
	}
	if c.said++; c.said > complaintsAtOnce {
		c.unsaid++
		return 0, false
	}
	unsaid, c.unsaid = c.unsaid, 0
	return unsaid, true
}

func (c *complaints) about(message, key, value, client string, err error) {
	unsaid, ok := c.may()
	if !ok {
		return
	}
	attrs := []any{key, fmt.Sprintf("%.120q", value), "client", fmt.Sprintf("%.60q", client), "error", fmt.Sprintf("%.300v", err)}
	if unsaid > 0 {
		attrs = append(attrs, "others", unsaid)
	}
	c.log.Warn(message, attrs...)
}

// alreadySaid is the library's message of what a hook refused: the hook says it.
const alreadySaid = "publish packet error"

// quiet passes on what an operator must know: the library warns of each client
// that goes away, and adds whole packets, with payloads and passwords, to its
// errors.
func (c *complaints) quiet() *slog.Logger { return slog.New(levelled{c.log.Handler(), c}) }

type levelled struct {
	slog.Handler
	complain *complaints
}

func (l levelled) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && l.Handler.Enabled(ctx, level)
}

// Handle passes a record on as a warning, without packets.
func (l levelled) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == alreadySaid || !l.Handler.Enabled(ctx, slog.LevelWarn) {
		return nil
	}
	unsaid, ok := l.complain.may()
	if !ok {
		return nil
	}
	short := slog.NewRecord(r.Time, slog.LevelWarn, "MQTT: "+r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" || a.Key == "client" || a.Key == "listener" {
			short.AddAttrs(slog.String(a.Key, fmt.Sprintf("%.200v", a.Value.Any())))
		}
		return true
	})
	if unsaid > 0 {
		short.AddAttrs(slog.Int("others", unsaid))
	}
	return l.Handler.Handle(ctx, short)
}

func (l levelled) WithAttrs(a []slog.Attr) slog.Handler {
	return levelled{l.Handler.WithAttrs(a), l.complain}
}

func (l levelled) WithGroup(n string) slog.Handler {
	return levelled{l.Handler.WithGroup(n), l.complain}
}
