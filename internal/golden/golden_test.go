package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEqual(t *testing.T) {
	was := *update
	defer func() { *update = was }()
	path := filepath.Join(t.TempDir(), "deep", "file.txt")
	*update = true
	Equal(t, path, "one\n")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "one\n", string(b))
	*update = false
	Equal(t, path, "one\n")
}
