"""A run, or a type of model, as one Python file that needs torch and numpy only.

write.py     a run as a script and its weights
assemble.py  `eject`: puts the parts together, which are the other files here, and the model's own text
base.py      what every model is, shorter than makemore.models.base
ngram.py     the n-gram, shorter than makemore's, with the same results
ctw.py       context-tree weighting, likewise
counts.py    what both share: strings of characters, counted and found
lines.py     splitting and batching lines
kinds.py     kinds of characters, for models that count
teacher.py   a 6-gram that predicts a share of the targets
learn.py     training by gradient descent
fit.py       training by counting
score.py     losses and samples
main.py      the command line
chosen.py    what is written anew for each type
"""
