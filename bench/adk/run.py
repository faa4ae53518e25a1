"""Executes programs with google-adk's GkeCodeExecutor and its defaults, and prints the duration of each.

run.py KUBECONFIG NAMESPACE COUNT AT_ONCE

For each line of standard input, at most COUNT lines, it executes AT_ONCE programs and prints a line of JSON for each: its
duration in seconds and its output. The line is the interval between two starts in seconds; if it is negative, each program
starts when the previous one has ended. Objects that are left in the cluster are not deleted. To try it:

    yes 0 | run.py ~/.kube/config default 3 1
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from types import SimpleNamespace
from uuid import uuid4

from google.adk.code_executors import GkeCodeExecutor
from google.adk.code_executors.code_execution_utils import CodeExecutionInput

PROGRAM = 'print("hello")'


def main(kubeconfig, namespace, count, at_once):
    executor = GkeCodeExecutor(kubeconfig_path=kubeconfig, namespace=namespace)

    def run(start):
        time.sleep(max(0, start - time.monotonic()))
        start = time.monotonic()
        # The executor reads only the id of its context.
        context = SimpleNamespace(invocation_id=f"e-{uuid4()}")
        result = executor.execute_code(context, CodeExecutionInput(code=PROGRAM))
        return time.monotonic() - start, result

    # One thread per program: asyncio's default pool, which an agent's flow uses, has fewer on a small machine.
    with ThreadPoolExecutor(at_once) as threads:
        for line in islice(sys.stdin, count):
            interval, now = float(line), time.monotonic()
            mapping = map if interval < 0 else threads.map
            for seconds, result in mapping(run, [now + number * interval for number in range(at_once)]):
                print(json.dumps({"seconds": seconds, "stdout": result.stdout}), flush=True)
                if result.stdout != "hello\n":
                    sys.exit(f"run.py: {result}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
