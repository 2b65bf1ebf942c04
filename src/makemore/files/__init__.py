"""Files that survive crashes, and errors about files in one sentence.

paths.py      what is at a path, and what to say if it cannot be read or written
atomic.py     writing a file completely or not at all
json_io.py    JSON, and files of JSON lines
locks.py      keeping other processes out of a directory
manifest.py   which files of a directory makemore wrote
results.py    the base of all results that go to JSON and come back
typed.py      values checked against type annotations
"""
