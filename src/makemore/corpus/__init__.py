"""From files to lines, splits and batches.

Start with these, in this order:

vocab.py      characters and their ids
splits.py     which split a line belongs to, by a hash of its text
corpus.py     Corpus: the lines as one stream of ids, in memory
batches.py    epochs of batches of similar length

How lines are read:

reading.py    How (the options) and Reading (what was found)
source.py     the files that a source means
unpack.py     gzip, bzip2, xz and Zstandard
decode.py     bytes to text in whole lines
charsets.py   which encoding a file may be in instead
formats.py    files that are not lists
characters.py characters as people see them, each as one code point inside
things.py     things of several lines
lines.py      normalised, stripped lines, from files or from strings in memory
numbering.py  numbers for characters, until the vocabulary is known
cache.py      read: small lists into memory, large ones through the cache

Large lists, on disk (README.md describes the files):

passes.py     what measuring asks of all lines, a piece at a time
sizes.py      how much is kept and processed at a time
disk.py       DiskCorpus: the same methods as Corpus, on files
store.py      the files, checked before they are used
facts.py      facts.json and the names of the files
mapped.py     an array in a file
sorting.py    the sorted hashes
writing.py    writing the files

The bundled lists are in data/.
"""
