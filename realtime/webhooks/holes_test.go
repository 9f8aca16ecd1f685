package webhooks_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/realtime/history"
)

// TestAHoleAsWideAsThousandsOfEventsIsSkippedAndTold has a log whose first event
// that is left is further away than one batch looks.
func TestAHoleAsWideAsThousandsOfEventsIsSkippedAndTold(t *testing.T) {
	p := open(t, nil)
	p.stop()
	p.past = history.Options{SealBytes: 1, Retention: map[layers.ID]history.Retention{history.EventsStream: {Bytes: 1}}}
	p.start()
	r := &receiver{t: t}
	url := r.serve().URL
	p.put("desk", `{"url":"`+url+`","secret":"`+secret+`","off":true}`)
	p.happen("fence", 5000)
	for range 3 {
		p.happen("fence", 1)
	}
	first := func() (n uint64) {
		require.NoError(t, p.log.Events(t.Context(), 0, func(e *realtime.Event) error {
			if n == 0 {
				n = e.Sequence
			}
			return nil
		}))
		return n
	}
	require.Eventually(t, func() bool { return first() == 5003 }, 20*time.Second, 5*time.Millisecond)
	p.put("desk", `{"url":"`+url+`"}`)
	p.comes("desk", 5003)
	require.Equal(t, []uint64{5003}, r.got())
	require.Equal(t, []string{"5002"}, r.missed)
	require.EqualValues(t, 5002, p.status("desk").Missed)

	_, err := p.hooks.Replay("desk", 0)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(r.got()) == 2 }, 20*time.Second, 2*time.Millisecond)
	require.Equal(t, []uint64{5003, 5003}, r.got(), "a replay too")
}
