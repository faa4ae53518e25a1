"""Runs programs with google-adk's GkeCodeExecutor, as it is and with its defaults, and tells how long each took.

run.py KUBECONFIG NAMESPACE COUNT AT_ONCE

For each line of standard input, and COUNT lines at the most, it runs AT_ONCE programs and prints a line of JSON for each:
the seconds from that line to its result, and what it printed. What they leave in the cluster is left there. By hand:

    yes | run.py ~/.kube/config default 3 1
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
        # Of its context the executor reads the id alone.
        context = SimpleNamespace(invocation_id=f"e-{uuid4()}")
        result = executor.execute_code(context, CodeExecutionInput(code=PROGRAM))
        return time.monotonic() - start, result

    # A thread for each program: asyncio's own pool, which an agent's flow uses, has fewer on a small machine.
    with ThreadPoolExecutor(at_once) as threads:
        for _ in islice(sys.stdin, count):
            for seconds, result in threads.map(run, [time.monotonic()] * at_once):
                print(json.dumps({"seconds": seconds, "stdout": result.stdout}), flush=True)
                if result.stdout != "hello\n":
                    sys.exit(f"run.py: {result}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
