"""Where the weights of a model come from, if it is not trained here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flexnet.options.rules import Options, option, optional, required, whole
from flexnet.problems import Problem, wrong

SEED = "{seed}"  # in the name of a file: a seed of its own in each
ENDINGS = (".safetensors", ".pt", ".pth", ".tar", ".bin", ".ckpt")


def _file(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.strip():
        yield wrong("the name of a file", value)
    elif not value.endswith(ENDINGS):
        yield wrong(f"a file that ends in one of {', '.join(ENDINGS)}", value)


def _text(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value:
        yield wrong("a text", value)


def _pattern(value: Any) -> Iterator[Problem]:
    try:
        re.compile(value)
    except (TypeError, re.error) as error:
        yield Problem(f"expected a regular expression; got {value!r} ({error})")


def _keys(value: Any) -> Iterator[Problem]:
    if not isinstance(value, list | tuple):
        yield wrong("a list of pairs, a pattern and what takes its place", value)
        return
    for place, pair in enumerate(value):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(x, str) for x in pair):
            yield wrong("a pair of texts: a pattern and what takes its place", pair).below(place)
        else:
            found = list(_pattern(pair[0])) or list(_template(*pair))
            yield from (problem.below(place) for problem in found)


def _template(pattern: str, template: str) -> Iterator[Problem]:
    """A replacement may use the groups of its pattern and no others."""
    try:
        re.sub(pattern, template, "")  # which reads the replacement whether the pattern is there or not
    except (re.error, IndexError) as error:
        text = f"expected groups of the pattern; got {template!r} ({error}); put what it keeps in brackets"
        yield Problem(text)


def _patterns(value: Any) -> Iterator[Problem]:
    if not isinstance(value, list | tuple):
        yield wrong("a list of patterns", value)
        return
    for place, pattern in enumerate(value):
        yield from (problem.below(place) for problem in _pattern(pattern))


def _digest(value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        yield wrong("64 hexadecimal digits, as sha256sum prints them", value)


@dataclass(frozen=True, kw_only=True)
class CheckpointOptions(Options):
    """A file of weights that somebody else's program wrote, and how it is read.

    Attributes:
        file: its path below the working directory, or below the folder of the data mirror; `{seed}` in it
            stands for the seed where a model has several.
        keys: how names of tensors in the file become names here: pairs of a regular expression and what takes
            the place of what it matches, one after the other; names that match none stay.
        entry: under which key of the file the weights lie; None finds `state_dict`, `model_state_dict`,
            `model` or the file itself.
        ignore: patterns of whole names in the file that are left out.
        epoch: after how many epochs of training they were saved; 0 where that is not known.
        sha256: of the file; another one is refused.
    """

    file: str = required(_file)
    keys: Sequence[tuple[str, str]] = option((), _keys)
    entry: str | None = option(None, optional(_text))
    ignore: tuple[str, ...] = option((), _patterns)
    epoch: int = option(0, whole(0))
    sha256: str | None = option(None, optional(_digest))

    def file_of(self, seed: int | str) -> str:
        """The file of one seed."""
        return self.file.replace(SEED, str(seed))
