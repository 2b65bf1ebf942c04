"""The command line, a thin shell over the library.

main.py        run a command line, print errors, exit
app.py         the commands, and parsing what was typed
options.py     how options are declared, and those that commands share
train.py       train, which is also what makemore does without a command
sample.py      sample
score.py       score
measure.py     explain, eval, compare, report, inspect
lists.py       models, data, cache
course.py      lessons
help.py        what --help prints
errors.py      error messages, with options spelled as they are typed
processes.py   --nproc: several processes
display.py     the progress of training
described.py   sentences about what was read
tables.py      tables of results: eval, compare, inspect
leaderboard.py the progress of a comparison
explained.py   the line that explain prints
layout.py      prose, tables and notes at any width
output.py      lines, JSON, and the status of work in progress
terminal.py    safe and readable text on a terminal
streams.py     closed streams, and output that nobody reads
stopping.py    Ctrl-C
"""
