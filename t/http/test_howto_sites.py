# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/howto that take more than one httpd, or more than one host; the README's own lines; and `make install`."""
import json
import os
import re
import shutil
import subprocess

import pytest

from lib.clients import new_email
from lib.debian import OUT
from lib.pages import WWW, Guide, check_dialogues, is_login, walk_in_and_out
from lib.serving import ROOT, MariaDB, scratch, status_of
from lib.visitor import Visitor


# -- a load balancer ----------------------------------------------------------------

@pytest.fixture(scope='module')
def shared():
    """A MariaDB over TCP, with rights of its own for the nodes."""
    server = MariaDB(tcp=True)
    yield server
    server.close()


def test_two_nodes_behind_a_load_balancer(machine, shared, stop):
    guide = Guide('docs/howto/load-balancer.md')
    node, balancer = guide.all('apache')
    for line in guide.one('sql').replace('CREATE DATABASE', 'CREATE DATABASE IF NOT EXISTS').replace('10.0.0.%', '%').splitlines():
        shared.query(line)
    database_line = f'host=127.0.0.1 port={(shared.dir / "port").read_text().strip()} user=kratos pass=a-password-of-yours dbname=kratos'
    swap = [('host=db.example.org user=kratos dbname=kratos group=kratos', database_line), ('10.0.0.5', '127.0.0.1')]
    nodes = [machine(guide, sites={'node': node}, swap=swap, files={'/var/www/html/index.html': 'secret page'}) for _ in range(2)]
    swap = [(f'http://10.0.0.1{n}', f'http://127.0.0.1:{it.plain_port}') for n, it in enumerate(nodes, 1)]
    front = machine(guide, sites={'balancer': balancer}, swap=swap)
    check_dialogues(front, guide)
    ana, email = Visitor(front, source='127.0.0.2'), new_email()
    page = ana.sign_up(ana.get(WWW + '/?a=b'), {'email': email})
    assert (page.url, page.text) == (WWW + '/?a=b', 'secret page')
    for _ in range(6):
        session = ana.get(WWW + '/auth/sessions/whoami', Accept='application/json').json
        assert session['devices'][0]['ip_address'].startswith('127.0.0.2')
    for it in nodes:                                     # both had their share
        assert '/auth/sessions/whoami' in (it.dir / 'other_vhosts_access.log').read_text()
    front.expect_log('AH0095[79]|AH01114|AH0111[04]')     # the balancer finds out
    stop(nodes[0])
    assert [ana.get(WWW + '/').text for _ in range(4)] == ['secret page'] * 4
    assert status_of(f'http://127.0.0.1:{nodes[1].plain_port}/auth/health/ready') == 200


# -- a login page of one's own: as a script of it sees the API; t/browser has the page itself ----

def test_a_login_page_of_ones_own(machine):
    guide = Guide('docs/howto/own-login-app.md')
    it = machine(guide, files={'/var/www/html/account.html': guide.one('html'), '/var/www/html/members/index.html': 'secret page'})
    check_dialogues(it, guide)
    ana = Visitor(it)
    page = ana.get(WWW + '/members/')
    assert page.url.startswith(WWW + '/account/login?flow=') and '<script' in page.text
    flow = ana.get(WWW + '/auth/self-service/registration/browser', Accept='application/json').json
    form = {n['attributes']['name']: n['attributes'].get('value', '') for n in flow['ui']['nodes']}
    sent = {**form, 'traits': {'email': new_email()}, 'password': 'correct-Horse-battery-9', 'method': 'password'}
    headers = {'Content-Type': 'application/json', 'Accept': 'application/json'}
    assert ana.request(flow['ui']['action'], json.dumps(sent).encode(), headers).status == 200
    assert ana.get(WWW + '/members/').text == 'secret page'
    error = ana.get(WWW + '/auth/self-service/logout?token=wrong')
    assert error.url.startswith(WWW + '/account/error?id=')


# -- what the README and conf/ say ----------------------------------------------------

def test_the_readme(machine):
    guide = Guide('README.md')
    it = machine(guide, swap=[('<VirtualHost *:443>', '<VirtualHost *:443>\n    SSLEngine on\n    SSLCertificateFile '
                               '/etc/ssl/certs/ssl-cert-snakeoil.pem\n    SSLCertificateKeyFile /etc/ssl/private/ssl-cert-snakeoil.key')],
                 kratos={'kratos.yml': {}}, files={'/var/www/html/index.html': 'open page', '/var/www/reports/index.html': 'secret page'})
    reports = 'https://reports.example.org/?year=2026'
    assert Visitor(it).get(WWW + '/').text == 'open page'
    ana = Visitor(it)
    page = ana.get(reports)
    assert is_login(page)
    page = ana.sign_up(page, {'email': new_email()})
    assert (page.url, page.text) == (reports, 'secret page')
    program = Visitor(it).get(reports, Accept='application/json')
    assert program.status == 401 and program.json['error']['code'] == 401


class Example(Guide):
    """conf/example-site.conf: the whole of it is one block."""

    def __init__(self):
        self.path = 'conf/example-site.conf'
        self.text = (ROOT / self.path).read_text()
        self.blocks = [('apache', self.text)]


def test_the_example_site(machine):
    it = machine(Example(), files={'/var/www/html/index.html': 'open page', '/var/www/html/members/index.html': 'secret page'})
    assert Visitor(it).get(WWW + '/').text == 'open page'
    ana, page = walk_in_and_out(it, WWW + '/members/')
    assert page.text == 'secret page'
    settings = ana.get(WWW + '/auth/self-service/settings/browser')
    assert settings.url.startswith(WWW + '/auth/ui/settings?flow=') and settings.form('password')
    assert ana.get(WWW + '/auth/self-service/logout?token=wrong').url.startswith(WWW + '/auth/ui/error?id=')


def test_what_make_install_installs_is_enough(machine):
    """The README's "Install": its files in a root of its own, on Debian's layout."""
    stage = scratch('stage')
    subprocess.run(['make', '-s', '-C', ROOT, 'install', f'DESTDIR={stage}'], check=True, capture_output=True,
                   env={**os.environ, 'OUT': str(OUT)})
    module, = stage.rglob('mod_kratos.so')
    share, = stage.rglob('share/kratos')
    load = (share / 'conf' / 'kratos.load').read_text()
    assert re.search(r'^LoadModule kratos_module (.*)$', load, re.M).group(1) == str(module).removeprefix(str(stage))
    for path in ('kratos.yml', 'example-site.conf', 'kratos.conf', 'schemas/email-password.schema.json'):
        assert (share / 'conf' / path).read_text() == (ROOT / 'conf' / path).read_text()
    it = machine(Example(), module=module, sql=share / 'sql', files={'/var/www/html/members/index.html': 'secret page'})
    walk_in_and_out(it, WWW + '/members/')
    assert it.configtest()[0] == 0
    shutil.rmtree(stage)
