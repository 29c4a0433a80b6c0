"""When does repair pay? Sources as they are and with the labels of an ensemble, valued and trained on beside real data.

How labels are made anew belongs into experiments/training/relabelling.py.
"""
