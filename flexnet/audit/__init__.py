"""The audit: is a model's robustness real, or are its gradients masked?

Rules and findings need no torch: a page of them is drawn from rows.
"""

from typing import TYPE_CHECKING

from flexnet.lazy import offers

if TYPE_CHECKING:
    from flexnet.audit.asking import CHECKS as CHECKS
    from flexnet.audit.asking import audit as audit
    from flexnet.audit.bench import Bench as Bench
    from flexnet.audit.findings import Audit as Audit
    from flexnet.audit.findings import Finding as Finding
    from flexnet.audit.gates import frozen as frozen
    from flexnet.audit.gates import softened as softened
    from flexnet.audit.rules import RULES as RULES
    from flexnet.audit.rules import Rule as Rule
else:
    __getattr__ = offers(
        __name__,
        {
            "CHECKS": "flexnet.audit.asking",
            "RULES": "flexnet.audit.rules",
            "Audit": "flexnet.audit.findings",
            "Bench": "flexnet.audit.bench",
            "Finding": "flexnet.audit.findings",
            "Rule": "flexnet.audit.rules",
            "audit": "flexnet.audit.asking",
            "frozen": "flexnet.audit.gates",
            "softened": "flexnet.audit.gates",
        },
    )

__all__ = ["CHECKS", "RULES", "Audit", "Bench", "Finding", "Rule", "audit", "frozen", "softened"]
