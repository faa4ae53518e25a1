"""A Python host of the composed component.

It supplies WASI. The component reads the sidecar's address from COFFERDAM_URL.

python composed.py code-executor-http.wasm 'print(6*7)'
"""

import os
import sys
from types import SimpleNamespace

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker

OPTIONAL = ("language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels")


def load(path):
    """Instantiates the component. Returns a function that calls its exports."""
    engine = Engine()
    linker = Linker(engine)
    linker.add_wasip2()
    linker.add_wasi_http()

    store = Store(engine)
    wasi = WasiConfig()
    wasi.env = [(name, os.environ[name]) for name in ("COFFERDAM_URL", "COFFERDAM_TOKEN") if name in os.environ]
    store.set_wasi(wasi)
    store.set_wasi_http()
    instance = linker.instantiate(store, Component.from_file(engine, path))

    def call(interface, function, *args):
        interface = instance.get_export_index(store, f"cofferdam:code-executor/{interface}@0.1.0")
        return instance.get_func(store, instance.get_export_index(store, function, interface))(store, *args)

    return call


def request(code):
    return SimpleNamespace(code=code, **dict.fromkeys(OPTIONAL))


def exit_like(status):
    """Exits with the program's exit code."""
    sys.exit(status.payload if status.tag == "exited" else f"the program did not exit normally: {status.tag}")


def main(path, code):
    result = load(path)("code-executor", "execute", request(code))
    if result.tag == "err":
        sys.exit(f"{result.payload.code}: {result.payload.message}")
    sys.stdout.write(result.payload.stdout.text)
    sys.stderr.write(result.payload.stderr.text)
    exit_like(result.payload.status)


if __name__ == "__main__":
    main(*sys.argv[1:])
