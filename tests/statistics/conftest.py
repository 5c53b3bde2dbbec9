import pytest

from flexnet.families import registry
from flexnet.families.base import Condition
from flexnet.tables.kinds import WHOLE


@pytest.fixture(scope="module")
def severity():
    """A condition that no family of today has: its plain value is 0."""
    known = {
        **registry.conditions(),
        "severity": Condition(WHOLE, plain=0),
        "mask": Condition(WHOLE, repeat=True),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "conditions", lambda: known)
        yield known
