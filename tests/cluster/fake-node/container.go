package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"
)

// Constants of the runner: runner/src/channel.rs and runner/src/replay.rs.
const (
	readerTimeout = 5 * time.Second
	maxReplay     = 256 << 10
)

// marker records the marks of started programs.
type marker struct{ file *os.File }

func (m marker) mark(text string) error {
	_, err := fmt.Fprintln(m.file, text)
	return err
}

// container simulates the runner of a real container.
type container struct {
	*output
	args   []string
	marks  marker
	stdin  chan byte
	opened time.Time
	// Done when the container has to terminate.
	ctx       context.Context
	terminate context.CancelFunc
	// Closed when the container has terminated.
	terminated chan struct{}

	// Number of frame bytes so far.
	sent int
	// The log without replays, unless it is too long to be replayed.
	replay                 string
	wasReplayed, isTooLong bool
}

func newContainer(args []string, marks marker, rotation int) *container {
	c := &container{
		output: newOutput(rotation), args: args, marks: marks,
		stdin: make(chan byte, 64<<10), terminated: make(chan struct{}), opened: time.Now(),
	}
	c.ctx, c.terminate = context.WithCancel(context.Background())
	return c
}

// launch starts the container; program is the content of its volume, if any.
func (c *container) launch(program []byte) {
	go func() {
		defer close(c.terminated)
		defer c.output.close()
		c.run(program)
	}()
}

// attach connects a client with the container's streams.
func (c *container) attach(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	offset := c.output.start(false)
	if stdin != nil {
		go func() {
			chunk := make([]byte, 4096)
			for {
				length, err := stdin.Read(chunk)
				for _, one := range chunk[:length] {
					select {
					case c.stdin <- one:
					case <-c.terminated:
						return
					}
				}
				if err != nil {
					return
				}
			}
		}()
	}
	return c.copy(ctx, stdout, offset, true)
}

func (c *container) send(frame []byte) {
	text := lines(c.sent, frame)
	if len(c.text)+len(text) > c.rotation*4/5 {
		select {
		case <-time.After(readerTimeout - time.Since(c.opened)):
		case <-c.ctx.Done():
		}
	}
	c.sent += len(frame)
	if c.isTooLong = c.isTooLong || len(c.replay)+len(text) > maxReplay; c.isTooLong {
		c.replay = ""
	} else {
		c.replay += text
	}
	c.write(text)
}

// replayLog repeats the output for a new reader.
func (c *container) replayLog() {
	c.wasReplayed = true
	c.write(c.replay)
}

func (c *container) run(program []byte) {
	if expires := c.expires(); !expires.IsZero() && time.Now().After(expires) {
		c.fail(control, "the sandbox was started too late")
		return
	}
	c.send(frame(control, frameHello, hello))
	decoded, err := c.receive(program)
	if c.ctx.Err() != nil {
		return
	}
	if err != nil {
		c.fail(control, err.Error())
		return
	}
	if err := c.marks.mark(decoded.Mark); err != nil {
		c.fail(execution, err.Error())
		return
	}
	c.send(frame(execution, frameStarted, nil))
	started := time.Now()
	ending, code := c.execute(decoded)
	c.send(ended(ending, code, time.Since(started)))
	c.send(frame(execution, frameDone, nil))
	c.linger()
}

func (c *container) fail(channel uint32, why string) {
	c.send(failed(channel, why))
	c.linger()
}

func (c *container) expires() time.Time {
	if at := slices.Index(c.args, "--expires"); at >= 0 && at+1 < len(c.args) {
		if seconds, err := strconv.ParseInt(c.args[at+1], 10, 64); err == nil {
			return time.Unix(seconds, 0)
		}
	}
	return time.Time{}
}

// receive waits for the program, from the volume or from standard input.
func (c *container) receive(volume []byte) (program, error) {
	isInVolume := slices.Contains(c.args, "--program")
	read := c.readStdin
	if isInVolume {
		read = func(length int) ([]byte, error) {
			if length > len(volume) {
				return nil, errMalformed
			}
			bytes := volume[:length]
			volume = volume[length:]
			return bytes, nil
		}
	}
	for isFirst := true; ; isFirst = false {
		kind, body, err := message(read)
		if err != nil {
			return program{}, err
		}
		if !isInVolume && !c.wasReplayed {
			c.replayLog()
		}
		switch {
		case isFirst != (kind == messageHello):
			return program{}, errMalformed
		case kind == messageRun:
			return decode(body)
		case kind != messageHello:
			c.send(frame(control, frameReady, nil))
		}
	}
}

// message reads the next message: its kind and its body.
func message(read func(length int) ([]byte, error)) (uint16, []byte, error) {
	bytes, err := read(header)
	if err != nil {
		return 0, nil, err
	}
	kind, length := split(bytes)
	body, err := read(length)
	return kind, body, err
}

// readStdin reads this number of bytes.
func (c *container) readStdin(length int) ([]byte, error) {
	bytes := make([]byte, length)
	for at := range bytes {
		select {
		case bytes[at] = <-c.stdin:
		case <-c.ctx.Done():
			return nil, c.ctx.Err()
		}
	}
	return bytes, nil
}

// execute simulates a program and returns its termination.
func (c *container) execute(p program) (ending, code byte) {
	deadline := time.After(p.wallTime)
	c.printTime(p)
	for range p.Times {
		c.send(frame(execution, frameStdout, []byte(p.Writes)))
		pause := time.After(time.Duration(p.Pause * float64(time.Second)))
		for isDone := false; !isDone; {
			select {
			case <-pause:
				isDone = true
			case <-c.stdin:
				c.replayLog()
			case <-deadline:
				return endingTimedOut, 0
			case <-c.ctx.Done():
				return endingCancelled, 0
			}
		}
	}
	c.printTime(p)
	return endingExited, p.Exits
}

func (c *container) printTime(p program) {
	if p.PrintsTime {
		c.send(frame(execution, frameStdout, fmt.Appendln(nil, time.Now().UnixMilli())))
	}
}

// linger waits some time for the first reader.
func (c *container) linger() {
	if c.wasReplayed || c.isTooLong {
		return
	}
	select {
	case <-c.stdin:
		c.replayLog()
	case <-time.After(readerTimeout):
	case <-c.ctx.Done():
	}
}
