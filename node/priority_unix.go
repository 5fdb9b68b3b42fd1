//go:build unix

package node

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// background puts the process into a group of its own: a Ctrl-C on the terminal
// is for the server, which then ends the process in order.
func background(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// yielding lowers a process's priority, by its group: on Linux a process alone
// would mean its first thread. It is best effort: without it answers are slower
// while a model trains.
func yielding(pid int) { _ = unix.Setpriority(unix.PRIO_PGRP, pid, 10) }
