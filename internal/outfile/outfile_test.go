package outfile_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/internal/outfile"
)

func put(t *testing.T, path, text string) error {
	t.Helper()
	f, err := outfile.Create(t.Context(), path)
	if err != nil {
		return err
	}
	defer f.Abort()
	_, err = io.WriteString(f, text)
	require.NoError(t, err)
	require.EqualValues(t, len(text), f.Size())
	return f.Commit()
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestAFileAppearsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	require.NoError(t, put(t, path, "one"))
	require.NoError(t, put(t, path, "two"))
	require.Equal(t, "two", content(t, path))
	f, err := outfile.Create(t.Context(), path)
	require.NoError(t, err)
	_, err = io.WriteString(f, "half")
	require.NoError(t, err)
	f.Abort()
	require.Equal(t, "two", content(t, path))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Error(t, put(t, filepath.Join(dir, "none", "a.txt"), "x"))
}

func TestLinksStay(t *testing.T) {
	dir := t.TempDir()
	far := filepath.Join(dir, "far")
	require.NoError(t, os.Mkdir(far, 0o755))
	target, link, second := filepath.Join(far, "target.txt"), filepath.Join(dir, "link.txt"), filepath.Join(dir, "second.txt")
	require.NoError(t, os.Symlink(filepath.Join("far", "target.txt"), link))
	require.NoError(t, os.Symlink("link.txt", second))
	for _, text := range []string{"made", "replaced"} { // the first time the link's end is not there
		require.NoError(t, put(t, second, text))
		require.Equal(t, text, content(t, target))
		for _, l := range []string{link, second} {
			info, err := os.Lstat(l)
			require.NoError(t, err)
			require.NotZero(t, info.Mode()&os.ModeSymlink)
		}
	}
	circle := filepath.Join(dir, "circle")
	require.NoError(t, os.Symlink("circle", circle))
	require.ErrorContains(t, put(t, circle, "x"), "circle")
}

func TestAPipeIsWrittenTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	read := make(chan string)
	go func() {
		b, _ := os.ReadFile(path)
		read <- string(b)
	}()
	require.NoError(t, put(t, path, "through"))
	require.Equal(t, "through", <-read)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeNamedPipe, "it is still a pipe")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = outfile.Create(ctx, path)
	require.ErrorIs(t, err, context.DeadlineExceeded, "nobody reads")
	r, err := os.OpenFile(path, os.O_RDWR, 0) // lets the opening end
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func TestWhatIsNoFile(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // short: a socket's name may have 107 bytes
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "unix", path)
	require.NoError(t, err)
	defer ln.Close()
	require.ErrorContains(t, put(t, path, "x"), "a socket")
	_, streams, err := outfile.Resolve(os.DevNull) // only looked at
	require.NoError(t, err)
	require.True(t, streams)
}

func TestSameAndWithin(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "c.gpkg")
	require.NoError(t, os.WriteFile(store, []byte("x"), 0o600))
	link, hard := filepath.Join(dir, "link"), filepath.Join(dir, "hard")
	require.NoError(t, os.Symlink(store, link))
	require.NoError(t, os.Link(store, hard))
	other := filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, []byte("x"), 0o600))
	for _, name := range []string{store, link, hard, filepath.Join(dir, ".", "c.gpkg")} {
		require.True(t, outfile.Same(name, store), name)
	}
	require.False(t, outfile.Same(other, store))
	require.False(t, outfile.Same(filepath.Join(dir, "new"), store))
	elsewhere := filepath.Join(dir, "elsewhere")
	require.NoError(t, os.Symlink(dir, elsewhere))
	require.True(t, outfile.Same(filepath.Join(elsewhere, "c.gpkg-wal"), store+"-wal"), "neither is there yet")
	require.True(t, outfile.Within(filepath.Join(elsewhere, "x"), dir))
	require.True(t, outfile.Within(dir, elsewhere))
	require.True(t, outfile.Within(filepath.Join(dir, "..name"), dir))
	require.False(t, outfile.Within(filepath.Join(dir, "..", "x"), dir))
	require.False(t, outfile.Within(dir+"x", dir))
	for _, name := range []string{"-", "/dev/stdout"} {
		require.True(t, outfile.IsStandard(name))
	}
	require.False(t, outfile.IsStandard("stdout"))
}

func TestAReaderThatLeavesIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	left := make(chan error, 1)
	go func() {
		r, err := os.Open(path)
		if err == nil {
			err = r.Close()
		}
		left <- err
	}()
	f, err := outfile.Create(t.Context(), path)
	require.NoError(t, err)
	defer f.Abort()
	require.NoError(t, <-left)
	_, err = f.Write(make([]byte, 1<<20))
	require.Equal(t, syscall.EPIPE, err, "without a name: who called has the user's")
}
