package main

import (
	"context"
	"io"
	"sync"
)

// output is the log of a container, with any number of readers.
type output struct {
	mutex   sync.Mutex
	changed chan struct{}
	text    []byte
	// Offset at which the current log file begins, after rotations.
	current  int
	rotation int
	isClosed bool
}

func newOutput(rotation int) *output {
	return &output{changed: make(chan struct{}), rotation: rotation}
}

func (o *output) write(text string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.text = append(o.text, text...)
	if len(o.text)-o.current > o.rotation {
		o.current = len(o.text)
	}
	o.notify()
}

func (o *output) close() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.isClosed = true
	o.notify()
}

func (o *output) notify() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// start is the offset at which a new reader begins: the current file for logs, the end for attach.
func (o *output) start(ofLog bool) int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if ofLog {
		return o.current
	}
	return len(o.text)
}

// copy writes the output from an offset on, and, with follow, continues until the output is closed.
func (o *output) copy(ctx context.Context, to io.Writer, offset int, follow bool) error {
	for {
		o.mutex.Lock()
		text, isClosed, changed := o.text[offset:], o.isClosed, o.changed
		o.mutex.Unlock()
		if len(text) > 0 {
			if _, err := to.Write(text); err != nil {
				return err
			}
			offset += len(text)
			continue
		}
		if isClosed || !follow {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
