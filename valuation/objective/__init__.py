"""What is learned: classes, next tokens or numbers. All in which one kind of target differs from another is said here.

A further objective is one more class with the members of `Objective`, and its name in OBJECTIVES. How a value is made
of what an objective says belongs into valuation/methods/.
"""

from valuation.objective.classification import Classification
from valuation.objective.next_token import NextToken
from valuation.objective.protocol import Objective, pooled, scalar_output
from valuation.objective.regression import Regression

__all__ = ["OBJECTIVES", "Classification", "NextToken", "Objective", "Regression", "pooled", "scalar_output"]

OBJECTIVES: dict[str, type[Objective]] = {one.kind: one for one in (Classification, NextToken, Regression)}
