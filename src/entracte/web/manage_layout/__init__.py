"""What every page of the manager looks like: its frame, its style, and how it writes numbers and days (`rendering`)."""
