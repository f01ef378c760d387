"""Tables of a run, a module each; :mod:`mepflow.tables.writing` is the home of their form."""
