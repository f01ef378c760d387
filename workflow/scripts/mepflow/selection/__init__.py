"""From records to the molecules of a study: filters, verdicts, splits."""
