"""From turns to target sentences and held-out probes: what a consolidation learns from and is judged by."""
