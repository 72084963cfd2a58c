# SPDX-License-Identifier: Apache-2.0
"""What an application hears about its visitor comes from the module alone, whatever the client says and however it gets there."""
import re

import pytest

from conftest import end, start_gate
from lib.backends import Fpm, Http, Uwsgi, modules, raw, told
from lib.clients import new_email
from lib.gate import add_script
from lib.serving import Server
from lib.settings import base

pytestmark = pytest.mark.san

RULES = {'guarded': 'Require kratos-session', 'open': 'Require all granted', 'optional': 'AuthType Kratos\nRequire all granted'}
KINDS = ['http', 'fcgi', 'uwsgi', 'cgi']


def targets(http, fpm, uwsgi):
    return {'http': f'SetHandler "proxy:http://127.0.0.1:{http.port}"',
            'fcgi': f'ProxyFCGISetEnvIf true SCRIPT_FILENAME "{fpm.script}"\nSetHandler "proxy:fcgi://127.0.0.1:{fpm.port}"',
            'uwsgi': f'SetHandler "proxy:uwsgi://127.0.0.1:{uwsgi.port}/"',
            'cgi': 'Options +ExecCGI\nSetHandler cgi-script'}


@pytest.fixture(scope='module')
def apps():
    apps = []
    try:
        for make in (Http, Fpm, Uwsgi):
            apps.append(make())
        yield apps
    finally:
        for app in apps:
            app.close()


def serve_apps(request, apps, before='', **kw):
    places = ''.join(f'<Location "/{rule}/{kind}">\n{RULES[rule]}\n{target}\n</Location>\n'
                     for kind, target in targets(*apps).items() for rule in RULES)
    server = start_gate(request, None, places, before=modules('proxy_fcgi', 'proxy_uwsgi') + before, **kw)
    for rule in RULES:
        for kind in KINDS:
            add_script(server, f'{rule}/{kind}')
    server.app = server.native()
    server.app.register(new_email()).must(200)
    return server


@pytest.fixture(scope='module')
def site(request, apps):
    server = serve_apps(request, apps)
    yield server
    end(server)


@pytest.fixture(scope='module')
def lax(request, apps):
    """As httpd was before it became strict."""
    server = serve_apps(request, apps, 'HttpProtocolOptions Unsafe\n')
    yield server
    end(server)


def ask(site, rule, kind, lines=b'', method=b'GET', body=b'', signed_in=True):
    """(status, what the application was told). `lines` are header lines as they go over the wire."""
    head = method + f' /{rule}/{kind}/x HTTP/1.1\r\nHost: 127.0.0.1:{site.gate_port}\r\n'.encode()
    token = f'X-Session-Token: {site.app.token}\r\n'.encode() if signed_in else b''
    status, _, answer = raw(site.gate_port, head + token + lines + b'\r\n' + body)
    return status, told(answer, kind != 'http') if status == 200 else None


def about(pairs):
    """What is said of the visitor, as sorted (name without HTTP_X_, value). PHP and CGI are told twice: by header, by variable."""
    return sorted({(k.upper().removeprefix('HTTP_X_'), v) for k, v in pairs if 'KRATOS' in k.upper()})


def truth(site):
    session = site.app.session()
    # In headers, % and the bytes beyond ASCII are escaped; here there are none.
    return sorted({('KRATOS_SESSION_ID', session['id']), ('KRATOS_IDENTITY_ID', session['identity']['id']), ('KRATOS_AAL', 'aal1'),
                   ('KRATOS_SCHEMA', 'person'), ('KRATOS_AUTHENTICATED_AT', session['authenticated_at'])})


NAMES = ['X-Kratos-Identity-Id', 'x-kratos-identity-id', 'X-KRATOS-IDENTITY-ID', 'X_Kratos_Identity_Id', 'x_kratos_identity_id',
         'X-Kratos_Identity-Id', 'X.Kratos.Identity.Id', 'X-Kratos.Identity_Id', 'X--Kratos--Identity--Id', 'X__KRATOS__IDENTITY_ID',
         'X-Kratos-', 'X-Kratos-Admin', 'X~Kratos~Aal', "X'Kratos'Aal", 'X|Kratos|Aal', 'X-Kratos-Token', 'X-_Kratos-Aal']
FORGERIES = {name: f'{name}: forged\r\n'.encode() for name in NAMES} | {
    'blank before the colon': b'X-Kratos-Aal : forged\r\n',
    'tab before the colon': b'X-Kratos-Aal\t: forged\r\n',
    'blank before the name': b'X-Other: a\r\n X-Kratos-Aal: forged\r\n',
    'blanks in the name': b'X Kratos Aal: forged\r\n',
    'twice': b'X-Kratos-Aal: forged\r\nX-Kratos-Aal: forged\r\n',
    'twice, by other letters': b'X-Kratos-Aal: forged\r\nx_kratos_aal: forged\r\nX-KRATOS-AAL: forged\r\n',
    'folded value': b'X-Kratos-Aal:\r\n forged\r\n',
    'bare newline': b'X-Other: a\nX-Kratos-Aal: forged\r\n',
    'bare return': b'X-Other: a\rX-Kratos-Aal: forged\r\n',
    'nul in the name': b'X-Kratos\0-Aal: forged\r\n',
    'byte beyond ASCII': b'X\xadKratos\xadAal: forged\r\n',
    'hyphen of Unicode': 'X‐Kratos‐Aal: forged\r\n'.encode(),
    'named by Connection': b'Connection: X-Kratos-Identity-Id, X-Kratos-Aal\r\n',
    'named by two': b'Connection: X-Kratos-Aal\r\nProxy-Connection: X-Kratos-Aal\r\nConnection: x-kratos-identity-id\r\n',
    'named and given': b'Connection: X-Kratos-Aal\r\nX-Kratos-Aal: forged\r\n',
    'empty': b'X-Kratos-Aal:\r\nX-Kratos-Identity-Id: \r\n',
}


@pytest.mark.parametrize('rule', RULES)
@pytest.mark.parametrize('kind', KINDS)
def test_the_application_hears_what_the_module_says_and_nothing_else(site, kind, rule):
    expected = {True: [] if rule == 'open' else truth(site), False: []}
    for what, lines in FORGERIES.items():
        for signed_in in (True, False):
            status, pairs = ask(site, rule, kind, lines, signed_in=signed_in)
            if rule == 'guarded' and not signed_in:
                assert status in (400, 401), what
            elif status != 400:                 # httpd itself refuses what is no header
                assert status == 200, what
                assert about(pairs) == expected[signed_in], (what, signed_in)


@pytest.mark.parametrize('kind', KINDS)
def test_nor_where_httpd_takes_odd_headers(lax, kind):
    for rule in RULES:
        for what, lines in FORGERIES.items():
            status, pairs = ask(lax, rule, kind, lines)
            assert status in (200, 400), (rule, what)
            assert status == 400 or about(pairs) == ([] if rule == 'open' else truth(lax)), (rule, what)


@pytest.mark.parametrize('kind', KINDS)
def test_nor_by_trailers(site, kind):
    for rule in RULES:
        for name in NAMES:
            body = f'2\r\nab\r\n0\r\n{name}: forged\r\n\r\n'.encode()
            status, pairs = ask(site, rule, kind, b'Transfer-Encoding: chunked\r\nTrailer: X-Kratos-Aal\r\n', b'POST', body)
            assert status == (411 if kind == 'uwsgi' else 200), (rule, name)      # mod_proxy_uwsgi wants a length
            assert status == 411 or about(pairs) == ([] if rule == 'open' else truth(site)), (rule, name)


def test_trailers_do_not_become_headers(request):
    """Those come when the gate has looked at the headers already."""
    flags = ['check'] + (['san'] if request.config.getoption('--san') else [])
    server = Server(base(1), gate=True, flags=flags, lines={'gate_extra': 'MergeTrailers On\n'}, wait=False)
    try:
        assert server.proc.wait(20) != 0
        assert 'MergeTrailers' in server.log()
    finally:
        server.announced.append(re.compile('.'))
        server.stop()


USERS = [b'Remote-User', b'REMOTE_USER', b'REMOTE-USER', b'remote_user', b'Remote.User', b'X-Remote-User', b'Auth-Type', b'Authorization']


@pytest.mark.parametrize('kind', KINDS)
def test_a_client_does_not_name_the_user(site, kind):
    user = site.app.session()['identity']['id']
    basic = b'Basic Zm9yZ2VkOmZvcmdlZA=='        # forged:forged
    for rule in RULES:
        for name in USERS:
            status, pairs = ask(site, rule, kind, name + b': ' + (basic if name == b'Authorization' else b'forged') + b'\r\n')
            assert status == 200
            seen = dict(pairs)
            assert 'forged' not in (seen.get('REMOTE_USER'), seen.get('AUTH_TYPE'), seen.get('REMOTE_IDENT'))
            if kind != 'http':
                assert seen.get('REMOTE_USER') == (None if rule == 'open' else user), (rule, name)
                assert seen.get('AUTH_TYPE') == (None if rule == 'open' else 'Kratos')
