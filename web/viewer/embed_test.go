package viewer

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFSAlwaysHasAPage(t *testing.T) {
	page, err := fs.ReadFile(FS(), "index.html")
	require.NoError(t, err)
	require.Equal(t, !Built(), strings.Contains(string(page), "make viewer"))
}

// The Content-Security-Policy forbids inline scripts and styles: a page with
// them would look right in development and be blank in production.
func TestPagesCarryNothingInline(t *testing.T) {
	for _, root := range []string{"missing", "dist"} {
		page, err := fs.ReadFile(files, root+"/index.html")
		if root == "dist" && !Built() {
			require.ErrorIs(t, err, fs.ErrNotExist)
			continue
		}
		require.NoError(t, err)
		text := strings.ToLower(string(page))
		require.NotContains(t, text, "<style", root)
		require.NotContains(t, text, " style=", root)
		require.NotContains(t, text, "<script>", root)
		require.NotContains(t, text, "//cdn", root)
		require.NotContains(t, text, "https://", root)
	}
}
