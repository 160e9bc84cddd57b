"""The torch modules of the families; imported only by ``build``."""
