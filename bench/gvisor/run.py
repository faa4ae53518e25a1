"""Uses sandboxes of gVisor's own Python package, and prints how long that takes.

For each line of standard input it prints a line of JSON: a list of durations in seconds. The lines:

    create N    N new sandboxes, each from now until its first command has ended
    true        a command in a sandbox that is kept
    read        64 MiB of a file in it; the package cannot write one

The environment variable RUNSC_PATH names the runsc. To try it:

    echo create 1 | RUNSC_PATH=~/.cache/cofferdam/bin/runsc run.py
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from gvisor import Mount, Sandbox

MIB = 64
# Sandboxes that are started at a time. A hundred of them stand still.
STARTS = 16


def create(start):
    sandbox = Sandbox()
    sandbox.exec("true")
    return time.monotonic() - start, sandbox


def timed_exec(sandbox, *command):
    start = time.monotonic()
    output, _ = sandbox.exec(*command)
    return time.monotonic() - start, len(output)


def main():
    # The package's commands inherit standard input, and gVisor makes it non-blocking.
    lines = os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    with Sandbox(mounts=[Mount.tmpfs("/data")]) as kept:
        kept.exec("dd", "if=/dev/zero", "of=/data/file", "bs=1M", f"count={MIB}")
        for line in lines:
            call, *number = line.split()
            if call == "create":
                with ThreadPoolExecutor(STARTS) as threads:
                    created = list(threads.map(create, [time.monotonic()] * int(number[0])))
                    # Their removal is not measured.
                    list(threads.map(lambda each: each[1].close(), created))
                times = [seconds for seconds, _ in created]
            elif call == "true":
                times = [timed_exec(kept, "true")[0]]
            else:
                seconds, length = timed_exec(kept, "cat", "/data/file")
                if length != MIB << 20:
                    sys.exit(f"run.py: {length} bytes were read")
                times = [seconds]
            print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
