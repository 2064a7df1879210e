"""The names of a certificate's files, in a directory that has one."""

CHAIN = "chain.pem"
"""The certificate, and those that signed it, as PEM."""
KEY = f"{CHAIN}.key"
"""Its key: HAProxy looks for it under this name."""
