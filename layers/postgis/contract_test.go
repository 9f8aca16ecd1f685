package postgis_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twind/internal/pgtest"
	"twind/layers"
	"twind/layers/postgis"
	"twind/layers/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) layers.Store {
		dsn := pgtest.DSN(t)
		open := func() layers.Store {
			s, err := postgis.Open(t.Context(), dsn, postgis.Options{})
			require.NoError(t, err)
			return s
		}
		return storetest.Reopenable(open(), open)
	})
}
