"""Runs modules of CPython's own tests and writes the outcome of each test: run.py MODULE...

Each line of `outcomes` is a JSON object. A module whose process ended before its tests did has no line with an exit code."""

import json
import os
import subprocess
import sys
import time

OUTCOMES = os.path.abspath("outcomes")
# A module that hangs fails, and regrtest prints the stacks of its threads.
SECONDS = "1800"


def write(**line):
    with open(OUTCOMES, "a") as file:
        file.write(json.dumps(line) + "\n")


def run_module(module):
    """Runs one module as `python3 -m test` does, with a result class that also writes to the file."""
    from test.libregrtest.main import main
    from test.support import testresult

    class Result(testresult.RegressionTestResult):
        def addSuccess(self, test):
            super().addSuccess(test)
            write(test=test.id(), outcome="passed")

        def addExpectedFailure(self, test, error):
            super().addExpectedFailure(test, error)
            write(test=test.id(), outcome="passed")

        def addSkip(self, test, reason):
            super().addSkip(test, reason)
            write(test=test.id(), outcome="skipped", reason=reason)

        def addError(self, test, error):
            super().addError(test, error)
            write(test=test.id(), outcome="failed", reason=str(error[1]))

        def addFailure(self, test, error):
            super().addFailure(test, error)
            write(test=test.id(), outcome="failed", reason=str(error[1]))

        def addUnexpectedSuccess(self, test):
            super().addUnexpectedSuccess(test)
            write(test=test.id(), outcome="failed", reason="an unexpected success")

        def addSubTest(self, test, subtest, error):
            super().addSubTest(test, subtest, error)
            if error is not None:
                write(test=test.id(), outcome="failed", reason=f"{subtest}: {error[1]}")

    testresult.RegressionTestResult = Result
    sys.argv = ["regrtest", "-W", "-u", "none", "--timeout", SECONDS, module]
    main()


def main(modules):
    for module in modules:
        begin = time.monotonic()
        status = subprocess.run([sys.executable, __file__, "--one", module], stdin=subprocess.DEVNULL).returncode
        write(module=module, status=status, seconds=round(time.monotonic() - begin))


# The processes of multiprocessing import it too.
if __name__ == "__main__":
    if sys.argv[1] == "--one":
        run_module(sys.argv[2])
    else:
        main(sys.argv[1:])
