"""Figures of a run, a module each; :mod:`mepflow.plots.style` is the home of their look."""
