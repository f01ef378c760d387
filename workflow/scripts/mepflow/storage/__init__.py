"""Files on disk: atomic writes, checks of what is read, journals."""
