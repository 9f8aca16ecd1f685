package postgis_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/layers/snapshot"
)

// TestSnapshotFollows edits a layer and published tables by SQL and by another
// process, and finds the running catalog equal to the store: what the tiles, the
// API and everything else read.
func TestSnapshotFollows(t *testing.T) {
	dsn := pgtest.DSN(t)
	execute(t, dsn, others)
	s := open(t, dsn, postgis.Options{PollEvery: 100 * time.Millisecond, Published: []postgis.Published{{Table: "gis.roads"}, {Table: "gis.wells", Triggers: true}, {Table: "gis.large", Key: "gid"}}})
	require.NoError(t, s.CreateLayer(ctx, houses))
	_, err := s.Load(ctx, "houses", layers.Append, each(house("a", 1), house("b", 2), house("c", 3)))
	require.NoError(t, err)
	dir := t.TempDir()
	c, err := snapshot.Open(ctx, s, snapshot.Options{Dir: dir})
	require.NoError(t, err)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(running) }()
	view := func(id layers.ID) map[string]*layers.Feature {
		out := map[string]*layers.Feature{}
		v, err := c.View(id)
		require.NoError(t, err)
		defer v.Release()
		require.NoError(t, v.Scan(ctx, layers.Query{}, func(f *layers.Feature) error {
			out[f.ID] = f.Clone()
			return nil
		}))
		return out
	}
	equal := func(id layers.ID) {
		t.Helper()
		deadline := time.Now().Add(30 * time.Second)
		for {
			want, got := all(t, s, id, layers.Query{}), view(id)
			same := slices.Equal(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
			for k, f := range want {
				same = same && got[k] != nil && got[k].Revision == f.Revision && fmt.Sprint(got[k]) == fmt.Sprint(f)
			}
			if same {
				return
			}
			require.True(t, time.Now().Before(deadline), "layer %s: the snapshot differs from the store", id)
			time.Sleep(10 * time.Millisecond)
		}
	}
	for _, l := range c.Layers() {
		equal(l.ID)
	}
	require.Len(t, c.Layers(), 4)
	other := open(t, dsn, postgis.Options{})
	for i, sql := range []string{
		"UPDATE twind.houses SET height = 99 WHERE id = 'a'; DELETE FROM twind.houses WHERE id = 'b'",
		"UPDATE gis.wells SET depth = 3; INSERT INTO gis.wells VALUES ('x', NULL, 1)",
		"DELETE FROM gis.wells WHERE code = 'x'",
		"DELETE FROM gis.roads WHERE id = 3",
		"UPDATE public.parcels SET name = 'new'",
		"TRUNCATE gis.wells",
		"INSERT INTO gis.wells VALUES ('y', NULL, 1)",
	} {
		execute(t, dsn, sql)
		_, err := other.Load(ctx, "houses", layers.Upsert, each(house("c", 10+i), house(fmt.Sprint("n", i), i)))
		require.NoError(t, err)
		for _, l := range c.Layers() {
			equal(l.ID)
		}
	}
	require.Equal(t, 99.0, view("houses")["a"].Properties[1].Float())
	require.Len(t, view("roads"), 9)
	require.Equal(t, layers.StringValue("new"), view("large")["5"].Properties[1])
	require.NoError(t, other.DropLayer(ctx, "houses"))
	require.Eventually(t, func() bool { return len(c.Layers()) == 3 }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, c.Check(ctx, func(fault string) error {
		t.Error(fault)
		return nil
	}))
	stop()
	<-ended
	require.NoError(t, c.Close())

	// Another catalog finds its bases again, and what changed meanwhile.
	execute(t, dsn, "INSERT INTO gis.wells VALUES ('z', NULL, 1)")
	c, err = snapshot.Open(ctx, s, snapshot.Options{Dir: dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	require.Len(t, view("wells"), 2)
	equal("wells")
	equal("roads")
}
