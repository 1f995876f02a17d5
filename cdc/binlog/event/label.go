package event

import (
	"errors"
	"fmt"

	"ardso/sql/value"
)

// label sets how an ENUM or SET is read.
func (f *field) label(c Column, format Format) error {
	if len(format.Labels) == 0 {
		return errors.New("its labels are not known")
	}
	if c.Type == TypeEnum {
		f.read = readEnum
		return nil
	}
	if len(format.Labels) > 64 {
		return fmt.Errorf("a SET of %d labels", len(format.Labels))
	}
	f.read = readSet
	return nil
}

// readEnum reads the number of a label; 0 is the empty text that stands for what was no label (MD-5).
func readEnum(f *field, b []byte) (value.Value, error) {
	n := littleEndian(b)
	if n == 0 {
		return value.Text(""), nil
	}
	if n > uint64(len(f.labels)) {
		return value.Value{}, fmt.Errorf("label %d of %d", n, len(f.labels))
	}
	return value.Text(f.labels[n-1]), nil
}

// readSet reads a bit for each label, up to 64 (MD-6).
func readSet(f *field, b []byte) (value.Value, error) {
	u := littleEndian(b)
	if n := len(f.labels); n < 64 && u>>n != 0 {
		return value.Value{}, fmt.Errorf("labels %b of %d", u, n)
	}
	text := f.texts.scratch[:0]
	for i, label := range f.labels {
		if u&(1<<i) == 0 {
			continue
		}
		if u&(1<<i-1) != 0 { // there was one before
			text = append(text, ',')
		}
		text = append(text, label...)
	}
	f.texts.reuse(text)
	return value.Text(f.texts.keep(text)), nil
}
