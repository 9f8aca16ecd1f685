package gtfsrt

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
)

// vehicles is a feed of two vehicles, one without a place, at a time.
func vehicles(at uint64) []byte {
	return join(
		sub(1, str(1, "2.0"), num(3, at)),
		sub(2, str(1, "8"), sub(4, sub(1, str(1, "trip-1"), str(5, "4")), sub(2, f32(1, 40.5), f32(2, -73.75), f32(3, 90), f32(5, 12.5)), num(4, 1), str(7, "250N"), sub(8, str(1, "v1"), str(2, "car 1")))),
		sub(2, str(1, "9"), sub(4, sub(1, str(1, "trip-2")))),
	)
}

func TestPositionsOfAFeed(t *testing.T) {
	f, err := Decode(vehicles(1637960185))
	require.NoError(t, err)
	list := f.Positions("buses")
	require.Len(t, list, 1)
	p := list[0]
	require.Equal(t, "v1", p.ID)
	require.Equal(t, []float64{-73.75, 40.5, 90, 12.5}, []float64{p.Lon, p.Lat, p.Course, p.Speed})
	require.Equal(t, int64(1637960185), p.Time.Unix(), "the feed's time stands in")
	require.JSONEq(t, `{"route":"4","trip":"trip-1","label":"car 1","stop":"250N","status":"STOPPED_AT"}`, string(p.Properties))
}

func TestPollTakesNewerFeedsAndOutlivesFaults(t *testing.T) {
	var asked atomic.Int64
	var conditional atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); n {
		case 1:
			http.Error(w, "later", http.StatusServiceUnavailable)
		case 2:
			_, _ = w.Write([]byte("<html>not a feed</html>"))
		case 3:
			if r.Header.Get("X-Key") != "secret" {
				http.Error(w, "no key", http.StatusForbidden)
				return
			}
			w.Header().Set("ETag", `"a"`)
			_, _ = w.Write(vehicles(1000))
		case 4:
			conditional.Store(r.Header.Get("If-None-Match") == `"a"`)
			w.WriteHeader(http.StatusNotModified)
		case 5:
			_, _ = w.Write(vehicles(1000)) // not newer
		case 6:
			_, _ = w.Write(make([]byte, MaxBytes+10))
		default:
			_, _ = w.Write(vehicles(uint64(1000 + n)))
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var times []int64
	err := Poll(ctx, PollOptions{URL: server.URL, Every: time.Second, Header: map[string]string{"X-Key": "secret"}, Feed: func(f *Feed) error {
		if times = append(times, f.Time.Unix()); len(times) == 3 {
			cancel()
		}
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, []int64{1000, 1007, 1008}, times)
	require.True(t, conditional.Load())
	require.NotErrorIs(t, ctx.Err(), context.DeadlineExceeded)
}

func TestPollRefusesWhatIsNoAddress(t *testing.T) {
	take := func(*Feed) error { return errors.New("never called") }
	for _, u := range []string{"", "ftp://host/feed", "feed.pb", "http://"} {
		require.ErrorIs(t, Poll(t.Context(), PollOptions{URL: u, Feed: take}), layers.ErrInvalid, u)
	}
	require.ErrorIs(t, Poll(t.Context(), PollOptions{URL: "http://host/"}), layers.ErrInvalid)
}
