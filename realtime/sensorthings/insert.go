package sensorthings

import (
	"encoding/json"
	"strconv"
	"strings"
)

// parent is the entity in whose collection a new one is made.
type parent struct {
	e        *entity
	relation int
}

// insert makes an entity with all that its body holds.
func (c *change) insert(k kind, body object, p *parent, depth int) (*entity, error) {
	if depth > maxInsertDepth {
		return nil, bad("The body nests entities deeper than %d.", maxInsertDepth)
	}
	e := c.create(k)
	if err := c.assign(e, body, true); err != nil {
		return nil, err
	}
	if p != nil {
		c.join(p.e, p.relation, e)
	}
	if k == observations && e.values[readingTime] == nil {
		c.set(e, readingTime, c.stamp())
	}
	d := &definitions[k]
	// To-one relations first: they are what the entity needs to be whole.
	for _, many := range []bool{false, true} {
		for i := range d.relations {
			if d.relations[i].many != many {
				continue
			}
			if err := c.follow(e, i, body, depth); err != nil {
				return nil, err
			}
		}
		if !many {
			if err := c.complete(e); err != nil {
				return nil, err
			}
		}
	}
	if k == historicalLocations {
		if err := c.arrive(e); err != nil {
			return nil, err
		}
		c.outgrow(c.s.targets(e, historyThing)[0])
	}
	return e, nil
}

func (c *change) stamp() json.RawMessage {
	return json.RawMessage(`"` + c.s.now().UTC().Format(stamp) + `"`)
}

// follow links or makes what one relation of a body holds.
func (c *change) follow(e *entity, i int, body object, depth int) error {
	r := &definitions[e.kind].relations[i]
	v, there := body[r.name]
	if there && !isNull(v) {
		list, err := elements(r, v)
		if err != nil {
			return err
		}
		for _, o := range list {
			if err := c.attach(e, i, o, depth); err != nil {
				return err
			}
		}
	}
	switch {
	case e.kind == things && i == thingLocations && len(e.links[thingLocations]) > 0:
		c.remember(e)
	case e.kind == locations && r.to == things && depth == 0:
		for _, thing := range c.s.targets(e, i) {
			c.moveTo(thing, []*entity{e})
		}
	}
	return nil
}

func (c *change) attach(e *entity, i int, o object, depth int) error {
	r := &definitions[e.kind].relations[i]
	id, only, err := linked(o)
	if err != nil {
		return err
	}
	if !only {
		if r.many {
			_, err := c.insert(r.to, o, &parent{e, i}, depth+1)
			return err
		}
		to, err := c.insert(r.to, o, nil, depth+1)
		if err == nil {
			c.join(e, i, to)
		}
		return err
	}
	to := c.s.find(r.to, id)
	if to == nil {
		return bad("%s(%d) does not exist: name one that does, or give the whole %s.", r.to, id, definitions[r.to].one)
	}
	c.join(e, i, to)
	return nil
}

// complete refuses an entity that lacks a relation it needs.
func (c *change) complete(e *entity) error {
	d := &definitions[e.kind]
	if e.kind == observations && len(e.links[readingStream]) > 0 && len(e.links[readingFeature]) == 0 {
		if err := c.locate(e); err != nil {
			return err
		}
	}
	for i, r := range d.relations {
		if r.required && len(e.links[i]) == 0 {
			return bad(`A %s needs a %s: name one as {"@iot.id": 1}, or give it whole.`, d.one, r.name)
		}
	}
	return nil
}

// locate gives an Observation the FeatureOfInterest of its Thing's place, which
// is made once for each Location.
func (c *change) locate(e *entity) error {
	stream := c.s.targets(e, readingStream)[0]
	if len(stream.links[streamThing]) == 0 {
		return bad("A Datastream needs a Thing.")
	}
	thing := c.s.targets(stream, streamThing)[0]
	places := c.s.targets(thing, thingLocations)
	if len(places) == 0 {
		return bad("An Observation needs a FeatureOfInterest where its Thing has no Location.")
	}
	place := places[0]
	for _, p := range places {
		if strings.Contains(string(p.values[locationEncoding]), "geo+json") {
			place = p
			break
		}
	}
	feature := c.s.find(featuresOfInterest, place.made)
	if feature == nil {
		feature = c.create(featuresOfInterest)
		for i := range 4 { // name, description, encodingType and the place itself
			c.set(feature, i, place.values[i])
		}
		c.setMade(place, feature.id)
	}
	c.join(e, readingFeature, feature)
	return nil
}

// remember writes down where a Thing is now.
func (c *change) remember(thing *entity) {
	h := c.create(historicalLocations)
	c.set(h, historyTime, c.stamp())
	c.join(h, historyThing, thing)
	for _, place := range c.s.targets(thing, thingLocations) {
		c.join(h, historyLocations, place)
	}
	c.outgrow(thing)
}

// outgrow drops the oldest HistoricalLocations of a Thing, in the order of their
// receipt, where it has more than a Datastream keeps Observations.
func (c *change) outgrow(thing *entity) {
	has, keep := len(thing.links[thingHistory]), c.s.keep.Count
	if keep <= 0 || has <= slack(keep) {
		return
	}
	for _, h := range c.s.targets(thing, thingHistory)[:has-keep] {
		c.remove(h)
	}
}

func (c *change) settle(thing *entity, places []*entity) {
	for _, former := range c.s.targets(thing, thingLocations) {
		c.part(thing, thingLocations, former)
	}
	for _, place := range places {
		c.join(thing, thingLocations, place)
	}
}

// moveTo gives a Thing other Locations.
func (c *change) moveTo(thing *entity, places []*entity) {
	c.settle(thing, places)
	if len(places) > 0 {
		c.remember(thing)
	}
}

// arrive moves a Thing to where a HistoricalLocation that was posted has it, if
// none of the Thing's is newer.
func (c *change) arrive(h *entity) error {
	if len(h.links[historyLocations]) == 0 {
		return nil
	}
	at, _ := parseTimes(unquote(h.values[historyTime]))
	thing := c.s.targets(h, historyThing)[0]
	for _, other := range c.s.targets(thing, thingHistory) {
		if t, _ := parseTimes(unquote(other.values[historyTime])); t.from.After(at.from) {
			return nil
		}
	}
	c.settle(thing, c.s.targets(h, historyLocations))
	return nil
}

// patch changes what the body names of an entity and leaves the rest.
func (c *change) patch(e *entity, body object) error {
	if v, ok := body["@iot.id"]; ok && string(v) != strconv.FormatInt(e.id, 10) {
		return bad("@iot.id is %s: the id of an entity does not change.", short(string(v)))
	}
	if err := c.assign(e, body, false); err != nil {
		return err
	}
	if e.kind == observations && e.values[readingTime] == nil {
		return bad("phenomenonTime is null: an Observation needs one.")
	}
	for i := range definitions[e.kind].relations {
		if v, ok := body[definitions[e.kind].relations[i].name]; ok {
			if err := c.relink(e, i, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// relink takes the entities that a PATCH names into a relation.
func (c *change) relink(e *entity, i int, v json.RawMessage) error {
	r := &definitions[e.kind].relations[i]
	if isNull(v) {
		return bad("%s is null: name an entity, or leave it out.", r.name)
	}
	list, err := elements(r, v)
	if err != nil {
		return err
	}
	var targets []*entity
	for _, o := range list {
		id, only, err := linked(o)
		if err != nil {
			return err
		}
		if !only {
			return bad(`%s holds an entity: PATCH takes only links such as {"@iot.id": 1}.`, r.name)
		}
		to := c.s.find(r.to, id)
		if to == nil {
			return bad("%s(%d) does not exist.", r.to, id)
		}
		targets = append(targets, to)
	}
	switch {
	case e.kind == things && i == thingLocations:
		c.moveTo(e, targets)
	case e.kind == locations && r.to == things:
		for _, thing := range targets {
			c.moveTo(thing, []*entity{e})
		}
	case e.kind == historicalLocations && i == historyLocations:
		for _, former := range c.s.targets(e, i) {
			c.part(e, i, former)
		}
		fallthrough
	default:
		for _, to := range targets {
			c.join(e, i, to)
		}
	}
	return nil
}
