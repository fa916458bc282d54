"""Sign-ins that begin at an authorization server."""
