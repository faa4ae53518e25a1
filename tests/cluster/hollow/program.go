package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// program is what there is to know of one that is not run: its first line says, as a comment, what the rest of it does.
type program struct {
	// Counted when it is started.
	Mark string `json:"mark"`
	// Written to standard output so many times, with so many seconds after each.
	Writes string  `json:"writes"`
	Times  int     `json:"times"`
	Pause  float64 `json:"pause"`
	// Whether it writes, first and last, what the time is: in milliseconds since 1970, a line each.
	TellsTime bool `json:"tells_time"`
	// Its exit code.
	Exits byte `json:"exits"`

	wallTime time.Duration
}

// The messages that a runner gets: runner/protocol/src/message.rs.
const (
	messagePrepare = iota
	messageAttend
	messageRun
)

var errMalformed = errors.New("what was handed to the runner cannot be read")

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

// list reads so many strings for each of its items.
func (r *reader) list(strings int) {
	for count := r.number(); count > 0; count-- {
		for range strings {
			r.bytes()
		}
	}
}

// decode gives the kind of a message, and the program where it brings one.
func decode(message []byte) (kind uint64, decoded program, err error) {
	defer func() {
		if recover() != nil {
			err = errMalformed
		}
	}()
	r := reader{message}
	if kind = r.number(); kind != messageRun {
		return
	}
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
