"""One person's way through one campaign: what happened (`events`), what is kept (`model`), which page comes
next (`journey`), what the form offers and what became of it (`prefill`, `form`), and the use cases (`take_part`)."""
