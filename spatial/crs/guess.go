package crs

import (
	"fmt"
	"math"

	"twind/spatial"
)

// Guess is what the range of coordinates tells about a system nobody named. It
// is evidence for a person, never a silent answer.
type Guess struct {
	CRS          *CRS    // the likeliest system; nil when the range does not single one out
	Confidence   float64 // 0 to 1; from 0.8 up an import may go on and report it as assumed
	Evidence     string  // one sentence
	Alternatives []*CRS  // other systems that fit
	Swapped      bool    // x looks like a northing or latitude and y like an easting or longitude
}

// GuessFromExtent judges by the box of the coordinates as they came. Degrees
// fit ±180 and ±90. An easting of 8 digits that begins with 25 to 45 has the
// zone prefix of the 3° Gauss–Krüger zones, with 13 to 23 that of the 6° zones;
// both leave the datum open. An easting near 500 000 has no prefix, and only the
// meridian tells where it is.
func GuessFromExtent(e spatial.Envelope) Guess {
	if e.IsEmpty() || math.IsInf(e.MaxX-e.MinX, 0) || math.IsInf(e.MaxY-e.MinY, 0) {
		return Guess{Evidence: "there are no coordinates to judge by"}
	}
	at := fmt.Sprintf("x from %.8g to %.8g and y from %.8g to %.8g", e.MinX, e.MaxX, e.MinY, e.MaxY)
	if e.MinX >= -180 && e.MaxX <= 180 && e.MinY >= -90 && e.MaxY <= 90 {
		g := Guess{CRS: mustCode(4326), Confidence: 0.9, Evidence: at + " fit longitude and latitude in degrees", Alternatives: []*CRS{mustCode(4490)}}
		if e.MinX >= -2 && e.MaxX <= 2 && e.MinY >= -2 && e.MaxY <= 2 {
			g.Confidence, g.Evidence = 0.3, at+" fit degrees, but lie at 0° 0° in the Gulf of Guinea: perhaps a local system"
		}
		return g
	}
	if e.MinX >= -90 && e.MaxX <= 90 && e.MinY >= -180 && e.MaxY <= 180 {
		return Guess{CRS: mustCode(4326), Confidence: 0.6, Swapped: true, Evidence: at + " look like latitude before longitude; swap the columns"}
	}
	if g, ok := guessPrefixed(e, at); ok {
		return g
	}
	if g, ok := guessPrefixed(spatial.Envelope{MinX: e.MinY, MinY: e.MinX, MaxX: e.MaxY, MaxY: e.MaxX}, at); ok {
		g.Swapped = true
		g.Confidence = min(g.Confidence, 0.5)
		g.Evidence += "; it stands in y, as in survey coordinates with X = northing: swap the columns"
		return g
	}
	if e.MinX > 100_000 && e.MaxX < 900_000 && e.MinY > -100_000 && e.MaxY < 10_000_000 {
		return Guess{Evidence: at + " look like a transverse Mercator zone without prefix; only its central meridian tells where (for 114°E in CGCS2000 it is EPSG:4547)"}
	}
	const edge = 20037508.35
	if e.MinX >= -edge && e.MaxX <= edge && e.MinY >= -edge && e.MaxY <= edge && max(math.Abs(e.MinX), math.Abs(e.MaxX)) > 1_000_000 {
		return Guess{CRS: mustCode(3857), Confidence: 0.6, Evidence: at + " fit Web Mercator"}
	}
	return Guess{Evidence: at + " fit no system that twind knows"}
}

// guessPrefixed tries an easting with a zone prefix.
func guessPrefixed(e spatial.Envelope, at string) (Guess, bool) {
	zone := int(math.Floor(e.MinX / 1e6))
	in := e.MinX - float64(zone)*1e6
	width := e.MaxX - float64(zone)*1e6
	if in < 100_000 || width > 900_000 || e.MinY < 0 || e.MaxY > 6_500_000 {
		return Guess{}, false
	}
	switch {
	case zone >= 25 && zone <= 45:
		return Guess{CRS: mustCode(4513 + zone - 25), Confidence: 0.7, Alternatives: []*CRS{mustCode(2349 + zone - 25), mustCode(2401 + zone - 25)},
			Evidence: fmt.Sprintf("%s: the easting begins with %d, the prefix of a 3° Gauss–Krüger zone; the datum is open (CGCS2000, Xian 1980, Beijing 1954)", at, zone)}, true
	case zone >= 13 && zone <= 23:
		return Guess{CRS: mustCode(4491 + zone - 13), Confidence: 0.5, Alternatives: []*CRS{mustCode(2327 + zone - 13), mustCode(21413 + zone - 13), mustCode(3857)},
			Evidence: fmt.Sprintf("%s: the easting begins with %d, the prefix of a 6° Gauss–Krüger zone (or Web Mercator); the datum is open", at, zone)}, true
	}
	return Guess{}, false
}

// mustCode is for codes that are in the table (a test asks for each of them).
func mustCode(code int) *CRS {
	c, err := ByCode(code)
	if err != nil {
		panic(err)
	}
	return c
}
