# SPDX-License-Identifier: Apache-2.0
"""Connections that become something else (WebSocket) end with the session that opened them, and not before; in all process models."""
import signal
import socket
import threading
import time

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (ConnectionTerminated, DataReceived, RemoteSettingsChanged, ResponseReceived, StreamEnded,
                       StreamReset)

from conftest import end, start_gate
from lib.backends import Http, Tunnel, modules, told
from lib.clients import new_email
from lib.serving import wait_for

pytestmark = pytest.mark.san

PLACES = '''
Protocols h2c http/1.1
<Location "/">
    KratosUpgradeCheck 1
</Location>
<Location "/http">
    Require kratos-session
    ProxyPass "http://127.0.0.1:{app}/" upgrade=websocket
</Location>
<Location "/wstunnel">
    Require kratos-session
    ProxyPass "ws://127.0.0.1:{app}/"
</Location>
<Location "/seldom">
    KratosUpgradeCheck 3600
    Require kratos-session
    ProxyPass "http://127.0.0.1:{app}/" upgrade=websocket
</Location>
<Location "/never">
    KratosUpgradeCheck 0
    Require kratos-session
    ProxyPass "http://127.0.0.1:{app}/" upgrade=websocket
</Location>
'''


@pytest.fixture(scope='module')
def app():
    app = Http()
    yield app
    app.close()


def serve_gate(request, app, mpm='event', **kw):
    return start_gate(request, None, PLACES.format(app=app.port), before=modules('proxy_wstunnel', 'http2') + 'H2WebSockets On\n',
                      mpm=mpm, **kw)


@pytest.fixture(scope='module')
def site(request, app):
    server = serve_gate(request, app)
    yield server
    end(server)


def sign_up(server, email=None):
    client = server.native()
    client.email = email or new_email()
    client.register(client.email).must(200)
    return client


ROUTES = pytest.mark.parametrize('route', ['http', 'wstunnel'])


@ROUTES
def test_without_a_session_nothing_is_opened(site, app, route):
    before = app.opened
    for token in (None, 'ory_st_' + 'x' * 32):
        tunnel = Tunnel(site.gate_port, f'/{route}/x', token)
        assert tunnel.status == 401
        tunnel.close()
    assert app.opened == before


@ROUTES
def test_it_is_cut_when_the_session_ends_and_no_other_is(site, app, route):
    leaver, stayer = sign_up(site), sign_up(site)
    tunnels = [Tunnel(site.gate_port, f'/{route}/x', client.token) for client in (leaver, stayer)]
    assert [t.status for t in tunnels] == [101, 101] and tunnels[0].echo() == b'hello'
    closed = app.closed
    leaver.logout().must(204)
    assert tunnels[0].cut_within(5)
    wait_for(lambda: app.closed == closed + 1)      # the application hears of it, too
    assert not tunnels[1].cut_within(2.5) and tunnels[1].echo(b'still here') == b'still here'
    tunnels[1].close()


@ROUTES
def test_it_is_cut_when_another_client_ends_the_session(site, route):
    here, there = sign_up(site), site.native()
    there.login(here.email).must(200)
    tunnel = Tunnel(site.gate_port, f'/{route}/x', here.token)
    assert tunnel.echo() == b'hello'
    there.delete('/sessions').must(200)
    assert tunnel.cut_within(5)


def test_where_sessions_are_remembered_it_is_known_when_one_has_ended(request, app):
    """However seldom a place asks; and before a server knows what others do, it asks."""
    site = serve_gate(request, app, session_cache='1m')
    closed = app.closed
    leaver, stayer = sign_up(site), sign_up(site)
    tunnels = [Tunnel(site.gate_port, '/seldom/x', client.token) for client in (leaver, stayer)]
    assert tunnels[0].echo() == b'hello'
    site.ctl('session', 'revoke', '--identity', leaver.email)
    assert tunnels[0].cut_within(10)    # of them some until the server trusts what it reads
    assert tunnels[1].echo(b'still here') == b'still here'
    stayer.logout().must(204)
    assert tunnels[1].cut_within(3)
    for tunnel in tunnels:
        tunnel.close()
    wait_for(lambda: app.closed == closed + 2)      # no thread of the server's is at work for them when it is to end
    end(site)


def test_it_may_be_let_stand(site):
    client = sign_up(site)
    tunnel = Tunnel(site.gate_port, '/never/x', client.token)
    client.logout().must(204)
    assert not tunnel.cut_within(3) and tunnel.echo() == b'hello'
    tunnel.close()


def test_a_request_that_is_not_upgraded_is_none_of_them(site, app):
    client = sign_up(site)
    assert client.get(site.gate + '/http/x', headers={'Upgrade': 'h2c'}).status == 200


class Stream:
    """A WebSocket over HTTP/2 (RFC 8441) as the first stream of a connection."""

    def __init__(self, port, path, token):
        self.socket = socket.create_connection(('127.0.0.1', port), 20)
        self.h2 = H2Connection(H2Configuration(header_encoding='utf-8'))
        self.h2.initiate_connection()
        self.events = []
        self.wait(RemoteSettingsChanged)
        headers = {':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': path, ':authority': f'127.0.0.1:{port}',
                   'sec-websocket-version': '13', 'x-session-token': token}
        self.h2.send_headers(1, list(headers.items()))
        self.status = int(dict(self.wait(ResponseReceived).headers)[':status'])

    def wait(self, kind):
        """The next event of that kind; None once the connection is over."""
        while True:
            for event in self.events:
                if isinstance(event, kind):
                    self.events.remove(event)
                    return event
            self.socket.sendall(self.h2.data_to_send())
            data = self.socket.recv(65536)
            if not data:
                return None
            self.events += self.h2.receive_data(data)

    def echo(self, text):
        self.h2.send_data(1, text)
        return self.wait(DataReceived).data

    def cut_within(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.wait((StreamEnded, StreamReset, ConnectionTerminated)) is None or True
        except ConnectionError:
            return True
        except TimeoutError:
            return False


def test_over_http_2_it_is_cut_too(site):
    client = sign_up(site)
    stream = Stream(site.gate_port, '/http/x', client.token)
    assert stream.status == 200 and stream.echo(b'hello') == b'hello'
    assert not stream.cut_within(2.5) and stream.echo(b'still here') == b'still here'
    client.logout().must(204)
    assert stream.cut_within(5)


# -- in all process models -----------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize('mpm', ['event', 'worker', 'prefork'])
def test_the_gate_stands_through_a_graceful_restart_and_so_do_open_connections(request, app, mpm):
    server = serve_gate(request, app, mpm)
    server.expect_log('AH03490|AH00288')              # the child of before the restart takes a place for as long as it stays
    closed = app.closed
    try:
        client, nobody = sign_up(server), server.native()
        assert client.get(server.gate + '/').status == 200 and nobody.get(server.gate + '/').status == 401
        assert server.browser().get(server.gate + '/').location.startswith(server.url + '/self-service/login/browser?')
        heard = told(client.get(server.gate + '/http/x', headers={'x_kratos_aal': 'forged'}).must(200).body, False)
        assert ('HTTP_X_KRATOS_IDENTITY_ID', client.session()['identity']['id']) in heard and 'forged' not in dict(heard).values()
        tunnel = Tunnel(server.gate_port, '/http/x', client.token)
        assert tunnel.echo() == b'hello'
        former, over, seen = server.httpd()[1:], threading.Event(), set()

        def crowd():
            while not over.is_set():
                try:
                    seen.add((client.get(server.gate + '/').status, nobody.get(server.gate + '/').status))
                except OSError as e:
                    seen.add(type(e).__name__)

        threads = [threading.Thread(target=crowd) for _ in range(4)]
        for thread in threads:
            thread.start()
        server.proc.send_signal(signal.SIGUSR1)
        wait_for(lambda: set(server.httpd()[1:]) - set(former))
        time.sleep(1.5)                         # the old child looked after it at least once more, and says nothing of that
        over.set()
        for thread in threads:
            thread.join()
        assert seen == {(200, 401)}
        assert tunnel.echo(b'still here') == b'still here'
        client.logout().must(204)
        assert tunnel.cut_within(5), 'by the child of before the restart'
        assert client.get(server.gate + '/').status == 401
        # mod_proxy's list of connections does not bear that prefork's children end in the middle of a proxied request.
        wait_for(lambda: app.closed > closed)
        wait_for(lambda: len(set(former) & set(server.httpd())) == 0)
    finally:
        end(server)
