import pandas as pd
import pytest


@pytest.fixture
def make_rows():
    """Rows of one figure from {series: {seed: {condition: accuracy}}}."""

    def build(accuracies, *, figure="fig4d", over="epsilon", protocol="paper", **columns):
        return pd.DataFrame(
            [
                {
                    "figure": figure,
                    "protocol": protocol,
                    "series": series,
                    "model": series,
                    "seed": seed,
                    over: condition,
                    "n": 10_000,
                    "accuracy": accuracy,
                    **columns,
                }
                for series, seeds in accuracies.items()
                for seed, conditions in seeds.items()
                for condition, accuracy in conditions.items()
            ]
        )

    return build
