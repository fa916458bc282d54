"""Thin: read the request, call a use case, render. `app` is the table of routes, `visits` finds whose request it is,
`answers` writes the headers, `problems` maps problems to statuses, and each page is a folder under `pages`."""
