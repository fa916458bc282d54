"""What a sign-in costs, here and in relying parties by other hands, measured in one run.

    make bench                                 three rounds of each system, and what scale does to ours
    make bench ARGS=--quick                    one round of each system, within a minute
    make bench ARGS=--full                     the same as the first, with ten million participations
    make bench ARGS="--json figures.json"      the figures as JSON, too

The figure is CPU milliseconds (user and system, of the whole process tree) per sign-in, from the operating system's own
accounts. It holds on a busy machine, where a rate does not; ratios hold within one run alone. The system under test has
core 0 for itself, and shares it with its PostgreSQL where it has one; the stub authorization server, which really signs
each ID token and checks each PKCE verifier, and the driver share core 1. Where processes are compared, both cores are
the system's as well.
"""
