"""Three replicas replaced one by one, as the manifests have it done. By `make chaos` only."""

import asyncio
import contextlib
import itertools
import json

import pytest

from tests.deploy import rendered
from tests.deploy.pods import Pod
from tests.flows.processes import until, webhook
from tests.postgres import PASSWORD

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class Service:
    """Who gets what is sent: the pods that were ready when last looked at, in turn."""

    def __init__(self):
        self.ready = []
        self.answers = []
        self._turns = itertools.count()

    async def send(self, number):
        pod = self.ready[next(self._turns) % len(self.ready)]
        body = json.dumps(webhook(f"Broken{number}", severity="info")).encode()
        self.answers.append(await asyncio.to_thread(pod.ask, "/webhook/alertmanager", "alertmanager", body))

    async def send_on(self):
        for number in itertools.count():
            await self.send(number)
            await asyncio.sleep(0.02)


async def ready(pod, process):
    await until(lambda: process.code is not None or pod.ask("/-/ready") == 200, "a pod is ready")
    assert process.code is None, process.tail()


async def test_without_a_gap(postgres_url_for_pods, tmp_path):
    """Every webhook is answered 200 while all three are replaced: a new one is ready before an old one is out of the
    Service, and that before it is told to end; each ends in time, with status 0."""
    [deployment] = rendered.of("ha", "Deployment")
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    numbers, service, running = itertools.count(), Service(), []
    with contextlib.ExitStack() as stack:
        async def start():
            (folder := tmp_path / str(next(numbers))).mkdir()
            pod = Pod("ha", folder, postgres_url_for_pods)
            process = await asyncio.to_thread(pod.start)
            stack.callback(process.stop)
            await ready(pod, process)
            service.ready.append(pod)
            running.append((pod, process))

        for _ in range(deployment["spec"]["replicas"]):
            await start()
        sending = asyncio.create_task(service.send_on())
        for _ in range(deployment["spec"]["replicas"]):
            await start()
            pod, process = running.pop(0)
            service.ready.remove(pod)
            await asyncio.sleep(1)  # preStop: by now nobody sends there any more
            assert await asyncio.to_thread(process.stop) == 0
        sending.cancel()
        assert len(service.answers) > 50
        assert set(service.answers) == {200}
        running[0][0].ask("/api/v1/status", "jane")
        assert json.loads(running[0][0].said)["ready"] is True


@pytest.fixture
def postgres_url_for_pods(postgres_url):
    """Without the password, which is in a file of theirs."""
    return postgres_url.replace(f":{PASSWORD}@", "@")
