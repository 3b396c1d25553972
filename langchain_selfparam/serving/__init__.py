"""Serving: who may read the weights when, and how text comes out of them."""
