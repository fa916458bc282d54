"""Processes are killed under load; what was acknowledged must be there, once, and everybody must be able to go on.

make chaos N=1000        so many kills on SQLite and on PostgreSQL, and a tenth of them of PostgreSQL itself
"""
