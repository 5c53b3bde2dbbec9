"""The audit: is a model's robustness real, or are its gradients masked?"""

from flexnet.audit.audit import CHECKS, audit
from flexnet.audit.bench import Bench
from flexnet.audit.findings import Audit, Finding
from flexnet.audit.gates import frozen, softened
from flexnet.audit.rules import RULES, Rule

__all__ = ["CHECKS", "RULES", "Audit", "Bench", "Finding", "Rule", "audit", "frozen", "softened"]
