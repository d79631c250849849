"""Every route there is, with what it asks of its visitor."""

from __future__ import annotations

import dataclasses

from aiohttp import web

from alertd.access import Permission
from alertd.web import static
from alertd.web.api import Api
from alertd.web.budgets import Budgets
from alertd.web.callbacks import PagerDuty, Slack
from alertd.web.doing import Doing
from alertd.web.excluded import Excluded
from alertd.web.guard import Handler
from alertd.web.inside import Inside
from alertd.web.measures import Measures
from alertd.web.operations import Operations
from alertd.web.pages import Pages
from alertd.web.people import People
from alertd.web.planned import Planned
from alertd.web.plans import Plans
from alertd.web.receive import Receiver
from alertd.web.records import Records
from alertd.web.slos import Slos
from alertd.web.summaries import Summaries

Asked = dict[web.AbstractResource, dict[str, Permission]]


@dataclasses.dataclass(frozen=True, slots=True)
class Routes:
    """Adds routes; `asked` collects what each asks, by its method."""

    router: web.UrlDispatcher
    asked: Asked

    def get(self, path: str, handler: Handler, permission: Permission = Permission.READ) -> None:
        self._add("GET", path, handler, permission)
        self._add("HEAD", path, handler, permission)

    def post(self, path: str, handler: Handler, permission: Permission) -> None:
        self._add("POST", path, handler, permission)

    def delete(self, path: str, handler: Handler, permission: Permission) -> None:
        self._add("DELETE", path, handler, permission)

    def _add(self, method: str, path: str, handler: Handler, permission: Permission) -> None:
        added = self.router.add_route(method, path, handler)
        assert added.resource is not None  # a route that was added has one
        self.asked.setdefault(added.resource, {})[method] = permission


def machines(routes: Routes, inside: Inside) -> None:
    """Who sends alerts, vendors, and what watches and steers the daemon."""
    operations = Operations(inside)
    routes.post("/webhook/alertmanager", Receiver(inside.intake, inside.metrics).__call__, Permission.SEND)
    routes.post("/webhook/slack", Slack(inside.acts, inside.current).__call__, Permission.SIGNED)
    routes.post("/webhook/pagerduty", PagerDuty(inside.acts, inside.current).__call__, Permission.SIGNED)
    routes.get("/-/healthy", operations.healthy, Permission.OPEN)
    routes.get("/-/ready", operations.ready, Permission.OPEN)
    routes.post("/-/reload", operations.reload, Permission.ADMINISTER)
    routes.get("/metrics", operations.metrics, Permission.SCRAPE)


def programs(routes: Routes, inside: Inside) -> None:
    """The JSON API."""
    api, people, slos = Api(inside), People(inside.acts, inside.reader), Slos(inside)
    planned, excluded = Planned(inside.maintenance, inside.current, inside.clock), Excluded(inside)
    planned, summaries = Planned(inside.maintenance, inside.current, inside.clock), Summaries(inside)
    routes.get("/api/v1/status", api.status)
    routes.get("/api/v1/incidents", api.incidents)
    routes.get("/api/v1/incidents/{id}", api.incident)
    routes.get("/api/v1/incidents/{id}/review", Pages(inside).review_text)
    routes.post("/api/v1/incidents/{id}/acknowledge", people.acknowledge, Permission.RESPOND)
    routes.get("/api/v1/alerts", api.alerts)
    routes.get("/api/v1/notifications", api.notifications)
    routes.get("/api/v1/notifications/{id}", api.notification)
    routes.post("/api/v1/notifications/{id}/retry", people.retry, Permission.ADMINISTER)
    routes.post("/api/v1/notifications/{id}/drop", people.drop, Permission.ADMINISTER)
    routes.get("/api/v1/maintenance", planned.list)
    routes.post("/api/v1/maintenance", planned.add, Permission.RESPOND)
    routes.delete("/api/v1/maintenance/{id}", planned.end, Permission.RESPOND)
    routes.get("/api/v1/oncall.ics", api.oncall)
    routes.get("/api/v1/statistics", Measures(inside).api)
    routes.get("/api/v1/digest", summaries.past)
    routes.get("/api/v1/digest/preview", summaries.preview)
    routes.post("/api/v1/digest", summaries.send, Permission.RESPOND)
    routes.get("/api/v1/slos", slos.every)
    routes.get("/api/v1/slos/{id}", slos.one)
    routes.get("/api/v1/exclusions", excluded.every)
    routes.post("/api/v1/exclusions", excluded.add, Permission.ADMINISTER)
    routes.delete("/api/v1/exclusions/{id}", excluded.undo, Permission.ADMINISTER)


def people(routes: Routes, inside: Inside) -> None:
    """The pages, and the forms on them."""
    pages, doing, plans = Pages(inside), Doing(inside), Plans(inside)
    budgets, records = Budgets(inside), Records(inside)
    routes.get("/", pages.front)
    routes.get("/incidents", pages.incidents)
    routes.get("/incidents/{id}", pages.incident)
    routes.get("/incidents/{id}/review", pages.review)
    routes.get("/incidents/{id}/review.md", pages.review_text)
    routes.post("/incidents/{id}/acknowledge", doing.acknowledge, Permission.RESPOND)
    routes.post("/notifications/{id}/retry", doing.retry, Permission.ADMINISTER)
    routes.post("/notifications/{id}/drop", doing.drop, Permission.ADMINISTER)
    routes.get("/maintenance", plans.maintenance)
    routes.post("/maintenance", plans.add, Permission.RESPOND)
    routes.get("/maintenance/new", plans.new)
    routes.post("/maintenance/{id}/end", plans.end, Permission.RESPOND)
    routes.get("/rota", plans.rota)
    routes.get("/statistics", Measures(inside).page)
    routes.get("/slos", budgets.every)
    routes.get("/slos/{id}", budgets.one)
    routes.get("/notifications", records.notifications)
    routes.get("/notifications/{id}", records.notification)
    routes.get("/digests", records.digests)
    routes.get("/digests/{id}", records.digest)
    routes.get("/audit", records.audit)
    routes.get("/management", records.management)
    routes.post("/me", doing.remember, Permission.READ)
    routes.get("/static/{name}", static.serve)
