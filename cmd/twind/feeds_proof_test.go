//go:build proof

package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// serving is a running `twind serve`.
func servingWith(t *testing.T, config string, args ...string) (url string) {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var out, errOut lockedBuffer
	done := make(chan int, 1)
	args = append([]string{"serve", "--addr", "127.0.0.1:0", "--store", "geopackage:" + filepath.Join(dir, "city.gpkg"), "--config", write(t, "twind.yaml", config)}, args...)
	go func() { done <- run(ctx, args, &out, &errOut) }()
	t.Cleanup(func() {
		cancel()
		require.Zero(t, <-done, errOut.String())
	})
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	require.Eventually(t, func() bool { return address.MatchString(out.String()) }, 30*time.Second, 10*time.Millisecond, "%s", &errOut)
	return address.FindString(out.String())
}

func item(t *testing.T, url, id string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ogc/collections/vehicles/items/"+id, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(b)
}

const liveVehicles = "live:\n  - {id: vehicles, title: {zh: 车辆, en: Vehicles}, removed: 1h}\n"

// mosquitto runs one of Debian's mosquitto programs.
func mosquitto(t *testing.T, program, addr string, args ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := exec.CommandContext(ctx, program, append([]string{"-h", host, "-p", port}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s: %s", program, b)
	return string(b)
}

// hears runs a mosquitto_sub until it has heard as many messages, and returns once
// it has subscribed; what it heard is asked of the function that it returns.
func hears(t *testing.T, addr string, messages int, args ...string) func() string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	// Its messages about itself (-d) say when; without stdbuf they come in the end.
	sub := exec.CommandContext(ctx, "stdbuf", append([]string{"-oL", "mosquitto_sub", "-d", "-h", host, "-p", port, "-C", strconv.Itoa(messages)}, args...)...)
	out, err := sub.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, sub.Start())
	said, heard := make(chan string, 1000), make(chan string, 1)
	go func() {
		var lines []string
		for s := bufio.NewScanner(out); s.Scan(); {
			if line := s.Text(); strings.HasPrefix(line, "Client ") || strings.HasPrefix(line, "Subscribed ") {
				said <- line
			} else {
				lines = append(lines, line)
			}
		}
		_ = sub.Wait()
		close(said)
		heard <- strings.Join(lines, "\n")
	}()
	for line := range said {
		if strings.HasPrefix(line, "Subscribed ") {
			return func() string { return <-heard }
		}
	}
	require.Fail(t, "mosquitto_sub has not subscribed", "%s", <-heard)
	return nil
}

func positionOf(id string) string {
	return fmt.Sprintf(`{"id":%q,"time":%q,"lon":113.5,"lat":34.8}`, id, time.Now().UTC().Format(time.RFC3339Nano))
}

func TestMosquittoClientsAgainstTheEmbeddedBroker(t *testing.T) {
	addr := freeAddress(t)
	url := servingWith(t, liveVehicles, "--mqtt", addr)
	for i, version := range []string{"mqttv311", "5"} {
		heard := hears(t, addr, 1, "-V", version, "-t", "twind/vehicles/+")
		id := fmt.Sprintf("bus-%d", i)
		mosquitto(t, "mosquitto_pub", addr, "-V", version, "-q", "1", "-t", "twind/vehicles/"+id, "-m", positionOf(id))
		require.Contains(t, item(t, url, id), `"coordinates":[113.5,34.8]`)
		require.Contains(t, heard(), `"id":"`+id+`"`)
	}
}

// Clients that keep their session and go away get what came meanwhile, in order.
func TestMosquittoClientsThatWereAwayGetWhatCameMeanwhile(t *testing.T) {
	addr := freeAddress(t)
	url := servingWith(t, liveVehicles, "--mqtt", addr)
	for _, session := range [][]string{{"-V", "mqttv311", "-i", "desk-3"}, {"-V", "5", "-i", "desk-5", "-x", "600"}} {
		session = append(session, "-c", "-q", "1", "-t", "twind/vehicles/+")
		first := hears(t, addr, 1, session...)
		mosquitto(t, "mosquitto_pub", addr, "-q", "1", "-t", "twind/vehicles/bus", "-m", positionOf("bus"))
		require.Contains(t, first(), `"id":"bus"`)
		for i := range 5 {
			id := fmt.Sprintf("%s-%d", session[3], i)
			mosquitto(t, "mosquitto_pub", addr, "-q", "1", "-t", "twind/vehicles/"+id, "-m", positionOf(id))
		}
		lines := strings.Split(strings.TrimSpace(mosquitto(t, "mosquitto_sub", addr, append(session, "-C", "5")...)), "\n")
		require.Len(t, lines, 5)
		for i, line := range lines {
			require.Contains(t, line, fmt.Sprintf(`"id":"%s-%d"`, session[3], i))
		}
	}
	require.Contains(t, get(t, url+"/metrics"), "twind_mqtt_dropped_total 0")
}

// Who comes back while something waits subscribes again with an id that the waiting
// message has too; mosquitto_sub leaves when that is refused.
func TestMosquittoClientsThatComeBackSubscribeAgain(t *testing.T) {
	addr := freeAddress(t)
	servingWith(t, liveVehicles, "--mqtt", addr)
	for _, session := range [][]string{{"-V", "mqttv311", "-i", "desk-3"}, {"-V", "5", "-i", "desk-5", "-x", "600"}} {
		for _, qos := range []string{"1", "2"} {
			args := append(slices.Clone(session), "-c", "-q", qos, "-t", "twind/#")
			mosquitto(t, "mosquitto_sub", addr, append(args, "-E")...)
			send := func(id string) {
				mosquitto(t, "mosquitto_pub", addr, "-q", qos, "-t", "twind/vehicles/"+id, "-m", positionOf(id))
			}
			send("waits")
			heard := hears(t, addr, 3, args...)
			send("second")
			send("third")
			lines := strings.Split(strings.TrimSpace(heard()), "\n")
			require.Len(t, lines, 3, "%v", args)
			for i, id := range []string{"waits", "second", "third"} {
				require.Contains(t, lines[i], `"id":"`+id+`"`)
			}
		}
	}
}

// post sends a body and returns what is answered.
func post(t *testing.T, address, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Less(t, resp.StatusCode, 300, "%s", b)
	return string(b)
}

func get(t *testing.T, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}

const pumpThing = `{"name":"pump","description":"p","Locations":[{"name":"l","description":"l","encodingType":"application/geo+json","location":{"type":"Point","coordinates":[113.5,34.8]}}],
"Datastreams":[{"name":"level","description":"d","observationType":"m","unitOfMeasurement":{"name":"metre","symbol":"m","definition":"m"},
"Sensor":{"name":"s","description":"s","encodingType":"text/plain","metadata":"m"},"ObservedProperty":{"name":"p","definition":"d","description":"p"}}]}`

func TestMosquittoClientsAndSensorThings(t *testing.T) {
	addr := freeAddress(t)
	url := servingWith(t, liveVehicles, "--mqtt", addr)
	const root = "/sensorthings/v1.1"
	require.Contains(t, get(t, url+root), `"endpoints":["mqtt://`+addr+`"]`)
	post(t, url+root+"/Things", pumpThing)
	for i, version := range []string{"mqttv311", "5"} {
		tells := map[string]string{
			"v1.1/Datastreams(1)/Observations":                fmt.Sprintf(`"@iot.selfLink":"%s%s/Observations(%d)"`, url, root, i+1),
			"v1.1/Observations?$select=result,phenomenonTime": fmt.Sprintf(`{"phenomenonTime":"2026-11-22T08:00:00Z","result":%d.5}`, i),
			"v1.1/Things(1)/name":                             fmt.Sprintf(`{"name":"泵 %d"}`, i),
			"v1.1/Things(1)":                                  fmt.Sprintf(`"name":"泵 %d"`, i),
		}
		heard := map[string]func() string{}
		for topic := range tells {
			heard[topic] = hears(t, addr, 1, "-V", version, "-q", "1", "-t", topic)
		}
		mosquitto(t, "mosquitto_pub", addr, "-V", version, "-q", "1", "-t", "v1.1/Datastreams(1)/Observations", "-m",
			fmt.Sprintf(`{"phenomenonTime":"2026-11-22T08:00:00Z","result":%d.5}`, i))
		require.Contains(t, get(t, fmt.Sprintf("%s%s/Observations(%d)/result/$value", url, root, i+1)), fmt.Sprintf("%d.5", i), "the acknowledgement means that it is there")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, url+root+"/Things(1)", strings.NewReader(fmt.Sprintf(`{"name":"泵 %d"}`, i)))
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		for topic, want := range tells {
			require.Contains(t, heard[topic](), want, "%s by %s", topic, version)
		}
		// A wildcard and nonsense are refused; the broker goes on.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		host, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		out, _ := exec.CommandContext(ctx, "mosquitto_sub", "-h", host, "-p", port, "-V", version, "-t", "v1.1/#", "-C", "1", "-W", "5").CombinedOutput()
		cancel()
		require.Contains(t, strings.ToLower(string(out)), "denied", "%s", out)
		mosquitto(t, "mosquitto_pub", addr, "-V", version, "-t", "v1.1/Datastreams(1)/Observations", "-m", "nonsense")
	}
	require.Contains(t, get(t, url+root+"/Observations?$count=true&$top=0"), `"@iot.count":2`)
	require.Contains(t, get(t, url+"/metrics"), `twind_mqtt_messages_total{outcome="refused"} 2`)
}

// A recording goes by twind replay to an outside mosquitto, from there to a
// server that follows it; a subscriber of the embedded broker hears a replay; and
// one goes by HTTP.
func TestReplayByMQTTAndHTTP(t *testing.T) {
	outside := outsideBroker(t)
	embedded := freeAddress(t)
	url := servingWith(t, liveVehicles+"mqtt:\n  brokers:\n    - {url: 'mqtt://"+outside+"', qos: 1}\n", "--mqtt", embedded)
	recording := write(t, "recording.ndjson", `{"layer":"vehicles","id":"bus-1","time":"2020-01-01T00:00:00Z","lon":113.5,"lat":34.8}
{"datastream":"pump 3","phenomenonTime":"2020-01-01T00:00:01Z","result":1.25}
{"layer":"vehicles","id":"bus-1","time":"2020-01-01T00:00:02Z","lon":113.6,"lat":34.8}
`)
	replay := func(to, speed string) {
		var out, errOut lockedBuffer
		require.Zero(t, run(t.Context(), []string{"replay", recording, "--to", to, "--speed", speed}, &out, &errOut), errOut.String())
		require.Contains(t, out.String(), "3 records read, 3 sent, 3 accepted, 0 refused")
	}
	require.Eventually(t, func() bool { // until the server follows it
		replay("mqtt://"+outside, "10")
		return strings.Contains(item(t, url, "bus-1"), `"coordinates":[113.6,34.8]`)
	}, 30*time.Second, 100*time.Millisecond)
	require.Eventually(t, func() bool {
		return strings.Contains(get(t, url+"/live/history?datastream=pump%203"), `"result":1.25`)
	}, 30*time.Second, 100*time.Millisecond)

	heard := hears(t, embedded, 3, "-v", "-t", "twind/vehicles/bus-1", "-t", "twind/_observations/#")
	replay("mqtt://"+embedded, "4")
	lines := strings.Split(strings.TrimSpace(heard()), "\n")
	require.Len(t, lines, 3)
	// Records of one entity keep their order; those of others may pass them.
	var places, readings []string
	for _, line := range lines {
		if strings.HasPrefix(line, `twind/vehicles/bus-1 {"layer":"vehicles","id":"bus-1","time":`) {
			places = append(places, line)
		} else {
			readings = append(readings, line)
		}
	}
	require.Len(t, places, 2)
	require.Contains(t, places[0], `"lon":113.5`)
	require.Contains(t, places[1], `"lon":113.6`)
	require.Contains(t, readings[0], `twind/_observations/pump 3 {"datastream":"pump 3","phenomenonTime":`)

	before := strings.Count(get(t, url+"/live/history?datastream=pump%203"), `"result":1.25`)
	replay(url, "0.8")
	require.Equal(t, before+1, strings.Count(get(t, url+"/live/history?datastream=pump%203"), `"result":1.25`), "202 means that it is recorded")
}

// outsideBroker runs a mosquitto until the test ends.
func outsideBroker(t *testing.T) string {
	t.Helper()
	addr := freeAddress(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	require.NoError(t, os.WriteFile(conf, []byte("listener "+port+" 127.0.0.1\nallow_anonymous true\n"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	broker := exec.CommandContext(ctx, "/usr/sbin/mosquitto", "-c", conf)
	require.NoError(t, broker.Start())
	t.Cleanup(func() { cancel(); _ = broker.Wait() })
	return addr
}

func TestAnOutsideMosquittoIsFollowed(t *testing.T) {
	addr := outsideBroker(t)
	url := servingWith(t, liveVehicles+"mqtt:\n  brokers:\n    - {url: 'mqtt://"+addr+"', topics: ['fleet/#'], layer: vehicles, qos: 1}\n")
	require.Eventually(t, func() bool {
		mosquitto(t, "mosquitto_pub", addr, "-q", "1", "-t", "fleet/east/7", "-m", positionOf("fleet-7"))
		return item(t, url, "fleet-7") != ""
	}, 30*time.Second, 200*time.Millisecond)
}

func TestATerminalOfJT808AgainstServe(t *testing.T) {
	addr := freeAddress(t)
	url := servingWith(t, liveVehicles+"jt808: {accept: any}\n", "--jt808", addr)
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	// A position of 2013 with the present time, escaped where it must be.
	now := time.Now().In(time.FixedZone("", 8*3600)).Format("060102150405")
	body, err := hex.DecodeString("0200001c" + "013900000009" + "0001" + "00000000" + "00000003" + "01d905c0" + "07365040" + "0000" + "0000" + "0000" + now)
	require.NoError(t, err)
	check := byte(0)
	for _, b := range body {
		check ^= b
	}
	frame := []byte{0x7e}
	for _, b := range append(body, check) {
		switch b {
		case 0x7e:
			frame = append(frame, 0x7d, 2)
		case 0x7d:
			frame = append(frame, 0x7d, 1)
		default:
			frame = append(frame, b)
		}
	}
	_, err = c.Write(append(frame, 0x7e))
	require.NoError(t, err)
	answer, err := bufio.NewReader(c).ReadBytes(0x7e)
	require.NoError(t, err)
	require.Len(t, answer, 1, "a flag")
	require.Eventually(t, func() bool {
		return strings.Contains(item(t, url, "13900000009"), `"coordinates":[121,31,0]`)
	}, 30*time.Second, 50*time.Millisecond)
}
