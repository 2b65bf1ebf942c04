"""Plots of runs, made with matplotlib.

style.py    one palette and one look for every plot, and helpers for making figures
entry.py    what goes into plots: a run and what was measured
losses.py   loss over time, by position, length and character; calibration; loss.png
samples.py  lengths, distances, pairs of characters, quality and variety
inside.py   tables, embeddings, attention; the figure of the diagnostics
files.py    Plot, SVG and PNG
draw.py     which plots a run has, how to read them, and writing them to a directory
"""
