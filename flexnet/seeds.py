"""Named randomness: every random draw comes from a seed derived from what it is for.

A seed is a hash of names such as (run seed, model, seed index, purpose), so it never depends on the
order in which jobs run, and two purposes never share a stream.
"""

import hashlib
import operator


def derive_seed(*names: str | int) -> int:
    """Hash the names to a seed in [0, 2**63).

    >>> derive_seed(0, "vgg16-baseline", 1, "init") == derive_seed(0, "vgg16-baseline", 1, "init")
    True
    """
    text = "\x1f".join(map(_told, names))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def _told(name: str | int) -> str:
    """A name with its type, for 1 is not "1"; but a whole number of NumPy is the same number."""
    plain = name if isinstance(name, str | bool) else operator.index(name)
    return f"{type(plain).__name__}:{plain}"
