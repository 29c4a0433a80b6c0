"""Somebody's own sources of data, beside the real examples that he has: which to take, how much, what more would buy.

What belongs here: the answers (`answer.py`), how they are made of values, curves and laws, and how a person reads them.
Reading files belongs into data/, learners of a kind of data into tasks/, the curves themselves into valuation/.
"""
