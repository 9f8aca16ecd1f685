package sensorthings

import (
	"strconv"
	"strings"
)

// maxPathSegments of an address: four names, a member and $value.
const maxPathSegments = 10

// target is what an address names: an entity, a collection of a kind, or a
// member of an entity.
type target struct {
	kind     kind
	one      *entity // nil: a collection
	parent   *entity // whose relation the collection is; nil: the whole set
	relation int
	member   int // of one; -1: the whole entity
	value    bool
	ref      bool
}

// resolve walks an address below the root. Caller holds s.mu.
func (s *Store) resolve(path string) (target, error) {
	segments := strings.Split(path, "/")
	if len(segments) > maxPathSegments {
		return target{}, missing("The address has more than %d names.", maxPathSegments)
	}
	var t target
	for i, segment := range segments {
		var err error
		if i == 0 {
			t, err = s.begin(segment)
		} else {
			err = s.step(&t, segment)
		}
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

// parseSegment reads Name or Name(1).
func parseSegment(segment string) (name string, id int64, has bool, err error) {
	name, rest, has := strings.Cut(segment, "(")
	if !has {
		return name, 0, false, nil
	}
	digits, closed := strings.CutSuffix(rest, ")")
	id, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || !closed {
		return "", 0, true, missing("%s does not exist: ids are whole numbers.", short(segment))
	}
	return name, id, true, nil
}

func (s *Store) begin(segment string) (target, error) {
	name, id, has, err := parseSegment(segment)
	if err != nil {
		return target{}, err
	}
	k, ok := kindOf(name)
	if !ok {
		return target{}, missing("There is no entity set %s.", short(name))
	}
	t := target{kind: k, member: -1}
	if has {
		if t.one = s.find(k, id); t.one == nil {
			return t, missing("%s(%d) does not exist.", k, id)
		}
	}
	return t, nil
}

func (s *Store) step(t *target, segment string) error {
	switch {
	case t.value || t.ref:
		return missing("Nothing is below this address.")
	case segment == "$ref" && t.member < 0:
		t.ref = true
		return nil
	case segment == "$value" && t.member >= 0:
		t.value = true
		return nil
	case t.one == nil || t.member >= 0:
		return missing("There is no %s below this address.", short(segment))
	}
	name, id, has, err := parseSegment(segment)
	if err != nil {
		return err
	}
	if r := t.kind.relation(name); r >= 0 {
		return s.follow(t, r, id, has)
	}
	if t.member = t.kind.member(name); t.member < 0 || has {
		return missing("%s has no %s.", article(definitions[t.kind].one), short(segment))
	}
	return nil
}

// follow goes along a relation of an entity.
func (s *Store) follow(t *target, r int, id int64, has bool) error {
	rel := &definitions[t.kind].relations[r]
	from := t.one
	*t = target{kind: rel.to, member: -1, parent: from, relation: r}
	if rel.many && !has {
		return nil
	}
	if !rel.many {
		if has {
			return missing("%s is one entity: no id can follow it.", rel.name)
		}
		id = from.one(r)
	}
	t.one = s.find(rel.to, id)
	if _, there := searchID(from.links[r], id); !there || t.one == nil {
		return missing("%s(%d) has no %s(%d).", from.kind, from.id, rel.name, id)
	}
	return nil
}

// ids are those of a collection, ascending.
func (s *Store) ids(t *target) []int64 {
	if t.parent != nil {
		return t.parent.links[t.relation]
	}
	return s.tables[t.kind].ids
}
