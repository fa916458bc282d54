"""Where everything is kept: one set of statements for SQLite and PostgreSQL.

`tables` says what there is, `migrations` how it came to be, and `schema` whether this database has it.
`engine` opens either database so that a commit is on the disk when it returns. `commits` is the one way in: what
has to be durable waits together, is committed together, and is answered after that commit; `reads` does the same
for look-ups that arrive together. Nobody holds a transaction while waiting for a network.

`organizations`, `connections`, `campaigns`, `participations` and `tallies` are the statements, one file for each
domain's Protocol; `dialects` is the one place that knows which database it speaks to. `opened` puts them together:
`Store.open("sqlite://")` is the whole store in memory, and the fake of every other room's tests.

Every row belongs to an organization, and every statement says which. The exceptions are the directories that lead
from a public address, a state or a login to its organization: `campaign_address`, `member_address`, and the token
of a member's session.
"""
