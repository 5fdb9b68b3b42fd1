package node

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// background starts the process below normal priority and outside the
// terminal's group: a Ctrl-C is for the server, which then ends it in order.
func background(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.BELOW_NORMAL_PRIORITY_CLASS | windows.CREATE_NEW_PROCESS_GROUP}
}

// yielding does nothing: background has done it.
func yielding(int) {}
