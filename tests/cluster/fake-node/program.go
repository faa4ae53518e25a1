package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// program is the description in a program's first line, a comment. The rest of the program is not
// interpreted.
type program struct {
	// Written to the file of marks when the program starts.
	Mark string `json:"mark"`
	// Writes is written to standard output Times times, with a pause of Pause seconds after each.
	Writes string  `json:"writes"`
	Times  int     `json:"times"`
	Pause  float64 `json:"pause"`
	// Whether the program prints the time at its start and its end, as lines of milliseconds since 1970.
	PrintsTime bool `json:"tells_time"`
	// The exit code.
	Exits byte `json:"exits"`

	wallTime time.Duration
}

// Messages to a runner: runner/protocol/src/message.rs.
const (
	messageHello = 1
	messageRun   = 4
)

var errMalformed = errors.New("the message to the runner is malformed")

// reader reads postcard: https://postcard.jamesmunns.com/wire-format.
type reader struct{ rest []byte }

func (r *reader) number() uint64 {
	number, length := binary.Uvarint(r.rest)
	if length <= 0 {
		panic(errMalformed)
	}
	r.rest = r.rest[length:]
	return number
}

func (r *reader) bytes() []byte {
	length := r.number()
	if length > uint64(len(r.rest)) {
		panic(errMalformed)
	}
	bytes := r.rest[:length]
	r.rest = r.rest[length:]
	return bytes
}

// list skips a list whose items have this many strings each.
func (r *reader) list(strings int) {
	for count := r.number(); count > 0; count-- {
		for range strings {
			r.bytes()
		}
	}
}

// split returns the kind and the length of a message from its header.
func split(header []byte) (kind uint16, length int) {
	return binary.LittleEndian.Uint16(header[4:]), int(binary.LittleEndian.Uint32(header[6:]))
}

// decode returns the program in the body of a message.
func decode(body []byte) (decoded program, err error) {
	defer func() {
		if recover() != nil {
			err = errMalformed
		}
	}()
	r := reader{body}
	r.list(1) // interpreter
	r.bytes() // file
	code := string(r.bytes())
	r.list(1) // arguments
	r.list(2) // environment
	r.bytes() // standard input
	r.list(2) // files
	r.list(1) // patterns
	decoded.wallTime = time.Duration(r.number()) * time.Millisecond
	line, _, _ := strings.Cut(code, "\n")
	err = json.Unmarshal([]byte(strings.TrimPrefix(line, "# ")), &decoded)
	return
}
