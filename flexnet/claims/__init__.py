"""What the papers claim, as data, and the rules that judge it against measured rows."""

from flexnet.claims.catalogue import load_claims, packaged_papers, published
from flexnet.claims.ledger import judge, read_ledger, write_ledger
from flexnet.claims.model import Claim, Rule
from flexnet.claims.verdicts import VERDICTS

__all__ = [
    "VERDICTS",
    "Claim",
    "Rule",
    "judge",
    "load_claims",
    "packaged_papers",
    "published",
    "read_ledger",
    "write_ledger",
]
