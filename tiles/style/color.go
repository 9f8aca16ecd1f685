package style

import (
	"fmt"
	"math"
	"strconv"
)

// rgb is a colour in sRGB, channels from 0 to 1.
type rgb [3]float64

// parse reads #rrggbb. Colours are constants of this package; anything else is a
// mistake of the program.
func parse(hex string) rgb {
	n, err := strconv.ParseUint(hex[1:], 16, 32)
	if err != nil || len(hex) != 7 || hex[0] != '#' {
		panic("style: colour " + hex)
	}
	return rgb{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}
}

// hex is #rrggbb.
func (c rgb) hex() string {
	b := func(v float64) int { return int(math.Round(max(0, min(1, v)) * 255)) }
	return fmt.Sprintf("#%02x%02x%02x", b(c[0]), b(c[1]), b(c[2]))
}

// luminance is WCAG 2.2's relative luminance, from 0 (black) to 1 (white).
func (c rgb) luminance() float64 {
	linear := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

// contrast is WCAG 2.2's contrast ratio, from 1 to 21.
func contrast(a, b string) float64 {
	x, y := parse(a).luminance(), parse(b).luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// mix is a colour on the way from a to b, share from 0 to 1.
func mix(a, b string, share float64) string {
	x, y := parse(a), parse(b)
	for i := range x {
		x[i] += (y[i] - x[i]) * share
	}
	return x.hex()
}

// fit moves a colour towards black (direction −1) or white (1), keeping its hue,
// until its contrast with each ground is at least as given.
func fit(hex string, grounds []string, least float64, direction int) string {
	end := "#000000"
	if direction > 0 {
		end = "#ffffff"
	}
	for share := 0.0; share <= 1; share += 0.01 {
		c := mix(hex, end, share)
		worst := math.Inf(1)
		for _, g := range grounds {
			worst = min(worst, contrast(c, g))
		}
		if worst >= least {
			return c
		}
	}
	return end
}
