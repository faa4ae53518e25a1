"""The exception of this package."""


class SandboxError(RuntimeError):
    """The program could not be executed, or its result is not known.

    A program that fails is a result, not an exception. The message is for the caller. Details for the operator are in the notes
    of the exception and in the sidecar's log, under `run_id`.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False, run_id: str | None = None) -> None:
        """`code` is one of the contract's `error-code`; `message` says what happened and what to do."""
        super().__init__(f"{code}: {message}")
        self.code = code
        """What kind of failure it is: an `error-code` of the contract, such as `image-unavailable`."""
        self.message = message
        """What happened and what to do."""
        self.retryable = retryable
        """Whether the program certainly did not start and a retry may succeed."""
        self.run_id = run_id
        """The id of the execution, if it had one."""
