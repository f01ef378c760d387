"""What a run is: settings, jobs, records, plan and state. Standard library only."""
