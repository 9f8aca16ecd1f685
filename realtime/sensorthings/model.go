package sensorthings

// kind is an entity set.
type kind uint8

const (
	things kind = iota
	locations
	historicalLocations
	datastreams
	sensors
	observedProperties
	observations
	featuresOfInterest
	kinds
)

// form is what a member's value may be.
type form uint8

const (
	formText     form = iota // a JSON string
	formAny                  // any JSON value
	formObject               // a JSON object
	formInstant              // a time
	formTimes                // a time, or two with a slash between them
	formComputed             // made by the server; ignored in bodies
)

type member struct {
	name     string
	form     form
	required bool // in the body of a new entity
	shown    bool // as null where it has no value
}

// relation leads from one kind to another. Of each pair the owner's side is
// written to the log.
type relation struct {
	name     string
	to       kind
	many     bool
	owner    bool
	required bool
	inverse  int // the relation of kind to that leads back
}

// maxRelations is how many a kind has at most.
const maxRelations = 4

type definition struct {
	set, one  string
	members   []member
	relations []relation
}

func text(name string) member { return member{name: name, form: formText, required: true} }

var optionalProperties = member{name: "properties", form: formObject}

// definitions are the entity sets, with relations in the order in which a deep
// insert follows them: an Observation needs the place of its Thing.
var definitions = [kinds]definition{
	things: {"Things", "Thing",
		[]member{text("name"), text("description"), optionalProperties},
		[]relation{{name: "Locations", to: locations, many: true, owner: true}, {name: "HistoricalLocations", to: historicalLocations, many: true}, {name: "Datastreams", to: datastreams, many: true}}},
	locations: {"Locations", "Location",
		[]member{text("name"), text("description"), text("encodingType"), {name: "location", form: formAny, required: true}, optionalProperties},
		[]relation{{name: "Things", to: things, many: true}, {name: "HistoricalLocations", to: historicalLocations, many: true}}},
	historicalLocations: {"HistoricalLocations", "HistoricalLocation",
		[]member{{name: "time", form: formInstant, required: true}},
		[]relation{{name: "Thing", to: things, owner: true, required: true}, {name: "Locations", to: locations, many: true, owner: true}}},
	datastreams: {"Datastreams", "Datastream",
		[]member{text("name"), text("description"), text("observationType"), {name: "unitOfMeasurement", form: formObject, required: true}, {name: "observedArea", form: formComputed}, {name: "phenomenonTime", form: formComputed}, {name: "resultTime", form: formComputed}, optionalProperties},
		[]relation{{name: "Thing", to: things, owner: true, required: true}, {name: "Sensor", to: sensors, owner: true, required: true}, {name: "ObservedProperty", to: observedProperties, owner: true, required: true}, {name: "Observations", to: observations, many: true}}},
	sensors: {"Sensors", "Sensor",
		[]member{text("name"), text("description"), text("encodingType"), {name: "metadata", form: formAny, required: true}, optionalProperties},
		[]relation{{name: "Datastreams", to: datastreams, many: true}}},
	observedProperties: {"ObservedProperties", "ObservedProperty",
		[]member{text("name"), text("definition"), text("description"), optionalProperties},
		[]relation{{name: "Datastreams", to: datastreams, many: true}}},
	observations: {"Observations", "Observation",
		[]member{{name: "phenomenonTime", form: formTimes}, {name: "result", form: formAny, required: true, shown: true}, {name: "resultTime", form: formInstant, shown: true}, {name: "resultQuality", form: formAny}, {name: "validTime", form: formTimes}, {name: "parameters", form: formObject}},
		[]relation{{name: "Datastream", to: datastreams, owner: true, required: true}, {name: "FeatureOfInterest", to: featuresOfInterest, owner: true, required: true}}},
	featuresOfInterest: {"FeaturesOfInterest", "FeatureOfInterest",
		[]member{text("name"), text("description"), text("encodingType"), {name: "feature", form: formAny, required: true}, optionalProperties},
		[]relation{{name: "Observations", to: observations, many: true}}},
}

// Places of members and relations that rules speak of.
const (
	thingLocations   = 0
	thingHistory     = 1
	locationEncoding = 2
	locationPlace    = 3
	historyTime      = 0
	historyThing     = 0
	historyLocations = 1
	streamThing      = 0
	streamReadings   = 3
	streamPhenomenon = 5
	streamResult     = 6
	streamProperties = 7
	readingTime      = 0
	readingResult    = 1
	readingMade      = 2
	readingParams    = 5
	readingStream    = 0
	readingFeature   = 1
)

func init() {
	for k := range definitions {
		for i := range definitions[k].relations {
			r := &definitions[k].relations[i]
			for j, back := range definitions[r.to].relations {
				if back.to == kind(k) {
					r.inverse = j
				}
			}
		}
	}
}

func (k kind) String() string { return definitions[k].set }

func kindOf(set string) (kind, bool) {
	for k := range definitions {
		if definitions[k].set == set {
			return kind(k), true
		}
	}
	return 0, false
}

func (k kind) member(name string) int {
	for i := range definitions[k].members {
		if definitions[k].members[i].name == name {
			return i
		}
	}
	return -1
}

func (k kind) relation(name string) int {
	for i := range definitions[k].relations {
		if definitions[k].relations[i].name == name {
			return i
		}
	}
	return -1
}
