"""Requests -> answers of `rrm serve`; errors are exceptions, never numbers.

A request is sent again when the connection broke or the server said 429 or 503: a member of a group takes its own place again, and what
was judged is not judged twice.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import time
from typing import Any

import httpx

#: A prompt or a response: text, or messages with `role` and `content`.
Said = str | list[dict[str, Any]]

#: What one try gives.
_Answer = httpx.Response | httpx.TransportError


class RrmError(Exception):
    """There is no result."""


class Refused(RrmError):
    """The server answered with an error: `status`, `code` and `message` are its words."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message

    def __reduce__(self) -> tuple[Any, ...]:
        # Between processes, as Ray's, an exception is rebuilt from what it was made of.
        return type(self), (self.status, self.code, self.message)


class Unreachable(RrmError):
    """Nobody answers there, and trying again did not help."""


class _Settings:
    """What both clients share: where, with which token, how patiently."""

    def __init__(self, url: str = "http://127.0.0.1:8700", *, token: str | None = None, timeout: float = 900.0, retries: int = 5):
        # RRM_API_KEY is the key of the judge's provider, which is nobody's business here.
        token = token or os.environ.get("RRM_SERVER_TOKEN")
        self.retries = retries
        self.options: dict[str, Any] = {
            "base_url": url.rstrip("/"),
            "headers": {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {}),
            "timeout": httpx.Timeout(timeout, connect=10.0),
            # Members of a group hold a connection each while they wait for one another: a limit would let them wait for ever.
            "limits": httpx.Limits(max_connections=None, max_keepalive_connections=64),
        }

    def again(self, attempt: int, what: _Answer) -> float | None:
        """Seconds after which to try again; None to give up."""
        if attempt >= self.retries or isinstance(what, httpx.ReadTimeout):
            return None
        if isinstance(what, httpx.Response):
            if what.status_code not in (429, 503):
                return None
            try:
                return float(what.headers.get("retry-after", ""))
            except ValueError:
                pass
        return min(0.25 * 2**attempt, 8.0) * random.uniform(0.5, 1.5)

    def result(self, answer: _Answer) -> dict[str, Any]:
        """What the last try gave, or the exception that it is."""
        if isinstance(answer, httpx.TransportError):
            raise Unreachable(f"{self.options['base_url']}: {answer!r}") from answer
        return _result(answer)


def _body(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _encoded(fields: dict[str, Any]) -> bytes:
    # In ASCII: half a surrogate pair is no UTF-8, and the server is to say so, to the whole group.
    return json.dumps(fields).encode("ascii")


def _result(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        raise Refused(answer.status_code, "unreadable", answer.text[:200]) from None
    if answer.status_code == 200:
        return body
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    raise Refused(answer.status_code, error.get("code", "unknown"), error.get("message", str(body)[:200]))


class Client:
    """Asks from ordinary code. `token` falls back on the environment's RRM_SERVER_TOKEN; `timeout` is in seconds for one try."""

    def __init__(self, url: str = "http://127.0.0.1:8700", **settings: Any):
        self._settings = _Settings(url, **settings)
        self._http = httpx.Client(**self._settings.options)

    def _post(self, route: str, fields: dict[str, Any]) -> dict[str, Any]:
        body = _encoded(fields)
        for attempt in itertools.count():
            try:
                answer: _Answer = self._http.post(route, content=body)
            except httpx.TransportError as error:
                answer = error
            wait = self._settings.again(attempt, answer)
            if wait is None:
                return self._settings.result(answer)
            time.sleep(wait)

    def judge(self, prompt: Said, first: Said, second: Said, *, id: str | None = None) -> dict[str, Any]:
        """Which of two responses is better: a result row of `rrm judge`."""
        return self._post("/v1/judge", _body(id=id, prompt=prompt, responses=[first, second]))

    def rank(self, prompt: Said, responses: list[Said], *, id: str | None = None) -> dict[str, Any]:
        """The responses, best first: a result row of `rrm rank`."""
        return self._post("/v1/rank", _body(id=id, prompt=prompt, responses=responses))

    def ready(self) -> dict[str, Any]:
        """Who judges, once the server answers."""
        return _result(self._http.get("/ready"))

    def close(self) -> None:
        """Gives connections back."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient:
    """Asks from async code; the only way to wait for a group, since its members have to wait at the same time."""

    def __init__(self, url: str = "http://127.0.0.1:8700", **settings: Any):
        self._settings = _Settings(url, **settings)
        self._http = httpx.AsyncClient(**self._settings.options)

    async def _post(self, route: str, fields: dict[str, Any]) -> dict[str, Any]:
        body = _encoded(fields)
        for attempt in itertools.count():
            try:
                answer: _Answer = await self._http.post(route, content=body)
            except httpx.TransportError as error:
                answer = error
            wait = self._settings.again(attempt, answer)
            if wait is None:
                return self._settings.result(answer)
            await asyncio.sleep(wait)

    async def group(
        self,
        group: str,
        prompt: Said,
        response: Said,
        *,
        size: int | None = None,
        member: str | None = None,
        idempotency_key: str | None = None,
        deadline_seconds: float | None = None,
        on_partial: str | None = None,
        scale: str | None = None,
    ) -> dict[str, Any]:
        """Joins a group, waits until it is judged, and gives this member's answer (`reward`, `rank`, ...)."""
        fields = _body(
            group=group, size=size, member=member, idempotency_key=idempotency_key, prompt=prompt, response=response,
            deadline_seconds=deadline_seconds, on_partial=on_partial, scale=scale,
        )
        return await self._post("/v1/groups", fields)

    async def rank(self, prompt: Said, responses: list[Said], *, id: str | None = None) -> dict[str, Any]:
        """The responses, best first: a result row of `rrm rank`."""
        return await self._post("/v1/rank", _body(id=id, prompt=prompt, responses=responses))

    async def close(self) -> None:
        """Gives connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
