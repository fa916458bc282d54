"""Signing in to the manager, and out of it."""
