package webhooks

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twind/layers"
	"twind/realtime/history"
)

func TestAddressesWhereNoReceiverIs(t *testing.T) {
	log, err := history.Open(history.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	defer log.Close()
	dir := t.TempDir()
	hooks, err := Open(Options{Dir: dir, Log: log})
	require.NoError(t, err)
	defer hooks.Close()
	for host, says := range map[string]string{
		"169.254.169.254":          "link-local",
		"169.254.170.2:8080":       "link-local",
		"0.0.0.0:80":               "unspecified",
		"224.0.0.1":                "multicast",
		"255.255.255.255":          "broadcast",
		"[::]":                     "unspecified",
		"[fe80::1%25eth0]":         "link-local",
		"[ff02::1]":                "multicast",
		"100.100.100.200":          "secrets",
		"[fd00:ec2::254]":          "secrets",
		"[fd00:ec2::254%25eth0]":   "secrets",
		"[::ffff:169.254.169.254]": "link-local",
		"[::ffff:6464:64c8]":       "secrets",
		"[64:ff9b::a9fe:a9fe]":     "stands for 169.254.169.254",
		"[64:ff9b::6464:64c8]":     "stands for 100.100.100.200",
		"[2002:a9fe:a9fe::1]":      "stands for 169.254.169.254",
		"a.example:0":              "port 0",
		"a.example:65536":          "port 65536",
	} {
		_, _, _, err := hooks.Put("desk", []byte(`{"url":"http://`+host+`/x"}`))
		require.ErrorIs(t, err, layers.ErrInvalid, host)
		require.ErrorContains(t, err, says, host)
	}
	for _, host := range []string{"a.example", "a.example:65535", "10.1.2.3:80", "127.0.0.1", "[::1]:9", "[fd00:ec2::253]", "[64:ff9b::a01:203]", "[::ffff:10.1.2.3]"} {
		_, _, _, err := hooks.Put("desk", []byte(`{"url":"http://`+host+`/x"}`))
		require.NoError(t, err, host)
	}

	// One of before this was checked keeps no server from its start.
	old := []byte(`[{"id":"old","url":"http://169.254.169.254/","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}]`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "webhooks.json"), old, 0o600))
	again, err := Open(Options{Dir: dir, Log: log})
	require.NoError(t, err)
	require.Len(t, again.List(), 1)
	require.NoError(t, again.Close())
}

// TestWhatANameStandsForIsCheckedWhenItIsDialled dials what a name might be looked
// up as.
func TestWhatANameStandsForIsCheckedWhenItIsDialled(t *testing.T) {
	for _, address := range []string{"169.254.169.254:80", "100.100.100.200:80", "[fd00:ec2::254]:80", "[::ffff:169.254.169.254]:80", "[64:ff9b::a9fe:a9fe]:80", "0.0.0.0:80", "[fe80::1%1]:80"} {
		require.ErrorContains(t, checkDial("tcp", address, nil), "events are not posted there", address)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://169.254.169.254/", nil)
		require.NoError(t, err)
		resp, err := newClient(time.Second).Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		require.ErrorContains(t, err, "link-local", "the client asks")
	}
	require.NoError(t, checkDial("tcp", "10.1.2.3:80", nil))
	require.ErrorContains(t, checkDial("tcp", "nonsense", nil), "no address")
}
