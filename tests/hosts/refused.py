"""Calls the composed component twenty times with a large program, and prints how it was refused."""

import runpy

composed = runpy.run_path("examples/hosts/python/composed.py")
for _ in range(20):
    try:
        # JSON escaping makes it six times larger.
        composed["main"]("target/components/code-executor-http.wasm", "\1" * (1 << 20))
    except SystemExit as refused:
        print(str(refused).partition(":")[0])
