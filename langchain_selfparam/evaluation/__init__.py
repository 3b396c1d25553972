"""Measuring what a memory holds: data, scores, one protocol for each question, reports."""
