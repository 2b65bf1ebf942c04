"""Counting without torch: the strings of a text, and how their counts become probabilities.

In reading order:

    strings.py     count all strings of 1 to n characters by sorting
    smoothing.py   fit the discounts
    tree.py        both together: the weights of an n-gram
    context_tree.py   another answer: all lengths of context, weighed by Bayes' rule

`models.ngram`, `models.ctw` and `inference.counts` compute probabilities from these weights.
"""
