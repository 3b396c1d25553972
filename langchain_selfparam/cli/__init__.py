"""The ``selfparam`` command: ``main`` and one file for each subcommand."""
