"""What the page can ask, room by room. Each module returns its routes."""
