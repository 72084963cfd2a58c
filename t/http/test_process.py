# SPDX-License-Identifier: Apache-2.0
"""The server as an operator handles it: graceful restarts, graceful stops, all three process models."""
import contextlib
import signal
import socket
import threading

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

    def at_work(self):
        """Until each of them was answered a few times more."""
        enough = len(self.seen) + 4 * len(self.threads)
        wait_for(lambda: len(self.seen) >= enough)

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
        crowd.at_work()
        server.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: not set(former) & set(server.httpd()))
    assert crowd.leave() == {(200, 200)}


def test_a_graceful_stop_ends_without_a_crash(serve_sqlite):
    server = serve_sqlite()
    someone = server.native()
    someone.register(new_email()).must(200)
    crowd = Crowd(server, someone)
    crowd.at_work()
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


def test_a_clock_that_tests_move_is_warned_of_and_outlives_a_graceful_restart(serve_sqlite):
    server = serve_sqlite({'session': {'lifespan': '1h'}}, clock=True)
    client = server.native()
    client.register(new_email()).must(200)
    assert 'KR1213: KRATOS_TEST_CLOCK is set' in server.log()
    former = set(server.httpd()[1:])
    server.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: not former & set(server.httpd()))
    assert client.whoami().status == 200
    server.clock.forward(3601)
    assert client.whoami().status == 401


def test_without_its_file_such_a_server_does_not_start(serve_sqlite):
    server = serve_sqlite(env={'KRATOS_TEST_CLOCK': '/nowhere/clock'}, wait=False)
    server.expect_log('KR1214|AH00020')
    assert server.proc.wait(20) != 0 and 'KR1214: KRATOS_TEST_CLOCK: /nowhere/clock cannot be used' in server.log()
    assert 'KR1213' not in server.log()
