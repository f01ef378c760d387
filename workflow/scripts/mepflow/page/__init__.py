"""The page of a run: tables, figures and a viewer of potentials on surfaces, in one HTML file."""
