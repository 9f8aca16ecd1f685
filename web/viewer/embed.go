// Package viewer embeds the built viewer, the page at "/".
//
//	src, index.html ── vite build ──▶ dist ── go:embed ──▶ FS
//
// dist is made by `make viewer` and is not in git. A program built without
// it serves missing/index.html, a page of one sentence that says so.
package viewer

import (
	"embed"
	"io/fs"
)

//go:embed all:dist missing
var files embed.FS

// FS is the root of the viewer's files: index.html and, below assets, the
// files whose names hold a hash of their content and may be cached for ever.
// It is safe for concurrent use.
func FS() fs.FS {
	root := "dist"
	if !Built() {
		root = "missing"
	}
	sub, err := fs.Sub(files, root)
	if err != nil {
		panic(err) // root is a constant valid path: fs.Sub cannot fail
	}
	return sub
}

// Built tells whether the program was built after `make viewer`.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}
