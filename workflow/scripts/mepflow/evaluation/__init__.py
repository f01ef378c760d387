"""What predicted multipoles are worth: errors against the reference, baselines and statistics."""
