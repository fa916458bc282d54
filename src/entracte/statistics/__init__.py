"""Counts and the funnel of a campaign; never a person. `report` is the one source of every number: the
manager's page and the export show the same object."""
