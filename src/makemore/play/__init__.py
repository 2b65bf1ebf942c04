"""The playground: a local server, and one page in the browser with five rooms.

The server runs where the list is, and answers only to the page that it opened. Whatever it computes, it has
from makemore's public functions; training and `inspect`, which need torch, happen in processes of their own.
"""
