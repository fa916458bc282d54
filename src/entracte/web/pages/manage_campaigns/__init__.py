"""The campaigns of an organization: their list, and for each its numbers, its entries and its exports."""
