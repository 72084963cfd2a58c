# SPDX-License-Identifier: Apache-2.0
"""Each page of docs/howto, pasted into Debian's httpd and walked as it promises: what it says is what happens."""
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyotp
import pytest

from lib.clients import new_email
from lib.mailbox import VERIFICATION, Mailbox
from lib.pages import WWW, Guide, check_dialogues, is_login, walk_in_and_out
from lib.serving import ROOT, free_port, scratch, status_of, wait_for
from lib.visitor import Visitor

PHP_FPM = next(iter(sorted(Path('/usr/sbin').glob('php-fpm*'))), None)


PAGES = sorted(p.name for p in (ROOT / 'docs' / 'howto').glob('*.md') if '## See that it works' in p.read_text())


@pytest.mark.parametrize('page', PAGES)
def test_configtest_has_nothing_to_say_about(machine, page):
    folders = {f'/var/www/{name}/x': '' for name in ('html', 'app/members', 'one', 'two')}
    swap = [('/run/php/php-fpm.sock', '/tmp/php-fpm.sock')]
    code, said = machine(Guide(f'docs/howto/{page}'), start=False, files=folders, swap=swap, ports=(443, 80)).configtest()
    assert code == 0 and 'Syntax OK' in said and 'KR' not in said, said


def test_a_static_site(machine):
    guide = Guide('docs/howto/static-site.md')
    it = machine(guide, files={'/var/www/html/index.html': 'secret page', '/var/www/html/a b/report.txt': 'secret file'})
    check_dialogues(it, guide)
    ana, page = walk_in_and_out(it, WWW + '/a%20b/report.txt?year=2026')
    assert page.text == 'secret file' and ana.get(WWW + '/').text == 'secret page'
    assert Visitor(it).get(WWW + it.owners_page('/auth/ui/diagnose')).must_be(200)


def test_a_static_site_where_nobody_signs_up(machine):
    guide = Guide('docs/howto/static-site.md')
    closed = {'kratos.yml': {'selfservice': {'flows': {'registration': {'enabled': False}}}}}
    it = machine(guide, kratos=closed, files={'/var/www/html/index.html': 'secret page'})
    page = Visitor(it).get(WWW + '/')
    assert is_login(page) and not any('registration' in link for link in page.links)
    assert Visitor(it).get(WWW + '/auth/self-service/registration/browser').url.startswith(WWW + '/auth/ui/error?')


@pytest.fixture
def php():
    """php-fpm's socket."""
    assert PHP_FPM, 'php-fpm is missing; build/packages check installs it'
    folder = scratch('php')
    socket, conf = folder / 'php-fpm.sock', folder / 'php-fpm.conf'
    conf.write_text(f'[global]\nerror_log = {folder}/php.log\npid = {folder}/php.pid\n[www]\nuser = www-data\ngroup = www-data\n'
                    f'listen = {socket}\nlisten.mode = 0666\npm = static\npm.max_children = 2\n')
    proc = subprocess.Popen([PHP_FPM, '-F', '-n', '-y', conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(socket.exists)
    yield socket
    proc.terminate()
    proc.wait(20)
    shutil.rmtree(folder)


def test_a_php_application(machine, php):
    guide = Guide('docs/howto/php.md')
    script = guide.one('php')
    it = machine(guide, swap=[('/run/php/php-fpm.sock', str(php))],
                 files={'/var/www/app/members/index.php': script, '/var/www/app/public/index.php': script})
    check_dialogues(it, guide)
    ana, page = walk_in_and_out(it, WWW + '/members/')
    session = ana.get(WWW + '/auth/sessions/whoami', Accept='application/json').json
    said = f'id: {session["identity"]["id"]}\nemail: {session["identity"]["traits"]["email"]}\nlevel: aal1\n'
    assert page.text == said
    assert ana.get(WWW + '/public/').text == said.replace(session['identity']['traits']['email'], '')
    it.put('/var/www/app/members/cookie.php', "<?php var_dump($_COOKIE);")
    assert 'ory_kratos' not in ana.get(WWW + '/members/cookie.php').must_be(200).text


@pytest.fixture
def backend(tmp_path):
    """Runs the application of a page, which asks www.example.org: for it, that is the test's machine."""
    procs = []

    def run(it, code, port):
        (tmp_path / 'sitecustomize.py').write_text(
            'import socket\nreal = socket.create_connection\n'
            f'socket.create_connection = lambda a, *b, **k: real(("127.0.0.1", {it.port}) if a[1] == 443 else a, *b, **k)\n')
        (tmp_path / 'app.py').write_text(code)
        env = {**os.environ, 'PYTHONPATH': str(tmp_path), 'SSL_CERT_FILE': str(it.cert)}
        procs.append(subprocess.Popen([sys.executable, tmp_path / 'app.py'], env=env, stderr=subprocess.DEVNULL))
        wait_for(lambda: status_of(f'http://127.0.0.1:{port}/'))
    yield run
    for proc in procs:
        proc.terminate()
        proc.wait(20)


def test_a_proxied_application(machine, backend):
    guide, port = Guide('docs/howto/proxied-app.md'), free_port()
    swap = ('127.0.0.1:3000', f'127.0.0.1:{port}')
    it = machine(guide, swap=[swap])
    backend(it, guide.one('python').replace("('127.0.0.1', 3000)", f"('127.0.0.1', {port})"), port)
    check_dialogues(it, guide)
    ana, page = walk_in_and_out(it, WWW + '/')
    who = ana.get(WWW + '/auth/sessions/whoami', Accept='application/json').json['identity']['id']
    assert page.text == f'Hello {who}, signed in at level aal1'


@pytest.fixture
def mailbox():
    box = Mailbox()
    yield box
    box.close()


def sign_up_with(it, email, metadata=None):
    """Somebody new; the owner gives the metadata."""
    visitor = Visitor(it)
    visitor.sign_up(visitor.get(WWW + '/admin/'), {'email': email})
    who = visitor.get(WWW + '/auth/sessions/whoami', Accept='application/json').json['identity']['id']
    if metadata:
        subprocess.run(['sqlite3', '-cmd', '.timeout 10000', it.dir / 'data' / 'kratos.sqlite',
                        f"UPDATE identities SET metadata_public = '{json.dumps(metadata)}' WHERE id = '{who}'"], check=True)
    return visitor


def prove_address(visitor, page, mailbox, email):
    """From the page that asks for an address to the end of its verification."""
    page = visitor.submit(page, {'email': email}, 'code')
    code = re.search(r'\b\d{6}\b', mailbox.wait(email, VERIFICATION, 2).text).group()
    return visitor.submit(page, {'code': code}, 'code')


def test_an_application_with_roles(machine, mailbox):
    guide = Guide('docs/howto/roles.md')
    files = {f'/var/www/html/{place}/index.html': place for place in ('admin', 'editors', 'staff')}
    it = machine(guide, files=files | {'/var/www/html/forbidden.html': 'not for you'},
                 swap=[('smtp://mail.example.org:25/?disable_starttls=true', mailbox.uri)])
    check_dialogues(it, guide)
    here, elsewhere = new_email(), new_email().replace('example.org', 'example.net')
    for email, metadata, places in [
        (new_email(), {'roles': ['admin']}, {'admin', 'editors', 'staff'}),
        (new_email(), {'roles': ['editor', 'guest']}, {'editors'}),
        (here, None, {'staff'}),
        (elsewhere, None, set()),
    ]:
        somebody = sign_up_with(it, email, metadata)
        if email == here:
            page = somebody.get(WWW + '/staff/')
            assert page.url.startswith(WWW + '/auth/ui/verification?flow=')
            assert WWW + '/staff/' in prove_address(somebody, page, mailbox, email).links
        for place in {'admin', 'editors', 'staff'} - ({'staff'} if metadata and 'staff' not in places else set()):
            page = somebody.get(f'{WWW}/{place}/')
            assert (page.status, page.text) == ((200, place) if place in places else (403, 'not for you')), (email, place)
    assert is_login(Visitor(it).get(WWW + '/admin/'))


def test_an_admins_corner(machine):
    guide = Guide('docs/howto/admin-area.md')
    it = machine(guide, files={f'/var/www/html{place}index.html': place for place in ('/', '/admin/', '/admin/payout/')})
    check_dialogues(it, guide)
    ana, email = Visitor(it), new_email()
    page = ana.sign_up(ana.get(WWW + '/admin/?x=1'), {'email': email})
    assert (page.status, page.url) == (403, WWW + '/admin/?x=1') and ana.get(WWW + '/').text == '/'
    page = ana.get(next(link for link in page.links if '/self-service/settings/' in link))
    app = pyotp.TOTP(''.join(re.findall('<span>([A-Z2-7]{4})</span>', page.text)))
    back = ana.submit(page, {'totp_code': app.now()}, 'totp')
    assert (back.url, back.text) == (WWW + '/admin/?x=1', '/admin/') and ana.get(WWW + '/admin/payout/').text == '/admin/payout/'

    bob = Visitor(it)                           # her other browser, with a form that she filled in before it was closed
    page = bob.sign_in(bob.request(WWW + '/admin/', b'text=an+hour+of+work', {'Origin': WWW}), email)
    page = bob.submit(page, {'totp_code': app.at(time.time() + 30)}, 'totp')
    assert page.url.startswith(WWW + '/admin/?kratos-kept=') and '<code>text</code>' in page.text and 'an hour' not in page.text


def test_one_account_for_sites_on_several_domains(machine):
    guide = Guide('docs/howto/fedcm.md')
    it = machine(guide, files={f'/var/www/{name}/index.html': name for name in ('one', 'two')})
    check_dialogues(it, guide)
    ana, email = Visitor(it), new_email()
    assert ana.sign_up(ana.get('https://example.org/auth/ui/login'), {'email': email}).status == 200
    shown = ana.get('https://example.org/auth/fedcm/accounts', Sec_Fetch_Dest='webidentity').must_be(200)
    assert shown.json['accounts'][0]['email'] == email
    page = ana.get('https://shop.example.com/')
    assert page.url.startswith('https://shop.example.com/auth/ui/login') and 'data-fedcm="https://example.org/auth/fedcm/config.json"' in page.text


def test_sites_of_several_customers(machine):
    guide = Guide('docs/howto/many-tenants.md')
    it = machine(guide, files={f'/var/www/{name}/index.html': name for name in ('one', 'two')})
    check_dialogues(it, guide)
    ana = Visitor(it)
    one, two = ana.get('https://one.example.org/'), ana.get('https://two.example.org/')
    assert one.url.startswith('https://one.example.org/auth/ui/login') and two.url.startswith('https://two.example.org/auth/ui/login')
    assert ana.sign_up(one, {'email': new_email()}).text == 'one'
    assert ana.get('https://two.example.org/').url.startswith('https://two.example.org/auth/ui/login')
    assert ana.sign_up(two, {'username': 'ana'}).text == 'two'
    assert ana.get('https://one.example.org/').text == 'one'
    moved = Visitor(it)                                 # and one's cookies are no good at the other
    for cookie in ana.jar:
        if cookie.domain == 'one.example.org':
            cookie.domain = 'two.example.org'
            moved.jar.set_cookie(cookie)
    assert len(moved.jar) and moved.get('https://two.example.org/').url.startswith('https://two.example.org/auth/ui/login')
