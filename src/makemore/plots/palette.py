"""The colours of plots and pages, in a file that imports nothing."""

INK = "#20262e"
"""Text and axes; a page replaces it with its own text colour."""

PAPER = "#fdfdfe"
"""The background of legends; a page replaces it with its own."""

COLOURS = ("#2f7fd6", "#d9691e", "#28bbc1", "#a73b5d", "#cd5c7c", "#ed8489", "#09b0fa", "#7a4d9d")
"""Data. They are legible on white and on black; the first ones are the most distinct to the colour-blind."""

BLUE, ORANGE, TEAL, GREY = *COLOURS[:3], "#8a919c"

LIGHT = {
    "page": "#f6f7f9",
    "card": "#ffffff",
    "ink": INK,
    "dim": "#5d6672",
    "line": "#dfe3e8",
    "edge": "#868e99",
    "accent": "#1f66b5",
    "amber": "#b06f00",
    "red": "#c62f40",
}
"""The colours of a page, by the names of its CSS variables."""

DARK = {
    "page": "#14171b",
    "card": "#1c2026",
    "ink": "#e4e7eb",
    "dim": "#9aa3af",
    "line": "#323942",
    "edge": "#717b87",
    "accent": "#7db6f0",
    "amber": "#e5a33a",
    "red": "#f0707d",
}
"""The same colours on dark pages."""

PRINT = {
    "page": "#ffffff",
    "card": "#ffffff",
    "ink": "#000000",
    "dim": "#444444",
    "line": "#bbbbbb",
    "edge": "#888888",
    "accent": "#1f66b5",
    "amber": "#8a5700",
    "red": "#a81b2b",
}
"""The same colours on paper."""
