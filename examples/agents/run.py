"""A Python host of a composed agent.

COFFERDAM_URL=http://127.0.0.1:8787 python run.py AGENT.wasm 'factorial of 20'
"""

import os
import sys
from pathlib import Path

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker

# The example that implements `sandbox` with the sidecar's HTTP API.
sys.path.append(str(Path(__file__).parents[1] / "hosts/python"))
import bare


def main(path, question):
    engine = Engine()
    component = Component.from_file(engine, path)
    linker = Linker(engine)
    store = Store(engine)
    if bare.SANDBOX in component.type.imports(engine):
        # The agent with code-executor.wasm: this function is all that it gets.
        with linker.root() as root, root.add_instance(bare.SANDBOX) as sandbox:
            sandbox.add_func("run", bare.run)
    else:
        # The agent with code-executor-http.wasm.
        linker.add_wasip2()
        linker.add_wasi_http()
        wasi = WasiConfig()
        wasi.env = [(name, os.environ[name]) for name in ("COFFERDAM_URL", "COFFERDAM_TOKEN") if name in os.environ]
        store.set_wasi(wasi)
        store.set_wasi_http()

    answer = linker.instantiate(store, component).get_func(store, "ask")(store, question)
    print(answer.payload if answer.tag == "ok" else f"The agent failed: {answer.payload}")
    sys.exit(answer.tag == "err")


if __name__ == "__main__":
    main(*sys.argv[1:])
