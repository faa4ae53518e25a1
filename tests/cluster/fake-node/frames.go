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
	frameHello   = 1
	frameReady   = 2
	frameStarted = 3
	frameStdout  = 4
	frameEnded   = 12
	frameFailed  = 13
	frameDone    = 14
)

// Envelopes: runner/protocol/src/envelope.rs.
const (
	control   = 0
	execution = 1
	header    = 10
)

// hello says that the runner has version 2 of the protocol, and no features: runner/protocol/src/hello.rs.
var hello = []byte{1, 2, 0}

// Kinds of termination.
const (
	endingExited    = 0
	endingTimedOut  = 2
	endingCancelled = 6
)

// line is the number of channel bytes in a line of the log: runner/protocol/src/log.rs.
const line = 48 << 10

func frame(channel uint32, kind uint16, body []byte) []byte {
	bytes := binary.LittleEndian.AppendUint32(nil, channel)
	bytes = binary.LittleEndian.AppendUint16(bytes, kind)
	bytes = binary.LittleEndian.AppendUint32(bytes, uint32(len(body)))
	return append(bytes, body...)
}

// ended reports the end of a program. Only an exit has a code.
func ended(ending, code byte, ran time.Duration) []byte {
	body := []byte{ending}
	if ending == endingExited {
		body = append(body, code)
	}
	body = binary.AppendUvarint(body, uint64(ran/time.Second))
	return frame(execution, frameEnded, binary.AppendUvarint(body, uint64(ran%time.Second)))
}

func failed(channel uint32, why string) []byte {
	return frame(channel, frameFailed, append(binary.AppendUvarint(nil, uint64(len(why))), why...))
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
