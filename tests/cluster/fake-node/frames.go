package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Kinds of frames: runner/protocol/src/frame.rs.
const (
	frameReady   = 1
	frameStarted = 2
	frameStdout  = 3
	frameEnded   = 11
	frameFailed  = 12
	frameDone    = 13
)

// Kinds of termination.
const (
	endingExited    = 0
	endingTimedOut  = 2
	endingCancelled = 6
)

// line is the number of channel bytes in a line of the log: runner/protocol/src/log.rs.
const line = 48 << 10

func frame(kind byte, payload []byte) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(payload))), payload...)
}

func ended(ending, code byte, ran time.Duration) []byte {
	return frame(frameEnded, binary.LittleEndian.AppendUint64([]byte{ending, code}, uint64(ran.Microseconds())))
}

// lines encodes channel bytes, which begin at offset before, as lines of the log.
func lines(before int, bytes []byte) string {
	var text strings.Builder
	for len(bytes) > 0 {
		chunk := bytes[:min(line, len(bytes))]
		fmt.Fprintf(&text, "cofferdam %d %s\n", before, base64.StdEncoding.EncodeToString(chunk))
		before, bytes = before+len(chunk), bytes[len(chunk):]
	}
	return text.String()
}
