"""Metrics: what a model and its samples are like, in numbers and in warnings.

intervals.py    95% intervals: from the bootstrap, and Wilson's
losses.py       exact losses of lines, and their parts
baselines.py    counting models to compare with
guessing.py     what numbers of guesses say about the entropy: Shannon's game
calibration.py  whether probabilities come true
verdict.py      does a model memorise? the verdict in words
copying.py      the copy ratio that the verdict comes from
quality.py      how new, how near to the list and how varied samples are
advice.py       warnings, each with what to do
layers.py       what training recorded inside a model, judged
forms.py        the formats that lists come in, and how to repair them
columns.py      the columns of a table
looks.py        which format a list has, and what to warn of
rows.py         tables where lines are wanted, refused
assessment.py   what `assess` returns: all of these as fields
"""
