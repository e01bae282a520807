"""The router's Flask app: HTTP in, one use case, HTTP out."""

from webapp.app import create_app

__all__ = ["create_app"]
