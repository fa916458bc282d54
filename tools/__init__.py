"""What `make` runs: scripts that need nothing but Python itself."""
