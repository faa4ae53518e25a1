"""Runs programs with google-adk's GkeCodeExecutor, as it is and with its defaults, and tells how long each took.

run.py KUBECONFIG NAMESPACE COUNT AT_ONCE

For each line of standard input, and COUNT lines at the most, it runs AT_ONCE programs and prints a line of JSON for each:
the seconds from its beginning to its result, and what it printed. The line says how many seconds there are between two
beginnings; below zero each begins when the one before is done. What they leave in the cluster is left there. By hand:

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
        # Of its context the executor reads the id alone.
        context = SimpleNamespace(invocation_id=f"e-{uuid4()}")
        result = executor.execute_code(context, CodeExecutionInput(code=PROGRAM))
        return time.monotonic() - start, result

    # A thread for each program: asyncio's own pool, which an agent's flow uses, has fewer on a small machine.
    with ThreadPoolExecutor(at_once) as threads:
        for line in islice(sys.stdin, count):
            between, now = float(line), time.monotonic()
            in_order = map if between < 0 else threads.map
            for seconds, result in in_order(run, [now + number * between for number in range(at_once)]):
                print(json.dumps({"seconds": seconds, "stdout": result.stdout}), flush=True)
                if result.stdout != "hello\n":
                    sys.exit(f"run.py: {result}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
