# SPDX-License-Identifier: Apache-2.0
"""The server as an operator handles it: graceful restarts, graceful stops, all three process models."""
import contextlib
import signal
import socket
import threading
import time

import pytest

from lib.clients import new_email
from lib.serving import wait_for

pytestmark = pytest.mark.san


class Crowd:
    """Clients that go on asking until leave(); hands back what they saw."""

    def __init__(self, server, someone, clients=4):
        self.over, self.seen = threading.Event(), []
        self.threads = [threading.Thread(target=self.ask, args=(server, someone.token)) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def ask(self, server, token):
        client = server.native()
        client.token = token
        while not self.over.is_set():
            try:
                self.seen.append((client.whoami().status, server.native().init('login').status))
            except OSError as e:
                self.seen.append(type(e).__name__)

    def leave(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return set(self.seen)


def test_a_graceful_restart_loses_no_session_and_no_request(serve):
    server = serve()
    someone = server.native()
    someone.register(new_email()).must(200)
    crowd, former = Crowd(server, someone), server.httpd()[1:]
    for _ in range(2):
        time.sleep(0.3)
        server.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: not set(former) & set(server.httpd()))
    assert crowd.leave() == {(200, 200)}


def test_a_graceful_stop_ends_without_a_crash(serve_sqlite):
    server = serve_sqlite()
    someone = server.native()
    someone.register(new_email()).must(200)
    crowd = Crowd(server, someone)
    time.sleep(0.3)
    left = server.stop(graceful=True)
    crowd.leave()
    assert not left, left


@pytest.mark.parametrize('mpm', ['event', 'worker', 'prefork'])
def test_it_serves_under_every_process_model(serve_sqlite, mpm):
    server = serve_sqlite(mpm=mpm, gate=True)
    email = new_email()
    client = server.native()
    client.register(email).must(200)
    crowd = Crowd(server, client)
    for _ in range(5):
        assert server.native().login(email).status == 200
        assert client.get(server.gate + '/').status == 200
    assert crowd.leave() == {(200, 200)}


@pytest.mark.parametrize('mpm', ['event', 'worker'])
def test_the_line_that_httpd_writes_when_it_is_busy_fails_no_test(serve_sqlite, mpm):
    """Thirty of fifty threads wait for the rest of a body: what a loaded machine looks like to httpd."""
    server = serve_sqlite(mpm=mpm)
    flow = server.native().init('login').must(200)
    head = (f'POST /self-service/login?flow={flow.flow_id} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n'
            'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{').encode()
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            slow = stack.enter_context(socket.create_connection(('127.0.0.1', server.port)))
            slow.sendall(head)
        wait_for(lambda: 'server is within MinSpareThreads of MaxRequestWorkers' in server.log())
    assert server.alarms() == []
