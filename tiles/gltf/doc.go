// Package gltf writes and reads binary glTF 2.0 (GLB) as the content of 3D
// Tiles 1.1: meshes with feature ids, instances, and tables of attributes.
//
//	12 bytes   magic "glTF", version 2, length of all
//	chunk      length, "JSON", text padded with spaces so that what follows
//	chunk      length, "BIN\0", begins on a multiple of 8 bytes:
//	             views of attributes (strides of 4) │ indices │ instance columns │ tables
//
// A Writer is fed in any order and writes at last:
//
//	root (frame: the local axes in earth-centred coordinates, double precision)
//	├── node ─ mesh (quantised: its own scale and translation) ─ primitives
//	└── node ─ mesh × instances (EXT_mesh_gpu_instancing)
//	tables of attributes (EXT_structural_metadata) ← feature ids (EXT_mesh_features)
//
// Meshes come in the local frame of package mesh (x east, y north, z up); glTF
// is y-up, so what is written is x east, y up, z south. Colours come in sRGB
// and are written linear. The same calls give the same bytes.
package gltf
