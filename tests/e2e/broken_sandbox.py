#!/usr/bin/env python3
"""A runsc whose sandbox hangs in PHASE: all its processes are stopped."""
import os
import signal
import struct
import subprocess
import sys

RUNSC, PHASE = "@RUNSC@", "@PHASE@"
STDOUT, ENDED, DONE = 4, 12, 14
# The last frame that is passed on.
LAST = {"start": None, "run": STDOUT, "files": ENDED, "end": DONE}[PHASE]


def descendants(root):
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parents[int(pid)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found = [root]
    for parent in found:
        found += [pid for pid, parent_pid in parents.items() if parent_pid == parent]
    return found


def stop(runsc):
    for pid in descendants(runsc.pid):
        os.kill(pid, signal.SIGSTOP)
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while True:
        signal.pause()


runsc = subprocess.Popen([RUNSC, *sys.argv[1:]], stdout=subprocess.PIPE)
while header := runsc.stdout.read(10):
    _channel, kind, length = struct.unpack("<IHI", header)
    if LAST is None:
        stop(runsc)
    os.write(1, header + runsc.stdout.read(length))
    if kind == LAST:
        stop(runsc)
