"""The one exception of this package."""


class SandboxError(RuntimeError):
    """The sandbox could not run the program, or its result is not known.

    What a program does wrong itself is no exception but a result. The text is for whoever calls; what else is known, for
    the operator, is in the notes of the exception and in the log of the sidecar, under `run_id`.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False, run_id: str | None = None) -> None:
        """Takes a code of the contract's `error-code`, and what happened and what to do."""
        super().__init__(f"{code}: {message}")
        self.code = code
        """What kind of failure it is: an `error-code` of the contract, such as `image-unavailable`."""
        self.message = message
        """What happened and what to do."""
        self.retryable = retryable
        """Whether the program certainly did not start and a later try may succeed."""
        self.run_id = run_id
        """The run, if it had come far enough to have an id."""
