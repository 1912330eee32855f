"""What stands around every request: security headers, and where a POST may come from."""

from urllib.parse import urlsplit

from flask import Response, request

from ser.web.errors import ApiError

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src blob:; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HSTS = "max-age=31536000"  # a year
_DEFAULT_PORTS = {"http": 80, "https": 443}


def add_headers(response: Response) -> None:
    """Put the security headers on a response; an answer is not to be stored."""
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = _HSTS


def check_origin() -> None:
    """Refuse what a page of another site makes a browser post.

    A browser that says `Sec-Fetch-Site` is believed: our own form has the origin "null",
    because of `no-referrer`. Else the origin's host must be ours; its scheme is not looked
    at, for a proxy may end the encryption.

    Raises:
        ApiError: `cross_origin`.
    """
    if request.method != "POST":
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and not _is_ours(origin)
    if foreign:
        raise ApiError("cross_origin", "this was sent by a page of another site")


def _is_ours(origin: str) -> bool:
    try:
        there = urlsplit(origin)
        here = urlsplit(f"{there.scheme}://{request.host}")
        default = _DEFAULT_PORTS.get(there.scheme)
        return there.hostname is not None and (there.hostname, there.port or default) == (
            here.hostname,
            here.port or default,
        )
    except ValueError:
        return False
