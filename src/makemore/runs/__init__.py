"""A run: one training, its directory, and what you can do with the model.

settings.py      how a model is trained: Settings, their rules, and the recipe of each type
summary.py       what a run says about its training: Metrics and Summary
setup.py         what a run was started with
directory.py     RunDirectory: the files of a run, crash-safe
weights.py       tensors in a file, with a checksum
recognition.py   the names of a run's files, and how makemore's are recognised
ownership.py     replacing one run by another without losing anything
run.py           Run: sampling, scoring, explaining, measuring
forms.py         the model, in torch or in NumPy
sampler.py       sampling, with the first steps cached
scoring.py       how likely lines are, character by character
spelling.py      how a run reads the lines that people give it
shown.py         how a run shows itself in Python and in a notebook
"""
