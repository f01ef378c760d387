"""Errors a user can mend. Their message is one sentence: what, where, and what to do."""


class MepflowError(Exception):
    """Base of every error whose message alone tells the user what to do; no traceback is shown."""


class ConfigError(MepflowError):
    """A setting is missing, of the wrong type, unknown, or contradicts another."""


class InputError(MepflowError):
    """An input file is missing, damaged, or does not hold what it should."""


class MissingFileError(InputError):
    """A file that a rule of the workflow makes is not there."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} does not exist: run the rule that makes it.")


class StateError(MepflowError):
    """Saved state (checkpoint, shard, results folder) belongs to another configuration."""
