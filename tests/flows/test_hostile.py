"""Text of strangers on its way through everything: it stays text."""

from __future__ import annotations

import json

from tests.flows.processes import House, webhook

EVIL = ("<!channel> <!here> @here <https://evil.example|https://good.example> <script>alert(1)</script> "
        "<img src=x onerror=alert(1)>\r\nBcc: eve@example.com\r\n\r\nbody {{7*7}} {% for x in y %} {0.__class__} %s")


async def test_hostile_labels_and_annotations(house: House) -> None:
    """Mentions, markup, header lines and braces in labels and annotations call nobody, add no header, run nowhere and
    are evaluated by nothing."""
    await house.start()
    annotations = {"summary": EVIL, "description": EVIL, "impact": EVIL, "runbook_url": "javascript:alert(1)",
                   "dashboard_url": f"https://x.example/{EVIL}"}
    await house.tell(webhook(EVIL, labels={"service": EVIL, "instance": EVIL}, annotations=annotations))
    assert {row["state"] for row in await house.settled()} == {"sent"}
    incident, = await house.items("incidents")
    posted = json.dumps(house.roots()[0], ensure_ascii=False)
    for mark in ("<!", "<https://evil", "<script", "@here", '"url": "javascript'):
        assert mark not in posted, mark
    mail = house.smtp.mails[0].message
    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])
    assert house.smtp.mails[0].recipients == ("boss@example.com",)
    html = mail.get_body(("html",))
    assert html is not None
    for page in (html.get_content(), await house.text("/"), await house.text(f"/incidents/{incident['id']}")):
        assert "<script>" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
    assert "{{7*7}}" in house.pagerduty.pages[0].event["payload"]["summary"]
