"""History: accuracy while training, as the training job itself writes it."""

from flexnet.families.base import Condition, Family
from flexnet.tables.kinds import AMOUNT, TEXT, WHOLE

FAMILY = Family(
    name="history",
    subject="training",
    conditions={"epoch": Condition(WHOLE), "split": Condition(TEXT, plain="test")},
    measures={"loss": AMOUNT, "learning_rate": AMOUNT},
)
