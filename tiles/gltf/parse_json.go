package gltf

// The JSON as far as it is understood.
type fileJSON struct {
	Asset              struct{ Version string }
	ExtensionsUsed     []string
	ExtensionsRequired []string
	Scene              *int
	Scenes             []struct{ Nodes []int }
	Nodes              []nodeJSON
	Meshes             []struct {
		Name       string
		Primitives []primitiveJSON
	}
	Materials   []struct{}
	Accessors   []accessorJSON
	BufferViews []viewJSON
	Buffers     []struct{ ByteLength uint64 }
	Extensions  struct {
		Metadata *metadataJSON `json:"EXT_structural_metadata"`
	}
}

type viewJSON struct {
	Buffer                             int
	ByteOffset, ByteLength, ByteStride uint64
}

type accessorJSON struct {
	BufferView    *int
	ByteOffset    uint64
	ComponentType int
	Normalized    bool
	Count         uint64
	Type          string
	Min, Max      []float64
}

type featureIDsJSON struct {
	FeatureIDs []struct {
		FeatureCount  int
		Attribute     *int
		PropertyTable *int
	}
}

type nodeJSON struct {
	Mesh                         *int
	Children                     []int
	Matrix                       []float64
	Translation, Rotation, Scale []float64
	Extensions                   struct {
		Instancing *struct{ Attributes map[string]int } `json:"EXT_mesh_gpu_instancing"`
		Features   *featureIDsJSON                      `json:"EXT_instance_features"`
	}
}

type primitiveJSON struct {
	Attributes map[string]int
	Indices    *int
	Material   *int
	Mode       *int
	Extensions struct {
		Features *featureIDsJSON `json:"EXT_mesh_features"`
	}
}
