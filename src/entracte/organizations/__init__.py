"""The tenant: an organization, its brand, and the members who work in the manager."""
