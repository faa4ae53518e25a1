"""An agent as a component: it answers a question by running a Python program in a sandbox."""

import re

# componentize-py generates these modules from the WIT files.
import wit_world
from componentize_py_types import Err
from wit_world.imports.code_executor import execute
from wit_world.imports.types import Request, Status_Exited

ATTEMPTS = 2

# What the stand-in for a model knows. The second program has a mistake: it does not import `math`.
PROGRAMS = {
    r"sum of squares up to (\d+)": "print(sum(n * n for n in range(1, {} + 1)))",
    r"factorial of (\d+)": "print(math.factorial({}))",
}

# The contract requires only `code`. The bindings have no defaults.
OPTIONAL = ("language", "args", "env", "stdin", "files", "collect", "limits", "network", "labels")


def write_program(question, mistake):
    """Stands in for a model. `mistake` is what the previous program wrote to its standard error."""
    for pattern, program in PROGRAMS.items():
        if match := re.search(pattern, question):
            missing = re.search(r"NameError: name '(\w+)' is not defined", mistake)
            imports = f"import {missing[1]}\n" if missing else ""
            return imports + program.format(match[1])
    raise Err("I do not know how to answer this question.")


def run(code):
    """Runs a program in a sandbox of its own."""
    try:
        return execute(Request(code=code, **dict.fromkeys(OPTIONAL)))
    except Err as failure:
        # The sandbox failed, not the program, so a different program would not help.
        error = failure.value
        code = error.code.name.lower().replace("_", "-")
        hint = " (a retry may succeed)" if error.retryable else ""
        raise Err(f"{code}: {error.message}{hint}") from None


class WitWorld(wit_world.WitWorld):
    """The exports of the world. A raised `Err` is the err case of the result."""

    def ask(self, question):
        mistake = ""
        for _ in range(ATTEMPTS):
            outcome = run(write_program(question, mistake))
            if outcome.status == Status_Exited(0):
                return outcome.stdout.text.strip()
            # A program that fails is not an error. Its traceback tells the model what to correct.
            mistake = outcome.stderr.text
        raise Err(f"No program worked. The last one failed with: {mistake}")
