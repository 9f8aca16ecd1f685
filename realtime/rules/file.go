package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"twind/layers"
	"twind/realtime/durable"
)

// fileName is the rules' file in Options.Dir.
const fileName = "rules.json"

// maxFileBytes bounds what is read of it.
const maxFileBytes = MaxRules * (MaxRuleBytes + 1<<10)

// load reads the rules; none without a file.
func load(dir string) ([]*Rule, error) {
	path := filepath.Join(dir, fileName)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "the rules in %s cannot be read: %w", path, err)
	}
	damaged := func(why string) error {
		return layers.Errorf(layers.ErrCorrupt, "the rules in %s cannot be read (%s); mend the file, or remove it to begin without rules", path, why)
	}
	if info.Size() > maxFileBytes {
		return nil, damaged("it is too large")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, layers.Errorf(layers.ErrUnavailable, "the rules in %s cannot be read: %w", path, err)
	}
	var file struct {
		Rules []json.RawMessage `json:"rules"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, damaged(err.Error())
	}
	if len(file.Rules) > MaxRules {
		return nil, damaged("it has over 1,000 rules")
	}
	var list []*Rule
	for _, raw := range file.Rules {
		var named struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(raw, &named) // parse tells what is wrong
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return nil, damaged(err.Error())
		}
		r, err := parse(named.ID, compact.Bytes())
		if err != nil {
			return nil, damaged(err.Error())
		}
		list = append(list, r)
	}
	return list, nil
}

// save writes the rules, by id, whole or not at all.
func save(dir string, rules map[string]*Rule) error {
	list := make([]*Rule, 0, len(rules))
	for _, r := range rules {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) })
	b, err := json.MarshalIndent(map[string]any{"rules": list}, "", "  ")
	if err == nil {
		err = durable.Replace(filepath.Join(dir, fileName), append(b, '\n'))
	}
	if err != nil {
		return layers.Errorf(layers.ErrUnavailable, "the rules cannot be written to %s: %w", filepath.Join(dir, fileName), err)
	}
	return nil
}
