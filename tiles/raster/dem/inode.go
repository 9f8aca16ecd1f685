package dem

import (
	"context"
	"errors"
	"os"
	"reflect"
)

// inode tells files of one size and time apart where the system numbers them.
func inode(info os.FileInfo) uint64 {
	v := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if v.Kind() != reflect.Struct {
		return 0
	}
	if f := v.FieldByName("Ino"); f.IsValid() && f.CanUint() {
		return f.Uint()
	}
	return 0
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
