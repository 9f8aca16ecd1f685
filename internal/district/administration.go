package district

import (
	"fmt"
	"strconv"
)

// county is the six-digit code of the county (GB/T 2260) that the codes begin
// with. Subdistricts are numbered from firstSubdistrict so that no code of the
// district is one of a real street of that county.
const (
	county           = "430102"
	countyName       = "示范区"
	firstSubdistrict = 501
)

// subdistrict is a 街道, community a 社区 of it.
type subdistrict struct {
	code string // three digits
	name string
}

type community struct {
	subdistrict int
	code        string // three digits
	name        string
}

// administer groups superblocks: two beside one another are a community, two
// columns by three rows of communities a subdistrict. Numbers run from west to
// east and from north to south, as those of the cells do.
func (pl *plan) administer(deal *names) {
	const columns, subColumns, subRows = 2, 2, 3
	pl.communityOf = make([]int, pl.cols*pl.rows)
	comCols := (pl.cols + columns - 1) / columns
	byPlace := make(map[[2]int]int)
	counts := make(map[int]int)
	for top := range pl.rows {
		row := pl.rows - 1 - top
		for cc := range comCols {
			place := [2]int{cc / subColumns, top / subRows}
			s, ok := byPlace[place]
			if !ok {
				s = len(pl.subdistricts)
				byPlace[place] = s
				pl.subdistricts = append(pl.subdistricts, subdistrict{strconv.Itoa(firstSubdistrict + s), deal.take() + "街道"})
			}
			counts[s]++
			c := len(pl.communities)
			pl.communities = append(pl.communities, community{s, fmt.Sprintf("%03d", counts[s]), deal.take() + "社区"})
			for col := cc * columns; col < min((cc+1)*columns, pl.cols); col++ {
				pl.communityOf[row*pl.cols+col] = c
			}
		}
	}
}

// of names the subdistrict and community of a superblock.
func (pl *plan) of(superblock int) (s *subdistrict, c *community) {
	c = &pl.communities[pl.communityOf[superblock]]
	return &pl.subdistricts[c.subdistrict], c
}
