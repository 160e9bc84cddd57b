"""What in an input an artifact's answer rests on, and how far such an explanation can be trusted.

Two kinds of attribution: the Transformer's own attention, and occlusion, which works on any file. Both are held against
the file itself by deletion and insertion curves, so that a picture that looks right is not taken for one that is.
"""
