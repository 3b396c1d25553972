"""Distillation: tensors in, tensors out; no text, no files, no LangChain."""
