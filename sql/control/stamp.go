package control

import (
	"fmt"
	"time"

	"ardso/sql/value"
)

// stamp reads a time column of any engine: drivers give a time.Time or the text.
type stamp struct{ time.Time }

func (s *stamp) Scan(src any) error {
	var text string
	switch x := src.(type) {
	case nil:
		s.Time = time.Time{}
		return nil
	case time.Time:
		s.Time = x.UTC()
		return nil
	case string:
		text = x
	case []byte:
		text = string(x)
	default:
		return fmt.Errorf("read a time from %T", src)
	}
	v, err := value.Parse(value.KindInstant, text)
	if err != nil {
		return err
	}
	s.Time = time.UnixMicro(v.Int()).UTC()
	return nil
}
