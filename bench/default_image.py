#!/usr/bin/env python3
"""Usage: default_image.py [ROUNDS]

Compares sandboxes with the default image, which has to be loaded, and with this machine's /usr, which needs pandas: in
turns, as a new process of `cofferdam run` and by a sidecar whose sandboxes wait. Prints the rows of a table."""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

COFFERDAM = pathlib.Path(__file__).parents[1] / "target/release/cofferdam"
ROOTS = {"the machine's `/usr`": ["--image", ""], "the default image": []}
PROGRAMS = {"pass": "", "import pandas": "import pandas\n"}


def cold(options, program):
    command = [COFFERDAM, "run", "--backend", "local", *options, "-"]
    started = time.perf_counter()
    subprocess.run(command, input=program.encode(), check=True)
    return time.perf_counter() - started


class Sidecar:
    """A sidecar with one sandbox that waits."""

    def __init__(self, options):
        command = [COFFERDAM, "serve", "--backend", "local", "--listen", "127.0.0.1:0", *options]
        environment = {"COFFERDAM_POOL__MINIMUM": "1", "COFFERDAM_POOL__MAXIMUM": "1"}
        command = ["env", *map("=".join, environment.items()), *command]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("listening on http"):
                self.address = line.split("//")[1].strip()
                return
        sys.exit("the sidecar has ended")

    def execute(self, program):
        body = json.dumps({"code": program}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.address}/v1/executions", body, headers)
        started = time.perf_counter()
        with urllib.request.urlopen(request) as response:
            outcome = json.load(response)
        assert outcome["exit_code"] == 0, outcome
        return time.perf_counter() - started, outcome["warm"]

    def warm(self, program):
        """The time in a sandbox that has waited: one that is taken too early is new."""
        while True:
            took, is_warm = self.execute(program or "#")
            if is_warm:
                return took
            time.sleep(0.2)

    def close(self):
        self.process.terminate()
        self.process.wait()


def main(rounds):
    samples = {}
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        stack.enter_context(contextlib.chdir(folder))
        sidecars = {root: Sidecar(options) for root, options in ROOTS.items()}
        for sidecar in sidecars.values():
            stack.callback(sidecar.close)
        for number in range(rounds + 1):
            for name, program in PROGRAMS.items():
                for root, options in ROOTS.items():
                    times = {"cold": cold(options, program or "#"), "waits": sidecars[root].warm(program)}
                    # The first round fills the page cache.
                    for kind, took in times.items():
                        samples.setdefault((name, kind, root), []).extend([took * 1000] if number else [])
    for name in PROGRAMS:
        for kind in ["cold", "waits"]:
            usr, image = (samples[name, kind, root] for root in ROOTS)
            ratio = statistics.median(one / other for one, other in zip(image, usr, strict=True))
            medians = f"{statistics.median(usr):.0f} | {statistics.median(image):.0f}"
            print(f"| `{name}`, {kind} | {medians} | {ratio:.2f} | {rounds} |")


main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
