"""What the papers claim, as data, and the rules that judge it against measured rows."""

from flexnet.claims.catalogue import load_claims, packaged_claims, packaged_papers, published, rule_changes
from flexnet.claims.ledger import judge, read_ledger, write_ledger
from flexnet.claims.model import Claim, Rule, RuleChange
from flexnet.claims.verdicts import SUMMARIES, VERDICTS

__all__ = [
    "SUMMARIES",
    "VERDICTS",
    "Claim",
    "Rule",
    "RuleChange",
    "judge",
    "load_claims",
    "packaged_claims",
    "packaged_papers",
    "published",
    "read_ledger",
    "rule_changes",
    "write_ledger",
]
