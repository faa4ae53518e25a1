"""Compares agents with GkeCodeExecutor and with CofferdamCodeExecutor on one cluster. Prints a table of the results, the duration in
seconds, and the objects left five seconds after the agent has ended.

agents.py KUBECONFIG, with the Python of scripts/adk-environment.sh and adapters/adk/tests in PYTHONPATH
"""

import logging
import subprocess
import sys
import tempfile
import time
import uuid

import kubernetes
from cofferdam_adk import CofferdamCodeExecutor
from flow import converse, program
from google.adk.code_executors import GkeCodeExecutor
from google.genai import types

CSV = types.Part.from_bytes(data=b"fruit,count\napple,3\npear,4\n", mime_type="text/csv")
READ = "import csv\nprint(sum(int(row['count']) for row in csv.DictReader(open('data_1_1.csv'))))"
# Name, texts of the model, options of both executors, parts of the message.
CASES = [
    ("prints a line", [program("print('hello')")], {}, []),
    ("fails, is corrected", [program("print(6 *)"), program("print(6 * 7)")], {}, []),
    ("warns on stderr", [program("import sys\nprint('a warning', file=sys.stderr)\nprint(42)")], {}, []),
    ("exits with 3 in silence", [program("raise SystemExit(3)")], {}, []),
    ("prints a JSON document", [program("print('{\"a\": [1.0, true, null]}')")], {}, []),
    ("writes a file", [program("open('a.csv', 'w').write('x')\nprint('written')")], {}, []),
    ("reads the user's CSV file", [program(READ)], {"optimize_data_file": True}, [CSV]),
    ("imports pdb", [program("import pdb\nprint('once')")], {}, []),
    ("prints, then loops for ever, 10 s allowed", [program("print('so far')\nwhile True: pass")], {"timeout_seconds": 10}, []),
    ("image cannot be pulled, 20 s allowed", [program("print(1)")], {"timeout_seconds": 20, "image": "nowhere.invalid/x:1"}, []),
]
SETTLE_SECONDS = 5


class Side:
    """One of the two executors and its namespace."""

    def __init__(self, executor, kubeconfig):
        self.executor, self.kubeconfig = executor, kubeconfig
        self.namespace = f"cofferdam-bench-{uuid.uuid4().hex[:8]}"
        client = kubernetes.config.new_client_from_config(kubeconfig)
        self.core, self.batch = kubernetes.client.CoreV1Api(client), kubernetes.client.BatchV1Api(client)
        if executor is CofferdamCodeExecutor:
            with tempfile.NamedTemporaryFile() as manifests:
                subprocess.run(["cofferdam", "manifests", "--namespace", self.namespace], check=True, stdout=manifests)
                kubernetes.utils.create_from_yaml(client, manifests.name)
        else:
            # Its Pods violate the Pod security level `restricted`.
            self.core.create_namespace({"metadata": {"name": self.namespace}})

    def objects(self):
        """Names of Jobs, Pods and ConfigMaps, except the ConfigMaps of the namespace itself, and of Pods that have not ended."""
        jobs, pods = self.batch.list_namespaced_job(self.namespace), self.core.list_namespaced_pod(self.namespace)
        maps = self.core.list_namespaced_config_map(self.namespace)
        names = [{item.metadata.name for item in kind.items} for kind in (jobs, pods, maps)]
        names[2] = {name for name in names[2] if not name.startswith(("kube-root-ca", "cofferdam-runner"))}
        return [*names, {pod.metadata.name for pod in pods.items if pod.status.phase in ("Pending", "Running")}]

    def run(self, texts, options, parts):
        executor = self.executor(self.kubeconfig, namespace=self.namespace, **options)
        # Do not measure the first run of a sidecar and the first connection of a client.
        if "image" not in options:
            converse(executor, program("pass"), "")
            # A model takes time to write the next program.
            time.sleep(SETTLE_SECONDS)
        before = self.objects()
        start = time.monotonic()
        try:
            conversation = converse(executor, *texts, "Done.", parts=parts)
            result = " → ".join(f"{r.outcome.value.removeprefix('OUTCOME_')} {markdown(r.output)}" for r in conversation.results)
        except Exception as error:
            result = f"the agent's run failed: {type(error).__name__} {markdown(str(error))}"
        seconds = time.monotonic() - start
        if self.executor is CofferdamCodeExecutor:
            executor.close()
        time.sleep(SETTLE_SECONDS)
        jobs, pods, maps, running = (len(after - was) for after, was in zip(self.objects(), before, strict=True))
        left = f"{jobs} Jobs, {pods} Pods, {maps} ConfigMaps" + (f"; **{running} still running**" if running else "")
        return f"{result} | {seconds:.1f} | {left if jobs or pods or maps else 'nothing'}"


def markdown(text):
    text = text.removeprefix("Code execution result:\n").strip().replace("\n", " ⏎ ").replace("|", "\\|").replace("`", "'")
    return f"`{text if len(text) <= 90 else text[:45] + ' … ' + text[-40:]}`"


def main(kubeconfig):
    logging.disable(logging.CRITICAL)
    sides = [Side(GkeCodeExecutor, kubeconfig), Side(CofferdamCodeExecutor, kubeconfig)]
    try:
        print("| the program | executor | what the model reads | s | left |\n|---|---|---|---|---|")
        for name, texts, options, parts in CASES:
            for side in sides:
                print(f"| {name} | {side.executor.__name__} | {side.run(texts, options, parts)} |", flush=True)
    finally:
        for side in sides:
            side.core.delete_namespace(side.namespace)


if __name__ == "__main__":
    main(sys.argv[1])
