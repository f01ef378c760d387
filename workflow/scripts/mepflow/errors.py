"""Errors a user can mend. Their message is one sentence: what, where, and what to do."""


class MepflowError(Exception):
    """Base of every error whose message alone tells the user what to do; no traceback is shown."""


class ConfigError(MepflowError):
    """A setting is missing, of the wrong type, unknown, or contradicts another."""


class InputError(MepflowError):
    """An input file is missing, damaged, or does not hold what it should."""


class StateError(MepflowError):
    """Saved state (checkpoint, shard, results folder) belongs to another configuration."""
