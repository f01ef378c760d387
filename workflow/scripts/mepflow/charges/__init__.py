"""Charges that stand alone, fitted to a potential: constraints, restraints, equivalent atoms."""
