"""Reports: measuring runs and lists, comparing models, and the page that shows it all.

assessment.py  everything that can be measured about a trained run
compared.py    how models compare: the results
comparison.py  training several models on the same lines to compare them
scan.py        going through the lines of a list
pace.py        how long a training step takes here
inspected.py   what is in a list: the results
inspection.py  what is in a list, before anything is trained on it
render.py      typed data to HTML, by the templates in templates/
portrait.py    what the page says of one run
together.py    what it says of several runs
page.py        measuring runs, and writing the page and the plots
"""
