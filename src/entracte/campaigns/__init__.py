"""What the participant goes through: the published definition (`model`), the YAML file it comes from
(`draft`), and publishing it (`manage`)."""
