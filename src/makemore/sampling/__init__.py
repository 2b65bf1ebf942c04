"""Sampling lines from a model. In reading order:

options.py      SampleOptions: temperature, top_k, top_p, prefix, pattern and so on, which check themselves
draw.py         the sampling loop
tree.py         the beginnings of lines as a tree, so that equal beginnings are stepped once
stepper.py      a model that takes steps, in torch or in NumPy
wanted.py       which lines are wanted
unmet.py        the error if there are too few
prefix.py       which prefixes, other texts and lengths are possible
limits.py       how many lines are made at a time
wishes.py       what lines end with, contain and leave out, and how long they are
automaton.py    what of these a beginning of a line has satisfied
rare.py         wishes that hardly any line satisfies
look_ahead.py   how likely an n-gram finds it that a line will satisfy them
pattern.py      regular expressions, in bounded time
most_likely.py  the most likely lines, and unique samples, by a search of the tree
"""
