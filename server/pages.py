"""Pages for people, until a product has a frontend of its own."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from server.audit import timestamp
from server.mail import templates
from server.models import Letter

MAILBOX_SIZE = 100
LOOPBACK = ("127.0.0.1", "::1")

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
}


async def mailbox(request: Request) -> Response:
    """The letters that would have been sent; for development, where there is no SMTP server.

    Their links are live, so they are shown on the server's own machine only.
    """
    if request.client is None or request.client.host not in LOOPBACK:
        refusal = "Letters are shown on the server's own machine only. Set ORGRAPH_SMTP_URL to have them sent."
        return JSONResponse({"errors": [{"message": refusal, "extensions": {"code": "FORBIDDEN"}}]}, 403, HEADERS)
    kept = await Letter.filter(content__isnull=False).order_by("-id").limit(MAILBOX_SIZE)
    letters = [{**(letter.content or {}), "createdAt": timestamp(letter.created_at)} for letter in kept]
    accepted = request.headers.get("accept", "")
    if "application/json" in accepted and "text/html" not in accepted:
        shown = [{name: text for name, text in letter.items() if name != "html"} for letter in letters]
        return JSONResponse(shown, headers=HEADERS)
    page = templates().get_template("mailbox.html").render(letters=letters, limit=MAILBOX_SIZE)
    return HTMLResponse(page, headers=HEADERS)


LINKS = {
    "/accept-invitation": (
        "You have been invited",
        'query {{ invitation(token: "{token}") {{ email organization {{ name }} role {{ name }} }} }}',
        'mutation {{ signUp(input: {{ invitationToken: "{token}", email: "…", name: "…", password: "…" }}) '
        "{{ viewer {{ organization {{ name }} }} userErrors {{ message }} }} }}",
        'mutation {{ acceptInvitation(input: {{ token: "{token}" }}) '
        "{{ viewer {{ organization {{ name }} }} userErrors {{ message }} }} }}",
    ),
    "/verify-email": (
        "Verify your address",
        'mutation {{ verifyEmail(input: {{ token: "{token}" }}) {{ user {{ email }} userErrors {{ message }} }} }}',
    ),
    "/reset-password": (
        "Choose a new password",
        'mutation {{ resetPassword(input: {{ token: "{token}", password: "…" }}) {{ userErrors {{ message }} }} }}',
    ),
}
"""For each path that letters link to, a title and the operations of which one is to be run."""


async def link(request: Request) -> Response:
    """What a letter's link leads to where no frontend has taken its place: the operations to run in GraphiQL."""
    title, *operations = LINKS[request.url.path]
    token = "".join(c for c in request.query_params.get("token", "") if c.isalnum() or c in "-_")
    page = (
        templates()
        .get_template("link.html")
        .render(title=title, operations=[operation.format(token=token) for operation in operations])
    )
    return HTMLResponse(page, headers=HEADERS)
