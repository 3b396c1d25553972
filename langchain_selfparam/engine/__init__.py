"""The engine: the only room that sees every stage."""
