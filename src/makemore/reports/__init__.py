"""Reports: measuring runs and lists, comparing models, and the page that shows it all.

assessment.py  everything that can be measured about a trained run
compared.py    how models compare: the result
comparison.py  training several models on the same lines to compare them
scan.py        one pass over the lines of a list
pace.py        how long a training step takes here
expected.py    what the simplest models reach on a list, and how long training takes here
inspected.py   what is in a list: the result
inspection.py  what is in a list, before anything is trained on it
render.py      typed data to HTML, by the templates in templates/
portrait.py    what the page says about one run
together.py    what it says about several runs
page.py        measuring runs, and writing the page and the plots
"""
