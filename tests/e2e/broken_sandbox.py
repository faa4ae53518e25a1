#!/usr/bin/env python3
"""A runsc whose sandbox stops for good, as one that hangs: PHASE says when. Everything that it started is stopped too."""
import os
import signal
import struct
import subprocess
import sys

RUNSC, PHASE = "@RUNSC@", "@PHASE@"
READY, STARTED, STDOUT, FILE, ENDED, DONE = 1, 2, 3, 9, 11, 13
# The last frame that still comes.
LAST = {"start": None, "run": STDOUT, "files": ENDED, "end": DONE}[PHASE]


def descendants(of):
    parents = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                parents[int(pid)] = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            pass
    found = [of]
    for parent in found:
        found += [pid for pid, its in parents.items() if its == parent]
    return found


def stop(runsc):
    for pid in descendants(runsc.pid):
        os.kill(pid, signal.SIGSTOP)
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end, signal.SIG_IGN)
    while True:
        signal.pause()


runsc = subprocess.Popen([RUNSC, *sys.argv[1:]], stdout=subprocess.PIPE)
while header := runsc.stdout.read(5):
    kind, length = struct.unpack("<BI", header)
    if LAST is None:
        stop(runsc)
    os.write(1, header + runsc.stdout.read(length))
    if kind == LAST:
        stop(runsc)
