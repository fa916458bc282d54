"""The REST API of the manager, for programs: `/api/v1`. A file for each resource; what it does, the command line does
by the same use cases."""
