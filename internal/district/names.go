package district

import "math/rand/v2"

// names deals two-character names, each once until all are used.
type names struct {
	order []int
	next  int
}

var (
	firstHanzi  = []rune("云星枫桂锦清白文望金玉翠紫银青长安和兴瑞嘉宏景华丰润朝晨晓春")
	secondHanzi = []rune("岭湖林溪江山泉峰园洲塘湾浦潭麓川桥台河坪")
)

func newNames(r *rand.Rand) *names {
	return &names{order: r.Perm(len(firstHanzi) * len(secondHanzi))}
}

func (n *names) take() string {
	k := n.order[n.next%len(n.order)]
	n.next++
	s := string([]rune{firstHanzi[k/len(secondHanzi)], secondHanzi[k%len(secondHanzi)]})
	if round := (n.next - 1) / len(n.order); round > 0 {
		s += string([]rune("二三四五六七八九")[(round-1)%8])
	}
	return s
}
