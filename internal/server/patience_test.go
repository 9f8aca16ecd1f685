package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/server"
)

// Whoever asks for many features at once gets room for them or is told to come
// again; small pages and single features go on.
func TestLargeAnswersAreBounded(t *testing.T) {
	c := newCity(t, nil)
	s := c.Config.Handler.(*server.Server)
	release := s.TakeAllRoom(20 * time.Millisecond)
	a := c.get("/ogc/collections/buildings/items?limit=1000")
	a.problem(503, "ask for fewer features at a time with limit=")
	require.Equal(t, "10", a.header.Get("Retry-After"))
	require.Equal(t, 200, c.get("/ogc/collections/buildings/items?limit=10").status)
	require.Equal(t, 200, c.get("/ogc/collections/buildings/items/10").status)
	release()
	require.Equal(t, 200, c.get("/ogc/collections/buildings/items?limit=1000").status)
}
