package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lockPoll is how often a held lock is tried again.
const lockPoll = time.Second

// lock waits until nobody else holds path, and returns what gives it back. The kernel frees it with the process, so a
// killed build blocks nobody. The file itself stays: removing it would let two hold it at once.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for waited := false; ; waited = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			file.Close()
			return nil, fmt.Errorf("%s cannot be locked: %w", path, err)
		}
		if !waited {
			say("Another run is building the control plane: waiting for it.")
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, errors.New("stopped while another run was building the control plane")
		case <-time.After(lockPoll):
		}
	}
}
