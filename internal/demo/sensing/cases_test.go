package sensing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime"
	"twind/spatial"
)

func hotline(t testing.TB) *Cases {
	list, features := described()
	c, err := NewCases(list, func(l *layers.Layer, yield func(*layers.Feature) bool) error {
		if l.ID != "demo_streets" {
			return features(l, yield)
		}
		f := &layers.Feature{ID: "1", Properties: make([]layers.Value, len(l.Schema)), Geometry: spatial.NewLineString([]float64{112.9, 28.2, 112.91, 28.2, 112.92, 28.21})}
		f.Properties[l.PropertyIndex("name")] = layers.StringValue("文林街")
		yield(f)
		return nil
	}, DefaultSeed)
	require.NoError(t, err)
	return c
}

func TestCasesLiveThroughTheirStates(t *testing.T) {
	c, again := hotline(t), hotline(t)
	one := c.Due(monday, monday.Add(2*time.Hour), nil)
	require.Equal(t, len(one), len(again.Due(monday, monday.Add(2*time.Hour), nil)))
	next := map[string][]string{
		"": {"new"}, "new": {"accepted", "rejected"}, "accepted": {"dispatched"}, "dispatched": {"handling"},
		"handling": {"handled"}, "handled": {"verified"}, "verified": {"closed"},
	}
	states, ids := map[string]string{}, map[string]time.Time{}
	begun, ended, late, parts := 0, 0, 0, 0
	due := map[string]time.Time{}
	for s := range 2 * 3600 / 5 {
		from := monday.Add(time.Duration(5*s) * time.Second)
		for _, r := range c.Due(from, from.Add(5*time.Second), nil) {
			if states[r.ID] == "" && r.State != "new" {
				continue // reported before the first moment
			}
			require.Contains(t, next[states[r.ID]], r.State, r.ID)
			require.False(t, r.Time.Before(ids[r.ID]))
			states[r.ID], ids[r.ID] = r.State, r.Time
			switch r.State {
			case "new":
				begun++
				require.NotNil(t, r.Title)
				require.NotEmpty(t, *r.Text)
				require.NotEmpty(t, r.Title.EN)
				require.True(t, r.Lon > 90 && r.Lat > 10)
				require.Contains(t, string(r.Properties), `"generated":true`)
				due[r.ID] = r.Deadlines["closed"]
				if r.Entity != "" {
					parts++
				}
			case "dispatched":
				require.NotEmpty(t, *r.Owner)
			case "closed", "rejected":
				ended++
				if r.State == "closed" && r.Time.After(due[r.ID]) {
					late++
				}
			}
		}
	}
	require.InDelta(t, 2*3600/caseEvery, begun, 1)
	require.Greater(t, ended, begun*8/10)
	require.Less(t, begun-ended, 60, "they do not pile up")
	require.Greater(t, late, 5, "some are late")
	require.Less(t, late, begun/4)
	require.Greater(t, parts, 20, "some are about city parts")
}

func TestCasesAreTakenUpAgain(t *testing.T) {
	c := hotline(t)
	now := monday.Add(3 * time.Hour)
	fresh := c.Resume(nil, now, nil)
	require.Greater(t, len(fresh), 20)
	open := map[string]string{}
	for _, r := range fresh {
		require.False(t, r.Time.After(now))
		open[r.ID] = r.State
	}
	var events []realtime.Event
	for id, state := range open {
		events = append(events, realtime.Event{ID: id, State: state})
	}
	require.Empty(t, c.Resume(events, now, nil), "what is known needs nothing")
	later := c.Resume(events, now.Add(time.Hour), nil)
	ended := 0
	for _, r := range later {
		if _, before := open[r.ID]; before {
			require.Contains(t, []string{"closed", "rejected"}, r.State)
			ended++
		}
	}
	require.Equal(t, len(open), ended, "all that were open are over after an hour")
	others := append(events, realtime.Event{ID: "somebody-else", State: "new"})
	require.Empty(t, c.Resume(others, now, nil), "other people's cases are left alone")
}
