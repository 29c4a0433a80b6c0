"""Values of single examples: linear datamodelling score, removal and addition, labels that were made wrong.

Whole data sets are the matter of the valuation study; here its methods do what their papers made them for.
"""
