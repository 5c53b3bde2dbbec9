"""Errors that a user can act on.

Every message says what was expected, what came and what to do. The command line prints the message
alone, without a traceback; any other exception is a bug of flexnet and keeps its traceback.
"""


class FlexnetError(Exception):
    """Base of all errors that a user can act on."""


class ConfigError(FlexnetError, ValueError):
    """A configuration key or an argument has a name, type or value that is not allowed."""


class DataError(FlexnetError):
    """A dataset is missing, damaged or not what it claims to be."""


class NumericalError(FlexnetError):
    """What was to be scored or attacked is NaN or infinite; counted, it would pass for a number."""


class TrainingError(FlexnetError):
    """A training run cannot go on, for instance because its loss is no longer finite."""


class BusyError(FlexnetError):
    """Another process writes the same file."""


class Stopped(FlexnetError):
    """A job was told to end and has saved what it had."""
