package mqtt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"twind/layers"
	"twind/realtime"
)

// Readings is where observations go: a *realtime.Observatory.
type Readings interface {
	Apply(ctx context.Context, batch []realtime.Observation) (realtime.Result, error)
}

// readingsTopic takes observations; what follows it tells subscribers apart.
const readingsTopic = "twind/_observations"

func isReadings(topic string) bool {
	rest, ok := strings.CutPrefix(topic, readingsTopic)
	return ok && (rest == "" || rest[0] == '/')
}

// takeReadings is take with a message of observations.
func (g *ingest) takeReadings(ctx context.Context, payload []byte, durable bool) error {
	err := g.applyReadings(ctx, payload)
	if err == nil && durable {
		err = g.sink.Recorded(ctx)
	}
	return g.counted(err)
}

func (g *ingest) applyReadings(ctx context.Context, payload []byte) error {
	switch {
	case g.readings == nil:
		return layers.Errorf(layers.ErrInvalid, "this server takes no observations")
	case len(payload) > MaxMessage:
		return layers.Errorf(layers.ErrInvalid, "a message of %d bytes, at most %d are taken; send fewer observations at a time", len(payload), MaxMessage)
	}
	r := realtime.NewReader(bytes.NewReader(payload), isLines(payload))
	batch := make([]realtime.Observation, 0, 16)
	accepted, reason := 0, ""
	var broken error // what ends the message early
	refuse := func(why string) {
		if reason == "" {
			reason = why
		}
	}
	for end := false; !end; {
		var o realtime.Observation
		_, err := r.NextObservation(&o)
		var item *realtime.ItemError
		switch {
		case err == nil:
			batch = append(batch, o)
		case errors.As(err, &item):
			refuse(item.Err.Error())
		case errors.Is(err, io.EOF):
			end = true
		default:
			broken, end = err, true
		}
		if len(batch) < maxBatch && !end || len(batch) == 0 {
			continue
		}
		result, err := g.readings.Apply(ctx, batch)
		if err != nil {
			return err
		}
		batch = batch[:0]
		accepted += result.Accepted
		for _, x := range result.Refused {
			if x.Outcome == realtime.Duplicate {
				accepted++ // sent again, as QoS 1 does: it is there
			}
			refuse(x.Reason)
		}
		if result.Unrecorded > 0 {
			return result.JournalError
		}
	}
	if broken != nil {
		return layers.Errorf(layers.ErrInvalid, "%w", broken)
	}
	if accepted == 0 && reason != "" {
		return layers.Errorf(layers.ErrInvalid, "%s", reason)
	}
	return nil
}
