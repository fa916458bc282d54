"""An organization's authorization server: what we know of it (`model`), how claims become a profile
(`claims`), what is cached of it (`providers`), one sign-in from begin to proof (`sign_in`), and how a
connection is set up (`manage`)."""
