package sensorthings

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxPathNames is how many names a path in an expression has at most.
const maxPathNames = 8

// path compiles the rest of one whose first name has been read: relations, a
// member, and names and places within its JSON.
func (p *parser) path(first string) (node, error) {
	var relations []int
	k, name := p.kind, first
	for {
		r := k.relation(name)
		if r < 0 {
			break
		}
		relations = append(relations, r)
		if k = definitions[k].relations[r].to; len(relations) > maxPathNames {
			return node{}, p.fail("A path has more than %d names", maxPathNames)
		}
		if !p.symbol('/') {
			return node{}, p.fail("%s is a relation: a member of it is expected, such as %s/name", name, name)
		}
		name = p.peekWord()
		p.at += len(name)
	}
	if name == "id" || name == "@iot.id" {
		return followed(p.kind, relations, func(_ *Store, e *entity) value { return number(float64(e.id)) }), nil
	}
	m := k.member(name)
	if m < 0 {
		p.at -= len(name) // where it begins
		return node{}, p.fail("%s has no member %q", article(definitions[k].one), short(name))
	}
	within, err := p.within()
	if err != nil {
		return node{}, err
	}
	f := definitions[k].members[m].form
	return followed(p.kind, relations, func(s *Store, e *entity) value {
		v := s.value(e, m)
		if len(within) == 0 {
			return fromJSON(v, f)
		}
		return fromJSON(reach(v, within), formAny)
	}), nil
}

// within reads the names and places after a member: /a/b[0].
func (p *parser) within() (steps []string, err error) {
	for p.at < len(p.text) && (p.text[p.at] == '/' || p.text[p.at] == '[') {
		closing := p.text[p.at] == '['
		p.at++
		w := p.peekWord()
		p.at += len(w)
		if w == "" || len(steps) >= maxPathNames || closing && !p.symbol(']') {
			return nil, p.fail("A path within a member is not whole, or longer than %d", maxPathNames)
		}
		steps = append(steps, w)
	}
	return steps, nil
}

// reach goes down into a JSON value; nil where there is nothing.
func reach(v json.RawMessage, steps []string) json.RawMessage {
	for _, step := range steps {
		switch {
		case len(v) > 0 && v[0] == '{':
			var o object
			if json.Unmarshal(v, &o) != nil {
				return nil
			}
			v = o[step]
		case len(v) > 0 && v[0] == '[':
			var list []json.RawMessage
			i, err := strconv.Atoi(step)
			if json.Unmarshal(v, &list) != nil || err != nil || i < 0 || i >= len(list) {
				return nil
			}
			v = list[i]
		default:
			return nil
		}
	}
	return v
}

// followed reads a value at the end of relations.
func followed(k kind, relations []int, read func(*Store, *entity) value) node {
	many := false
	for _, r := range relations {
		many = many || definitions[k].relations[r].many
		k = definitions[k].relations[r].to
	}
	if many {
		return node{
			eval: func(c *evaluation, _ *entity) value { return c.pick },
			many: func(c *evaluation, e *entity) []value {
				var out []value
				for _, to := range c.reached([]*entity{e}, relations) {
					out = append(out, read(c.s, to))
				}
				return out
			},
		}
	}
	return node{eval: func(c *evaluation, e *entity) value {
		for _, r := range relations {
			to := c.s.find(definitions[e.kind].relations[r].to, e.one(r))
			if to == nil {
				return value{}
			}
			e = to
		}
		return read(c.s, e)
	}}
}

// reached are all entities at the end of relations, each once; some when the
// time is over.
func (c *evaluation) reached(from []*entity, relations []int) []*entity {
	for _, r := range relations {
		seen := map[*entity]bool{}
		var next []*entity
		for _, e := range from {
			if c.ctx.Err() != nil {
				return nil
			}
			for _, to := range c.s.targets(e, r) {
				if !seen[to] {
					seen[to] = true
					next = append(next, to)
				}
			}
		}
		from = next
	}
	return from
}

// call compiles a function's use.
func (p *parser) call(name string) (node, error) {
	f, ok := functions[strings.ToLower(name)]
	if !ok {
		return node{}, p.fail("There is no function %s", short(name))
	}
	p.at++ // the parenthesis
	var args []node
	for !p.symbol(')') {
		if len(args) > 0 && !p.symbol(',') {
			return node{}, p.fail("A comma or a closing parenthesis is expected in %s", name)
		}
		if len(args) > f.most {
			break
		}
		a, err := p.sum()
		if err != nil {
			return node{}, err
		}
		args = append(args, a)
	}
	if len(args) < f.least || len(args) > f.most {
		return node{}, p.fail("%s takes %d to %d arguments", name, f.least, f.most)
	}
	if strings.EqualFold(name, "st_relate") && args[2].text != nil && !relatePattern.MatchString(*args[2].text) {
		return node{}, p.fail("st_relate takes a pattern of nine of F, 0, 1, 2, T and *, such as 'T*F**FFF*', not '%s'", short(*args[2].text))
	}
	if name == "now" {
		return node{eval: func(c *evaluation, _ *entity) value {
			t := c.s.now()
			return value{typ: typeTimes, times: times{from: t, to: t}}
		}}, nil
	}
	return p.combine(args, f.of, f.predicate)
}
