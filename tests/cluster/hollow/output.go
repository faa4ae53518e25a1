package main

import (
	"context"
	"io"
	"sync"
)

// output is what a container writes, for all who read it.
type output struct {
	mutex   sync.Mutex
	changed chan struct{}
	text    []byte
	// Where the file begins that a kubelet has not put aside.
	current  int
	rotation int
	isOver   bool
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
	o.tell()
}

func (o *output) end() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.isOver = true
	o.tell()
}

func (o *output) tell() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// place is where who comes now begins to read: a log with its file, who attaches with what is written next.
func (o *output) place(ofLog bool) int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if ofLog {
		return o.current
	}
	return len(o.text)
}

// copy passes on what is there from a place on, and, if wanted, what comes, to the end.
func (o *output) copy(ctx context.Context, to io.Writer, place int, follow bool) error {
	for {
		o.mutex.Lock()
		text, isOver, changed := o.text[place:], o.isOver, o.changed
		o.mutex.Unlock()
		if len(text) > 0 {
			if _, err := to.Write(text); err != nil {
				return err
			}
			place += len(text)
			continue
		}
		if isOver || !follow {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
