package demo

import "twind/layers"

func (m *maker) water(l *layers.Layer) (source, error) {
	return source{0, func(func(*layers.Feature, error) bool) {}}, nil
}
