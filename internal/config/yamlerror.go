package config

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// What the decoder of YAML says, in Go's words.
var (
	unknownKey = regexp.MustCompile(`^line (\d+): field (.+) not found in type .+$`)
	twice      = regexp.MustCompile(`^line (\d+): mapping key "(.*)" already defined at line (\d+)$`)
	wrongType  = regexp.MustCompile("(?s)^line (\\d+): cannot unmarshal !!(\\w+)(?: `(.*)`)? into (.+)$")
	noYAML     = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)
)

// inWords says what is wrong with a file in words of the file: the line, the key
// and what was expected there.
func inWords(err error, file []byte) string {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		if m := noYAML.FindStringSubmatch(err.Error()); m != nil {
			where := "it"
			if m[1] != "" {
				where = "line " + m[1]
			}
			what := oneLine(m[2])
			if strings.HasPrefix(what, "mapping values are not allowed") {
				what = "a value has a colon and a blank in it; put it in quotes"
			}
			return where + " is no YAML: " + what
		}
		return oneLine(err.Error())
	}
	var root yaml.Node
	_ = yaml.Unmarshal(file, &root) // it has been read once; without it, keys are not named
	var out []string
	for _, text := range types.Errors {
		out = append(out, faultInWords(text, &root))
	}
	return strings.Join(out, "; ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func faultInWords(text string, root *yaml.Node) string {
	if m := unknownKey.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return fmt.Sprintf("line %d: there is no key %s; docs/configuration.md lists those that there are", line, keyOn(root, line, m[2]))
	}
	if m := twice.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("line %s: the key %s stands on line %s too", m[1], m[2], m[3])
	}
	m := wrongType.FindStringSubmatch(text)
	if m == nil {
		return oneLine(text)
	}
	line, _ := strconv.Atoi(m[1])
	found := kinds[m[2]]
	if m[3] != "" {
		found = oneLine(m[3])
	}
	where := fmt.Sprintf("line %d", line)
	if key := valueOn(root, line, "!!"+m[2], strings.TrimSuffix(m[3], "...")); key != "" {
		where += ": " + key
	}
	return where + ": expected " + expected(m[4]) + ", not " + found
}

// kinds are the tags of YAML in words.
var kinds = map[string]string{"seq": "a list", "map": "keys with values", "str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false", "null": "nothing"}

// expected is a type of Go in words.
func expected(t string) string {
	switch {
	case t == "time.Duration":
		return "a time such as 30s"
	case strings.HasPrefix(t, "[]"):
		return "a list"
	case t == "string" || t == "layers.ID" || t == "layers.Kind":
		return "a text"
	case strings.HasPrefix(t, "int") || strings.HasPrefix(t, "uint"):
		return "a whole number"
	case strings.HasPrefix(t, "float"):
		return "a number"
	case t == "bool":
		return "true or false"
	}
	return "keys with values"
}

// find gives the path, such as mqtt.listen, of the innermost key whose own node
// and value's node fit: a mapping begins on the line of its first key.
func find(n *yaml.Node, path string, fits func(key, value *yaml.Node) bool) string {
	for i, c := range n.Content {
		at := path
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			key := n.Content[i-1]
			if at = key.Value; path != "" {
				at = path + "." + key.Value
			}
			if found := find(c, at, fits); found != "" {
				return found
			}
			if fits(key, c) {
				return at
			}
			continue
		}
		if found := find(c, at, fits); found != "" {
			return found
		}
		if n.Kind == yaml.SequenceNode && fits(nil, c) {
			return path
		}
	}
	return ""
}

// keyOn is the path of a key on a line.
func keyOn(root *yaml.Node, line int, name string) string {
	path := find(root, "", func(key, _ *yaml.Node) bool { return key != nil && key.Line == line && key.Value == name })
	if path == "" {
		return name
	}
	return path
}

// valueOn is the path of the key whose value on a line is of a tag and begins so.
func valueOn(root *yaml.Node, line int, tag, text string) string {
	return find(root, "", func(_, v *yaml.Node) bool {
		return v.Line == line && v.ShortTag() == tag && strings.HasPrefix(v.Value, text)
	})
}
