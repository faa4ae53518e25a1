package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"
)

// How the runner deals with its readers: runner/src/channel.rs and runner/src/replay.rs.
const (
	forReader = 5 * time.Second
	maxReplay = 256 << 10
)

// marker counts programs that are started.
type marker struct{ file *os.File }

func (m marker) mark(text string) error {
	_, err := fmt.Fprintln(m.file, text)
	return err
}

// container is what the runner is in a real one.
type container struct {
	*output
	args   []string
	marks  marker
	stdin  chan byte
	opened time.Time
	// Done when the container is told to end.
	ctx       context.Context
	terminate context.CancelFunc
	// Closed when it has.
	gone chan struct{}

	// Bytes of frames so far.
	sent int
	// The log without what was said again, as long as that is not too long.
	replay             string
	wasSaid, isTooLong bool
}

func newContainer(args []string, marks marker, rotation int) *container {
	c := &container{
		output: newOutput(rotation), args: args, marks: marks,
		stdin: make(chan byte, 64<<10), gone: make(chan struct{}), opened: time.Now(),
	}
	c.ctx, c.terminate = context.WithCancel(context.Background())
	return c
}

// start runs it; program is what its volume brings, if it brings one.
func (c *container) start(program []byte) {
	go func() {
		defer close(c.gone)
		defer c.output.end()
		c.run(program)
	}()
}

// attach connects somebody with its streams.
func (c *container) attach(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	place := c.place(false)
	if stdin != nil {
		go func() {
			chunk := make([]byte, 4096)
			for {
				length, err := stdin.Read(chunk)
				for _, one := range chunk[:length] {
					select {
					case c.stdin <- one:
					case <-c.gone:
						return
					}
				}
				if err != nil {
					return
				}
			}
		}()
	}
	return c.copy(ctx, stdout, place, true)
}

func (c *container) send(frame []byte) {
	text := lines(c.sent, frame)
	if len(c.text)+len(text) > c.rotation*4/5 {
		select {
		case <-time.After(forReader - time.Since(c.opened)):
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

// again says all once more for a reader that has just come.
func (c *container) again() {
	c.wasSaid = true
	c.write(c.replay)
}

func (c *container) run(program []byte) {
	if expires := c.expires(); !expires.IsZero() && time.Now().After(expires) {
		c.fail("the sandbox was started too late")
		return
	}
	c.send(frame(frameReady, nil))
	decoded, err := c.receive(program)
	if c.ctx.Err() != nil {
		return
	}
	if err == nil {
		err = c.marks.mark(decoded.Mark)
	}
	if err != nil {
		c.fail(err.Error())
		return
	}
	c.send(frame(frameStarted, nil))
	started := time.Now()
	ending, code := c.execute(decoded)
	c.send(ended(ending, code, time.Since(started)))
	c.send(frame(frameDone, nil))
	c.linger()
}

func (c *container) fail(why string) {
	c.send(frame(frameFailed, []byte(why)))
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

// receive waits for the program.
func (c *container) receive(message []byte) (program, error) {
	if slices.Contains(c.args, "--program") {
		_, decoded, err := decode(message[4:])
		return decoded, err
	}
	for {
		message, err := c.message()
		if err != nil {
			return program{}, err
		}
		if !c.wasSaid {
			c.again()
		}
		kind, decoded, err := decode(message)
		if err != nil || kind == messageRun {
			return decoded, err
		}
		c.send(frame(frameReady, nil))
	}
}

// message is the next that comes through standard input.
func (c *container) message() ([]byte, error) {
	read := func(length int) ([]byte, error) {
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
	length, err := read(4)
	if err != nil {
		return nil, err
	}
	return read(int(binary.LittleEndian.Uint32(length)))
}

// execute does what a program says that it does, and gives its ending.
func (c *container) execute(p program) (ending, code byte) {
	deadline := time.After(p.wallTime)
	c.tellTime(p)
	for range p.Times {
		c.send(frame(frameStdout, []byte(p.Writes)))
		pause := time.After(time.Duration(p.Pause * float64(time.Second)))
		for isOver := false; !isOver; {
			select {
			case <-pause:
				isOver = true
			case <-c.stdin:
				c.again()
			case <-deadline:
				return endingTimedOut, 0
			case <-c.ctx.Done():
				return endingCancelled, 0
			}
		}
	}
	c.tellTime(p)
	return endingExited, p.Exits
}

func (c *container) tellTime(p program) {
	if p.TellsTime {
		c.send(frame(frameStdout, fmt.Appendln(nil, time.Now().UnixMilli())))
	}
}

// linger waits for a reader that has not come yet.
func (c *container) linger() {
	if c.wasSaid || c.isTooLong {
		return
	}
	select {
	case <-c.stdin:
		c.again()
	case <-time.After(forReader):
	case <-c.ctx.Done():
	}
}
