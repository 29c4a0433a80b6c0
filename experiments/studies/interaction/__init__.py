"""Are unions of sources worth more than their parts? Strings of digits beside real ones, trained on and predicted.

What strings are, and what makes more of them, belongs into experiments/synthetic/composition.py.
"""
