"""A client of `rrm serve`: rewards, judgments and rankings over HTTP. See docs/http.md for the routes."""

from rrm.client import AsyncClient, Client, Refused, RrmError, Unreachable

__all__ = ["AsyncClient", "Client", "Refused", "RrmError", "Unreachable"]
