"""What the REST API can do, and what its problems mean, as pages of ours."""
