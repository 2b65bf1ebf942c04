"""A run, or a type of model, as one Python file that needs torch and numpy only.

write.py     a run as a script and its weights
seal.py      checksums, so that what somebody has changed is not replaced
assemble.py  `eject`: puts the parts together, which are the other files here, and the model's own text
base.py      what every model is, shorter than makemore.models.base
ngram.py     the n-gram, shorter than makemore's; discounts of long lists come from other lines
discounts.py its discounts, fitted to the lines
usual.py     the same by a formula, for a mixture
ctw.py       context-tree weighting, shorter than makemore's, with the same results
mixture.py   the LSTM and the n-gram together, shorter than makemore's
counts.py    what n-gram and context tree share: strings of characters, counted and found
lines.py     splitting and batching lines
kinds.py     kinds of characters, for models that count
taught.py    what training minimises: with a 6-gram that predicts a share of the targets,
plain.py     without,
both.py      or of a network and counts together
learn.py     training by gradient descent
fit.py       training by counting
score.py     losses and samples
main.py      the command line
chosen.py    what is written anew for each type
"""
