"""Models of the user's own: any ``nn.Module`` by ``package.module:callable``, or a ``.pt2`` archive.

Imported lazily, the modules here need torch.
"""
