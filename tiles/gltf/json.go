package gltf

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Append writes the scene as GLB after dst. An error says what was given
// wrongly; dst is then returned as it was.
func (w *Writer) Append(dst []byte) ([]byte, error) {
	if w.err != nil {
		return dst, w.err
	}
	start := len(dst)
	dst = append(dst, "glTF\x02\x00\x00\x00____####JSON"...)
	dst = w.json(dst)
	for (len(dst)-start)%8 != 0 { // the binary chunk's header is 8 bytes
		dst = append(dst, ' ')
	}
	text := len(dst) - start - 20
	le.PutUint32(dst[start+12:], uint32(text))
	if len(w.bin) > 0 {
		size := (len(w.bin) + 7) &^ 7
		dst = le.AppendUint32(dst, uint32(size))
		dst = append(dst, "BIN\x00"...)
		dst = append(dst, w.bin...)
		for (len(dst)-start)%8 != 0 {
			dst = append(dst, 0)
		}
	}
	if len(dst)-start > math.MaxUint32 {
		return dst[:start], errTooLarge
	}
	le.PutUint32(dst[start+8:], uint32(len(dst)-start))
	return dst, nil
}

func (w *Writer) json(b []byte) []byte {
	b = append(b, `{"asset":{"version":"2.0","generator":"twind"}`...)
	b = w.jsonExtensions(b)
	if len(w.nodes) > 0 {
		b = append(b, `,"scene":0,"scenes":[{"nodes":[0]}]`...)
		b = w.jsonNodes(b)
		b = w.jsonMeshes(b)
	}
	b = w.jsonMaterials(b)
	if len(w.accessors) > 0 {
		b = w.jsonAccessors(b)
	}
	if len(w.views) > 0 {
		b = w.jsonViews(b)
	}
	if len(w.tables) > 0 {
		b = append(b, `,"extensions":{"EXT_structural_metadata":`...)
		b = w.jsonMetadata(b)
		b = append(b, '}')
	}
	return append(b, '}')
}

func (w *Writer) jsonExtensions(b []byte) []byte {
	names := [...]string{"KHR_mesh_quantization", "EXT_mesh_features", "EXT_mesh_gpu_instancing", "EXT_instance_features", "EXT_structural_metadata", "KHR_materials_unlit"}
	if w.uses == 0 {
		return b
	}
	b = append(b, `,"extensionsUsed":[`...)
	first := true
	for k, name := range names {
		if w.uses&(1<<k) == 0 {
			continue
		}
		b = comma(b, first)
		b = append(append(append(b, '"'), name...), '"')
		first = false
	}
	b = append(b, ']')
	required := w.uses & (usesQuantization | usesInstancing)
	if required == 0 {
		return b
	}
	b = append(b, `,"extensionsRequired":[`...)
	first = true
	for k, name := range names {
		if required&(1<<k) != 0 {
			b = comma(b, first)
			b = append(append(append(b, '"'), name...), '"')
			first = false
		}
	}
	return append(b, ']')
}

func comma(b []byte, first bool) []byte {
	if first {
		return b
	}
	return append(b, ',')
}

func (w *Writer) jsonNodes(b []byte) []byte {
	b = append(b, `,"nodes":[{"name":"twind"`...)
	if w.hasFrame {
		b = append(b, `,"matrix":[`...)
		for i, v := range w.frame {
			b = number(comma(b, i == 0), v)
		}
		b = append(b, ']')
	}
	b = append(b, `,"children":[`...)
	for i := range w.nodes {
		b = integer(comma(b, i == 0), i+1)
	}
	b = append(b, "]}"...)
	for i := range w.nodes {
		b = w.jsonNode(append(b, ','), &w.nodes[i])
	}
	return append(b, ']')
}

func (w *Writer) jsonNode(b []byte, n *nodeEntry) []byte {
	b = integer(append(b, `{"mesh":`...), n.mesh)
	if m := &w.meshes[n.mesh]; m.quantized {
		b = append(b, `,"translation":[`...)
		for k, v := range m.offset {
			b = number(comma(b, k == 0), v)
		}
		b = append(b, `],"scale":[`...)
		for k := range 3 {
			b = number(comma(b, k == 0), m.step)
		}
		b = append(b, ']')
	}
	if n.instanced {
		b = integer(append(b, `,"extensions":{"EXT_mesh_gpu_instancing":{"attributes":{"TRANSLATION":`...), n.translation)
		b = integer(append(b, `,"ROTATION":`...), n.rotation)
		b = integer(append(b, `,"SCALE":`...), n.scale)
		if n.feature >= 0 {
			b = integer(append(b, `,"_FEATURE_ID_0":`...), n.feature)
		}
		b = append(b, `}},"EXT_instance_features":`...)
		b = jsonFeatureIDs(b, n.features, n.feature >= 0, n.table)
		b = append(b, '}')
	}
	return append(b, '}')
}

func jsonFeatureIDs(b []byte, count int, attribute bool, table int) []byte {
	b = integer(append(b, `{"featureIds":[{"featureCount":`...), count)
	if attribute {
		b = append(b, `,"attribute":0`...)
	}
	if table >= 0 {
		b = integer(append(b, `,"propertyTable":`...), table)
	}
	return append(b, "}]}"...)
}

func (w *Writer) jsonMeshes(b []byte) []byte {
	b = append(b, `,"meshes":[`...)
	for i := range w.meshes {
		m := &w.meshes[i]
		b = append(comma(b, i == 0), '{')
		if m.name != "" {
			b = append(text(append(b, `"name":`...), m.name), ',')
		}
		b = append(b, `"primitives":[`...)
		for k := m.from; k < m.to; k++ {
			b = w.jsonPrimitive(comma(b, k == m.from), &w.surfaces[k], m.table)
		}
		b = append(b, "]}"...)
	}
	return append(b, ']')
}

func (w *Writer) jsonPrimitive(b []byte, s *surface, table int) []byte {
	b = integer(append(b, `{"attributes":{"POSITION":`...), s.position)
	if s.normal >= 0 {
		b = integer(append(b, `,"NORMAL":`...), s.normal)
	}
	if s.color >= 0 {
		b = integer(append(b, `,"COLOR_0":`...), s.color)
	}
	if s.feature >= 0 {
		b = integer(append(b, `,"_FEATURE_ID_0":`...), s.feature)
	}
	b = integer(append(b, `},"indices":`...), s.indices)
	b = integer(append(b, `,"material":`...), s.material)
	if s.feature >= 0 {
		b = append(b, `,"extensions":{"EXT_mesh_features":`...)
		b = jsonFeatureIDs(b, s.features, true, table)
		b = append(b, '}')
	}
	return append(b, '}')
}

func (w *Writer) jsonMaterials(b []byte) []byte {
	if len(w.materials) == 0 {
		return b
	}
	b = append(b, `,"materials":[`...)
	for i := range w.materials {
		m := &w.materials[i]
		b = append(comma(b, i == 0), '{')
		if m.Name != "" {
			b = append(text(append(b, `"name":`...), m.Name), ',')
		}
		b = append(b, `"pbrMetallicRoughness":{"baseColorFactor":[`...)
		for k := range 3 {
			b = append(number(b, rounded(linear(m.Color[k]))), ',')
		}
		b = number(b, rounded(float64(m.Color[3])/255))
		b = number(append(b, `],"metallicFactor":`...), m.Metallic)
		b = number(append(b, `,"roughnessFactor":`...), m.Roughness)
		b = append(b, '}')
		if m.Color[3] < 255 {
			b = append(b, `,"alphaMode":"BLEND"`...)
		}
		if m.DoubleSided {
			b = append(b, `,"doubleSided":true`...)
		}
		if m.Unlit {
			b = append(b, `,"extensions":{"KHR_materials_unlit":{}}`...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

func rounded(v float64) float64 { return math.Round(v*1e5) / 1e5 }

func (w *Writer) jsonAccessors(b []byte) []byte {
	b = append(b, `,"accessors":[`...)
	for i := range w.accessors {
		a := &w.accessors[i]
		b = integer(append(comma(b, i == 0), `{"bufferView":`...), a.view)
		b = integer(append(b, `,"componentType":`...), a.component)
		if a.normalized {
			b = append(b, `,"normalized":true`...)
		}
		b = integer(append(b, `,"count":`...), a.count)
		b = append(append(append(b, `,"type":"`...), a.kind...), '"')
		if a.bounded {
			b = bounds(append(b, `,"min":`...), a.lo)
			b = bounds(append(b, `,"max":`...), a.hi)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

func bounds(b []byte, v [3]float64) []byte {
	b = number(append(b, '['), v[0])
	b = number(append(b, ','), v[1])
	b = number(append(b, ','), v[2])
	return append(b, ']')
}

func (w *Writer) jsonViews(b []byte) []byte {
	b = append(b, `,"bufferViews":[`...)
	for i := range w.views {
		v := &w.views[i]
		b = append(comma(b, i == 0), `{"buffer":0`...)
		if v.offset > 0 {
			b = integer(append(b, `,"byteOffset":`...), v.offset)
		}
		b = integer(append(b, `,"byteLength":`...), v.length)
		if v.stride > 0 {
			b = integer(append(b, `,"byteStride":`...), v.stride)
		}
		if v.target > 0 {
			b = integer(append(b, `,"target":`...), v.target)
		}
		b = append(b, '}')
	}
	b = integer(append(b, `],"buffers":[{"byteLength":`...), (len(w.bin)+7)&^7)
	return append(b, "}]"...)
}

func number(b []byte, v float64) []byte {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, '0') // also for −0
	}
	format := byte('f')
	if a := math.Abs(v); a < 1e-6 || a >= 1e21 {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, 64)
}

func integer(b []byte, v int) []byte { return strconv.AppendInt(b, int64(v), 10) }

// text writes a JSON string; bytes that are no UTF-8 become U+FFFD.
func text(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', "0123456789abcdef"[r>>4], "0123456789abcdef"[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
