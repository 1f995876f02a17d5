package event

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"

	"ardso/sql/value"
)

// Types of values in MySQL's binary JSON.
const (
	jsonSmallObject = iota
	jsonLargeObject
	jsonSmallArray
	jsonLargeArray
	jsonLiteral
	jsonInt16
	jsonUint16
	jsonInt32
	jsonUint32
	jsonInt64
	jsonUint64
	jsonDouble
	jsonString
	jsonOpaque = 15
)

// maxJSONDepth is as deep as the server lets documents be.
const maxJSONDepth = 100

// readJSON prints a document as MySQL does, which keeps kinds of numbers and the order of keys (MD-12).
func readJSON(f *field, b []byte) (value.Value, error) {
	text, err := appendJSON(f.texts.scratch[:0], b)
	if err != nil {
		return value.Value{}, err
	}
	f.texts.reuse(text)
	return value.Text(f.texts.keep(text)), nil
}

// appendJSON prints a binary document: a byte of type and the value.
func appendJSON(text, b []byte) ([]byte, error) {
	if len(b) == 0 { // of a column that was filled by INSERT IGNORE
		return append(text, "null"...), nil
	}
	p := jsonPrinter{text: text, budget: len(b)}
	p.value(b[0], b[1:], 0)
	if p.err == nil && !utf8.Valid(p.text) {
		p.err = errNoUTF8
	}
	return p.text, p.err
}

// jsonPrinter prints a document. Places in it are told by offsets, and nothing but the budget keeps a damaged
// one from naming the same place again and again.
type jsonPrinter struct {
	text   []byte
	budget int // bytes of the document that are not printed yet
	err    error
}

var errJSON = errors.New("bytes that are no JSON document")

func (p *jsonPrinter) fail() {
	if p.err == nil {
		p.err = errJSON
	}
}

// spend reports whether the document can have n more bytes.
func (p *jsonPrinter) spend(n int) bool {
	if p.budget -= n; p.budget < 0 {
		p.fail()
	}
	return p.err == nil
}

// value prints the value of a type that begins with b, which is as long as the document goes on.
func (p *jsonPrinter) value(kind byte, b []byte, depth int) {
	if !p.spend(1) {
		return
	}
	switch kind {
	case jsonSmallObject, jsonLargeObject, jsonSmallArray, jsonLargeArray:
		if depth >= maxJSONDepth {
			p.fail()
			return
		}
		p.container(kind, b, depth+1)
	case jsonString:
		if s, ok := p.sized(b); ok {
			p.quote(s)
		}
	case jsonOpaque:
		p.opaque(b)
	default:
		p.scalar(kind, b)
	}
}

// scalarSize is the length of values that have no length of their own.
var scalarSize = [...]int{
	jsonLiteral: 1, jsonInt16: 2, jsonUint16: 2, jsonInt32: 4, jsonUint32: 4, jsonInt64: 8, jsonUint64: 8, jsonDouble: 8,
}

func (p *jsonPrinter) scalar(kind byte, b []byte) {
	if int(kind) >= len(scalarSize) || len(b) < scalarSize[kind] {
		p.fail()
		return
	}
	u := littleEndian(b[:scalarSize[kind]])
	switch kind {
	case jsonLiteral:
		p.literal(u)
	case jsonInt16:
		p.text = strconv.AppendInt(p.text, int64(int16(u)), 10)
	case jsonInt32:
		p.text = strconv.AppendInt(p.text, int64(int32(u)), 10)
	case jsonInt64:
		p.text = strconv.AppendInt(p.text, int64(u), 10)
	case jsonDouble:
		p.text = appendDouble(p.text, math.Float64frombits(u))
	default:
		p.text = strconv.AppendUint(p.text, u, 10)
	}
}

func (p *jsonPrinter) literal(u uint64) {
	words := [...]string{"null", "true", "false"}
	if u >= uint64(len(words)) {
		p.fail()
		return
	}
	p.text = append(p.text, words[u]...)
}

// container prints an object or array: how many elements it has, how many bytes, for each key of an object where
// it is and how long, for each element its type and where it is, or the element itself if it has room there.
func (p *jsonPrinter) container(kind byte, b []byte, depth int) {
	object := kind == jsonSmallObject || kind == jsonLargeObject
	width := 2
	if kind == jsonLargeObject || kind == jsonLargeArray {
		width = 4
	}
	if len(b) < 2*width {
		p.fail()
		return
	}
	n, size := littleEndian(b[:width]), littleEndian(b[width:2*width])
	keySize, elementSize := width+2, width+1
	head := uint64(2*width) + n*uint64(elementSize)
	if object {
		head += n * uint64(keySize)
	}
	if size > uint64(len(b)) || head > size || n > math.MaxUint32 {
		p.fail()
		return
	}
	b = b[:size]
	c := jsonContainer{b: b, width: width, keys: b[2*width:], elements: b[2*width:]}
	if object {
		c.elements = b[2*width+int(n)*keySize:]
	}
	p.elements(c, int(n), object, depth)
}

// jsonContainer is an object or array whose tables of keys and elements are known to be whole.
type jsonContainer struct {
	b              []byte
	width          int // of offsets
	keys, elements []byte
}

func (p *jsonPrinter) elements(c jsonContainer, n int, object bool, depth int) {
	open, end := byte('['), byte(']')
	if object {
		open, end = '{', '}'
	}
	p.text = append(p.text, open)
	for i := range n {
		if i > 0 {
			p.text = append(p.text, ", "...)
		}
		if object {
			p.key(c, i)
			p.text = append(p.text, ": "...)
		}
		p.element(c, i, depth)
		if p.err != nil {
			return
		}
	}
	p.text = append(p.text, end)
}

func (p *jsonPrinter) key(c jsonContainer, i int) {
	entry := c.keys[i*(c.width+2):]
	at, n := littleEndian(entry[:c.width]), uint64(binary.LittleEndian.Uint16(entry[c.width:]))
	if at+n > uint64(len(c.b)) || !p.spend(int(n)) {
		p.fail()
		return
	}
	p.quote(c.b[at : at+n])
}

func (p *jsonPrinter) element(c jsonContainer, i, depth int) {
	entry := c.elements[i*(c.width+1):][:c.width+1]
	kind, inline := entry[0], entry[1:]
	if kind >= jsonLiteral && kind <= jsonUint32 && scalarSize[kind] <= c.width {
		p.value(kind, inline, depth)
		return
	}
	at := littleEndian(inline)
	if at >= uint64(len(c.b)) {
		p.fail()
		return
	}
	p.value(kind, c.b[at:], depth)
}

// sized returns bytes with their length before them, which has seven bits in a byte, the lowest first.
func (p *jsonPrinter) sized(b []byte) ([]byte, bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || used > 5 || n > uint64(len(b)-used) || !p.spend(int(n)) {
		p.fail()
		return nil, false
	}
	return b[used:][:n], true
}
