package mesh

// lamp is a tapered pole with a curved arm and a flat luminaire.
func (s *sculptor) lamp() {
	s.color(lampPost)
	s.turned(0, 0, max(s.sides/2, 5), true, []ringPoint{{0.16, 0}, {0.15, 0.9}, {0.085, 1.05}, {0.05, 7.2}, {0.045, 7.3}})
	if s.lod == 2 {
		s.tube(0.09, 0, 0, 7.25, 0, 1.5, 7.85)
	} else {
		s.tube(0.08, 0, 0, 7.2, 0, 0.12, 7.6, 0, 0.6, 7.88, 0, 1.4, 7.93)
	}
	s.color(castIron)
	s.box(-0.17, 1.2, 7.88, 0.17, 2.0, 8)
	s.color(lampGlow)
	s.box(-0.13, 1.3, 7.86, 0.13, 1.92, 7.88)
}

// trunk is a tapered stem.
func (s *sculptor) trunk(radius, height float64) {
	s.color(bark)
	s.turned(0, 0, max(s.sides/2, 5), true, []ringPoint{{radius * 1.5, 0}, {radius, 0.1 * height}, {radius * 0.6, height}, {0, height}})
}

// crowns are the sides and rows of faceted crowns by level of detail.
var crowns = [LODs][2]int{{9, 6}, {7, 4}, {5, 3}}

func (s *sculptor) broadleaf() {
	s.trunk(0.22, 4.2)
	sides, rows := crowns[s.lod][0], crowns[s.lod][1]
	s.color(leaves)
	if s.lod == 2 {
		s.blob(vec{0, 0, 6.1}, vec{3.3, 3.3, 3.9}, sides, rows, 0.3)
		return
	}
	s.blob(vec{0.1, 0, 6.6}, vec{2.6, 2.6, 3.4}, sides, rows, 0.3)
	s.color(leavesDark)
	s.blob(vec{-1.35, 0.75, 5.1}, vec{1.95, 1.9, 1.9}, sides, rows, 1.1)
	s.blob(vec{0.55, -1.5, 5.0}, vec{1.9, 1.85, 1.8}, sides, rows, 2.3)
	s.color(leavesLight)
	s.blob(vec{1.4, 0.9, 5.7}, vec{1.9, 2.0, 2.0}, sides, rows, 0.7)
	if s.detail() {
		s.blob(vec{-0.8, -0.9, 7.4}, vec{1.5, 1.5, 1.6}, sides, rows, 1.9)
	}
}

func (s *sculptor) conifer() {
	s.trunk(0.2, 2.2)
	sides := [...]int{11, 8, 6}[s.lod]
	tiers := [][3]float64{{2.1, 1.2, 4.6}, {1.75, 3.0, 6.4}, {1.35, 4.8, 8.1}, {0.9, 6.5, 10}}
	if s.lod == 2 {
		tiers = [][3]float64{{2.1, 1.2, 6.2}, {1.35, 4.6, 10}}
	}
	for i, t := range tiers {
		s.color([...]Color{needles, needlesDark}[i%2])
		s.turned(0, 0, sides, false, []ringPoint{{0, t[1] + 0.25}, {t[0], t[1]}, {0, t[2]}})
	}
}

func (s *sculptor) columnar() {
	s.trunk(0.18, 2)
	sides, rows := crowns[s.lod][0], crowns[s.lod][1]
	s.color(poplar)
	s.blob(vec{0, 0, 5.5}, vec{1.3, 1.3, 4.5}, sides, rows+1, 0.9)
}

// camera is a bullet camera and a dome on a pole.
func (s *sculptor) camera() {
	s.color(lampPost)
	s.turned(0, 0, max(s.sides/2, 5), false, []ringPoint{{0.14, 0}, {0.14, 0.06}, {0.07, 0.08}, {0.055, 5}, {0, 5}})
	s.tube(0.06, 0, 0, 4.75, 0, 0.55, 4.75)
	s.color(white)
	s.box(-0.11, 0.4, 4.5, 0.11, 0.95, 4.7)
	s.box(-0.13, 0.38, 4.7, 0.13, 1.08, 4.73)
	s.color(glass)
	s.box(-0.085, 0.95, 4.52, 0.085, 0.97, 4.68)
	if s.lod == 2 {
		return
	}
	s.color(lampPost)
	s.tube(0.05, 0, 0, 4.4, 0, -0.4, 4.4)
	s.color(white)
	s.turn(0, -0.4, ringPoint{0.16, 4.28}, ringPoint{0.16, 4.36}, ringPoint{0.08, 4.42}, ringPoint{0, 4.42})
	s.color(glass)
	s.turnSmooth(0, -0.4, ringPoint{0, 4.14}, ringPoint{0.08, 4.16}, ringPoint{0.13, 4.22}, ringPoint{0.145, 4.28})
	s.color(steel)
	s.box(-0.14, 0.07, 1.2, 0.14, 0.2, 1.75)
}

// pole is a wooden utility pole with two cross-arms and insulators.
func (s *sculptor) pole() {
	s.color(poleWood)
	s.turned(0, 0, max(s.sides/2, 5), false, []ringPoint{{0, 0}, {0.16, 0}, {0.1, 10}, {0, 10}})
	arms := []float64{9.4, 8.5}[:2-s.lod/2]
	for _, z := range arms {
		s.color(poleWood)
		s.box(-1.2, 0.1, z-0.07, 1.2, 0.22, z+0.07)
		if s.lod == 2 {
			continue
		}
		s.color(ceramic)
		for _, x := range [...]float64{-1.08, -0.6, 0.6, 1.08} {
			s.turned(x, 0.16, max(s.sides/2, 5), false, []ringPoint{{0.03, z + 0.07}, {0.06, z + 0.14}, {0.035, z + 0.18}, {0.05, z + 0.24}, {0, z + 0.27}})
		}
	}
}

// bench looks north: slats on two iron legs.
func (s *sculptor) bench() {
	s.color(castIron)
	for _, x := range [...]float64{-0.75, 0.75} {
		s.box(x-0.03, -0.25, 0, x+0.03, -0.19, 0.86)
		s.box(x-0.03, 0.17, 0, x+0.03, 0.23, 0.42)
		s.box(x-0.03, -0.19, 0.36, x+0.03, 0.17, 0.42)
		if s.detail() {
			s.box(x-0.03, -0.19, 0.6, x+0.03, 0.25, 0.64)
			s.box(x-0.03, 0.17, 0.42, x+0.03, 0.23, 0.6)
		}
	}
	s.color(timber)
	if s.lod == 2 {
		s.box(-0.9, -0.19, 0.42, 0.9, 0.25, 0.46)
		s.box(-0.9, -0.19, 0.55, 0.9, -0.15, 0.9)
		return
	}
	for i := range 4 {
		y := -0.17 + 0.11*float64(i)
		s.box(-0.9, y, 0.42, 0.9, y+0.085, 0.46)
	}
	for i := range 3 {
		z := 0.54 + 0.125*float64(i)
		s.box(-0.9, -0.19, z, 0.9, -0.155, z+0.095)
	}
}

// bin is a litter bin with a hood.
func (s *sculptor) bin() {
	s.color(binGreen)
	s.turn(0, 0, ringPoint{0, 0.03}, ringPoint{0.24, 0.03}, ringPoint{0.27, 0.78}, ringPoint{0.25, 0.78}, ringPoint{0.25, 0.7}, ringPoint{0, 0.7})
	s.color(darkIron)
	s.turn(0, 0, ringPoint{0, 0}, ringPoint{0.2, 0}, ringPoint{0.2, 0.03})
	if s.lod < 2 {
		s.color(steel)
		s.turn(0, 0, ringPoint{0.255, 0.5}, ringPoint{0.268, 0.5}, ringPoint{0.27, 0.56}, ringPoint{0.26, 0.56})
		for _, x := range [...]float64{-0.24, 0.24} {
			s.box(x-0.015, -0.05, 0.76, x+0.015, 0.05, 0.92)
		}
	}
	s.color(binGreen)
	s.turnSmooth(0, 0, ringPoint{0, 0.9}, ringPoint{0.28, 0.9})
	s.turnSmooth(0, 0, ringPoint{0.28, 0.9}, ringPoint{0.2, 0.97}, ringPoint{0.08, 1}, ringPoint{0, 1})
}
