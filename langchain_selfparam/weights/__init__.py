"""Weights: the only room where they are changed or saved; PEFT is imported nowhere else."""
