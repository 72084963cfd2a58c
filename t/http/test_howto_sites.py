# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/howto that take more than one httpd, or more than one host; the README's own lines; and `make install`."""
import json
import os
import re
import shutil
import textwrap

import pytest
import yaml

from lib.clients import new_email
from lib.debian import OUT
from lib.pages import WWW, Guide, check_dialogues, is_login, walk_in_and_out
from lib.serving import ROOT, scratch, status_of
from lib.settings import merge
from lib.visitor import Visitor


# -- a load balancer ----------------------------------------------------------------

@pytest.fixture(scope='module')
def shared(server_kind):
    """A database server over TCP, with rights of its own for the nodes."""
    server = server_kind(tcp=True)
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
    form = {n['attributes']['name']: n['attributes'].get('value', '') for n in flow['ui']['nodes'] if n['type'] == 'input'}
    sent = {**form, 'traits': {'email': new_email()}, 'password': 'correct-Horse-battery-9', 'method': 'password'}
    headers = {'Content-Type': 'application/json', 'Accept': 'application/json'}
    assert ana.request(flow['ui']['action'], json.dumps(sent).encode(), headers).status == 200
    assert ana.get(WWW + '/members/').text == 'secret page'
    error = ana.get(WWW + '/auth/self-service/logout?token=wrong')
    assert error.url.startswith(WWW + '/account/error?id=')


def test_a_login_page_on_another_host(machine):
    guide = Guide('docs/howto/own-login-app.md')
    lines = re.search(r'^## On another host$.*?\n((?: {4}[^\n]*\n)+)', guide.text, re.M | re.S).group(1)
    it = machine(guide, kratos={'kratos.yml': merge(guide.kratos['kratos.yml'], yaml.safe_load(textwrap.dedent(lines)))})
    ana, origin = Visitor(it), 'https://account.example.org'
    begin = WWW + '/auth/self-service/registration/browser?return_to=' + origin + '/done'
    flow = ana.get(begin, Accept='application/json', Origin=origin)
    assert flow.status == 200 and flow.headers['Access-Control-Allow-Origin'] == origin
    assert flow.headers['Access-Control-Allow-Credentials'] == 'true'
    assert {cookie.domain for cookie in ana.jar} == {'.example.org'}
    stranger = ana.get(begin, Accept='application/json', Origin='https://evil.example.net')
    assert 'Access-Control-Allow-Origin' not in stranger.headers


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


@pytest.mark.parametrize('page', ['README.md', 'docs/howto/README.md'])
def test_what_a_page_says_about_installing_is_enough(machine, page):
    """All of its commands but for those that need the network; `make install` goes into a root of its own."""
    it, stage = machine(), scratch('stage')
    commands = '\n'.join(re.findall(r'^ {4}(\S.*)$', re.split(r'^## (?:Install|Before).*', Guide(page).text, flags=re.M)[1], re.M))
    commands = re.split(r'^a2ensite', commands.replace('build/packages run\n', ''), flags=re.M)[0]
    if os.geteuid() != 0:
        commands = commands.replace('-o www-data -g www-data ', '')
    assert 'make && make install' in commands and 'sed -i' in commands
    done = it.shell('set -e\n' + commands.replace('your.host', 'www.example.org'), folder=ROOT, DESTDIR=str(stage), OUT=str(OUT))
    assert done.returncode == 0, done.stderr
    assert 'change-me' not in (it.dir / 'kratos' / 'kratos.yml').read_text()
    module, = stage.rglob('mod_kratos.so')
    share, = stage.rglob('share/kratos')
    it.use(module, share / 'sql')
    assert f'LoadModule kratos_module {module}' in (it.etc / 'mods-enabled' / 'kratos.load').read_text()
    site = (share / 'conf' / 'example-site.conf').read_text()
    quick = '    KratosSet selfservice.methods.password.config.haveibeenpwned_enabled false\n'
    it.add_site('mysite', site.replace('</VirtualHost>', quick + '</VirtualHost>', 1))
    it.put('/var/www/html/members/index.html', 'secret page')
    code, said = it.configtest()
    assert code == 0 and 'Syntax OK' in said, said
    it.start()
    walk_in_and_out(it, WWW + '/members/')
    shutil.rmtree(stage)


def anchors(file):
    """What can be linked to in a page: its headings, as GitHub names them."""
    headings = re.findall(r'^#+ (.*)$', file.read_text(), re.M)
    return {re.sub(r'[^\w -]', '', h.replace('`', '').lower()).replace(' ', '-') for h in headings}


def test_links_between_the_pages_lead_somewhere():
    for page in [ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')]:
        for link in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
            path, _, anchor = link.partition('#')
            if '://' not in link:
                file = page.parent / path if path else page
                assert file.exists() and (not anchor or anchor in anchors(file)), f'{page.relative_to(ROOT)}: {link}'
