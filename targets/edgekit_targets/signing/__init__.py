"""Signatures in the OpenSSF model-signing format, verified with the standard library and ``cryptography`` alone.

A ``model.sig`` is a Sigstore bundle (v0.3, JSON) around a DSSE envelope around an in-toto statement that names every
file with its SHA-256: what ``model_signing sign key`` of the package of that name writes, and ``verify key`` reads.
"""
