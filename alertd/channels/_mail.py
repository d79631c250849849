"""A message as a mail: headers, plain text, HTML. One recipient each, so that each has its own fate."""

from __future__ import annotations

import email.utils
import hashlib
import urllib.parse
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from typing import TYPE_CHECKING

from alertd import escaping, messages, times
from alertd.digest import Digest
from alertd.digest import html as digest_html
from alertd.digest import text as digest_text
from alertd.model import Delivery, Severity

if TYPE_CHECKING:
    import jinja2

# Gmail shows no more than about 102 KB of a mail's HTML; the rest hides behind a link.
HTML_BYTES = 80_000
FRAME = 15_000  # of HTML_BYTES: everything that is not the list of alerts
ROW = 100  # bytes of markup around one line of the list
SUBJECT = 200

_COLOURS = {Severity.CRITICAL: "#dc2626", Severity.WARNING: "#d97706", Severity.INFO: "#2563eb",
            Severity.NONE: "#6b7280"}
_ENDED = "#16a34a"


def payload(delivery: Delivery, sender: str) -> EmailMessage:
    """The mail for the delivery's target from `sender` (an address, with or without a name)."""
    message, made = messages.compose(delivery), _digest(delivery)
    lines, hidden = message.shown(HTML_BYTES - FRAME, _row)
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = escaping.line(message.title, SUBJECT)
    mail["From"] = sender
    mail["To"] = delivery.notification.outlet.target
    mail["Date"] = email.utils.format_datetime(times.moment(delivery.notification.created_at))
    for name, value in _threading(delivery, domain(sender)).items():
        mail[name] = value
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nothing may answer it by itself
    mail["X-Auto-Response-Suppress"] = "All"  # Exchange's word for the same
    if message.incident:
        mail["X-Alertd-Incident"] = escaping.line(message.incident, SUBJECT)
    if made:
        address = email.utils.parseaddr(sender)[1]
        mail["List-Unsubscribe"] = f"<mailto:{address}?subject=unsubscribe%20{urllib.parse.quote(made.receiver)}>"
    text = digest_text.render(made) if made else _text(message, lines, hidden)
    html = digest_html.render(made, delivery.link) if made else _html(message, lines, hidden)
    mail.set_content(escaping.block(text, messages.DIGEST), cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def _digest(delivery: Delivery) -> Digest | None:
    """What a digest says as values; None for everything else."""
    return Digest.read(delivery.digest.data) if delivery.digest else None


def root_id(delivery: Delivery, place: str) -> str:
    """The Message-ID of the first mail about this incident to this address, which later ones refer to."""
    outlet = delivery.notification.outlet
    return _id(f"{delivery.notification.incident}\n{outlet.receiver}\n{outlet.target}", place)


def domain(sender: str) -> str:
    """The part after the @ of a sender."""
    return email.utils.parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def _threading(delivery: Delivery, place: str) -> dict[str, str]:
    """Ids without a clock in them: a mail sent again after a doubt is the same mail, and readers show it once."""
    own = _id(delivery.notification.key, place)
    if delivery.notification.incident is None:
        return {"Message-ID": own, "List-Id": f"alertd digest <digest.alertd.{place}>"}
    root = root_id(delivery, place)
    if not delivery.root:
        return {"Message-ID": root}
    return {"Message-ID": own, "In-Reply-To": root, "References": root}


def _id(text: str, place: str) -> str:
    return f"<{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}@{place}>"


def _row(text: str) -> int:
    import markupsafe

    return len(str(markupsafe.escape(text)).encode()) + ROW


def _text(message: messages.Message, lines: tuple[str, ...], hidden: int) -> str:
    parts = [message.title, message.lead,
             "\n".join(f"{fact.name}: {fact.value}" for fact in message.facts),
             "\n".join([*(f"- {line}" for line in lines), *([_more(message, hidden)] if hidden else [])]),
             "\n".join(f"{link.name}: {link.url}" for link in message.links),
             "\n".join(message.remarks),
             f"Incident {message.incident}" if message.incident else ""]
    return "\n\n".join(part for part in parts if part) + "\n"


def _more(message: messages.Message, hidden: int) -> str:
    return messages.more(hidden) + (f": {message.page}" if message.page else "")


def _html(message: messages.Message, lines: tuple[str, ...], hidden: int) -> str:
    lead = message.lead.split("\n") if message.lead else []
    fit = escaping.fitting((_row(line) for line in lead), HTML_BYTES - FRAME)
    return _template().render(
        title=message.title, lead=lead[:fit] + (["…"] if fit < len(lead) else []), digest=not message.incident,
        facts=message.facts, lines=lines, more=messages.more(hidden), links=message.links, remarks=message.remarks,
        incident=message.incident, page=message.page, colour=_ENDED if message.ended else _COLOURS[message.severity])


@cache
def _template() -> jinja2.Template:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("alertd.channels", ""), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True).get_template("email.html.j2")
