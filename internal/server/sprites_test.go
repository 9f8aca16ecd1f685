package server_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpritesOfTheStyles(t *testing.T) {
	c := newCity(t, nil)
	style := c.get("/styles/city-light.json")
	var doc struct{ Sprite string }
	require.NoError(t, json.Unmarshal(style.body, &doc))
	require.Equal(t, c.URL+"/sprites/city", doc.Sprite)

	for _, ratio := range []string{"", "@2x", "@3x", "@4x"} {
		index := c.get("/sprites/city"+ratio+".json", "Origin", "https://other.example")
		require.Equal(t, http.StatusOK, index.status)
		require.Equal(t, "application/json", index.header.Get("Content-Type"))
		require.Equal(t, "no-cache", index.header.Get("Cache-Control"))
		require.Equal(t, "*", index.header.Get("Access-Control-Allow-Origin"))
		var icons map[string]struct{ X, Y, Width, Height, PixelRatio int }
		require.NoError(t, json.Unmarshal(index.body, &icons))
		require.Contains(t, icons, "hydrant")

		sheet := c.get("/sprites/city" + ratio + ".png")
		require.Equal(t, "image/png", sheet.header.Get("Content-Type"))
		img, err := png.Decode(bytes.NewReader(sheet.body))
		require.NoError(t, err)
		for name, i := range icons {
			require.LessOrEqual(t, i.X+i.Width, img.Bounds().Dx(), name)
			require.LessOrEqual(t, i.Y+i.Height, img.Bounds().Dy(), name)
		}
		again := c.do(http.MethodGet, "/sprites/city"+ratio+".png", "", "If-None-Match", sheet.header.Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.status)
	}
	for _, file := range []string{"town.json", "city", "city.gif", "city@5x.png", "city@0x.png", "city@-1x.json", "city@99999999999999999999x.json", "city@02x.png", "city@2.png", "city2x.png", "%2e%2e%2fcity.json"} {
		require.Equal(t, http.StatusNotFound, c.get("/sprites/"+file).status, file)
	}
	require.Equal(t, http.StatusBadRequest, c.get("/sprites/city.json?size=3").status)
}
