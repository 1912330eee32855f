"""Security headers, and the check where a POST comes from."""

from urllib.parse import urlsplit

from flask import Response, request

from ser.web.errors import ApiError

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": the page's own form would have the origin "null".
    "Referrer-Policy": "same-origin",
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
    """Add the security headers to a response; answers are not stored in caches."""
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = _HSTS


def check_origin() -> None:
    """Refuse a POST that a page of another site makes a browser send.

    `Sec-Fetch-Site` decides where a browser sends it, which is over https and to localhost.
    Otherwise the origin's host must be ours. Its scheme does not count, since a proxy may end the
    encryption.

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
        raise ApiError(
            "cross_origin",
            f"a page of another site sent this (Origin: {origin or 'none'}; this is "
            f"{request.host}). Send it from the app's own page, or from a program without the "
            "headers Origin and Sec-Fetch-Site. Behind a proxy, pass the header Host on, or set "
            "SER_TRUSTED_PROXIES",
        )


def _is_ours(origin: str) -> bool:
    try:
        theirs = urlsplit(origin)
        ours = urlsplit(f"{theirs.scheme}://{request.host}")
        default = _DEFAULT_PORTS.get(theirs.scheme)
        return theirs.hostname is not None and (theirs.hostname, theirs.port or default) == (
            ours.hostname,
            ours.port or default,
        )
    except ValueError:
        return False
