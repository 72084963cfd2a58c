# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/howto for those who come from another login of httpd's: accounts, names and hashes move along."""
import contextlib
import re
import sqlite3
import subprocess

import pytest

from lib.clients import PASSWORD
from lib.pages import WWW, Guide, check_dialogues, is_login
from lib.visitor import Visitor

PAGES = {'/var/www/html/members/index.html': 'for members', '/var/www/html/board/index.html': 'for the board'}
PEOPLE = {'ana': '-B', 'bo.1': '-m', 'Cyd': '-s'}               # bcrypt, $apr1$, {SHA}


def htpasswd():
    """A file as its own tool makes it; the password of ana is secret-of-ana."""
    lines = [subprocess.run(['htpasswd', '-nb', kind, name, f'secret-of-{name}'], check=True, capture_output=True, text=True).stdout
             for name, kind in PEOPLE.items()]
    return ''.join(line.strip() + '\n' for line in lines)


def hash_of(it, name):
    """What the database keeps of somebody's password."""
    with contextlib.closing(sqlite3.connect(f'file:{it.dir}/data/kratos.sqlite?mode=ro', uri=True, timeout=10)) as db:
        config, = db.execute("SELECT c.config FROM identity_credentials c JOIN identity_identifiers i ON i.credential_id = c.id "
                             "WHERE i.identifier = ? AND c.type = 'password'", (name.lower(),)).fetchone()
    return config


@pytest.mark.parametrize('name', PEOPLE)
def test_from_htpasswd(machine, name):
    guide = Guide('docs/howto/from-htpasswd.md')
    it = machine(guide, files={**PAGES, '/etc/apache2/htpasswd': htpasswd(), '/etc/apache2/groups': 'board: ana\n'})
    check_dialogues(it, guide)
    assert 'argon2' not in hash_of(it, name)
    person = Visitor(it)
    login = person.get(WWW + '/members/')
    assert is_login(login) and is_login(person.sign_in(login, name, 'secret-of-nobody'))
    page = person.sign_in(login, name, f'secret-of-{name}')
    assert (page.url, page.text) == (WWW + '/members/', 'for members')
    assert 'argon2' in hash_of(it, name)
    assert person.get(WWW + '/board/').status == (200 if name == 'ana' else 403)
    assert f' {name} [' in (it.dir / 'other_vhosts_access.log').read_text()
    again = Visitor(it)
    assert again.sign_in(again.get(WWW + '/members/'), name, f'secret-of-{name}').text == 'for members'


def test_from_mod_auth_form(machine):
    guide = Guide('docs/howto/from-mod-auth-form.md')
    it = machine(guide, files=PAGES)
    check_dialogues(it, guide)
    ana = Visitor(it)
    page = ana.sign_in(ana.get(WWW + '/login.html'), 'ana', 'secret-of-ana')
    assert (page.url, page.text) == (WWW + '/members/', 'for members')
    page = ana.get(WWW + '/logout')
    assert page.url == WWW + '/auth/ui/welcome'
    assert ana.get(next(link for link in page.links if '/self-service/logout?' in link)).status == 200
    assert is_login(ana.get(WWW + '/members/'))


def test_an_admin_made_by_the_owner(machine):
    """The account that docs/howto/roles.md makes."""
    guide = Guide('docs/howto/roles.md')
    it = machine(guide, files={'/var/www/html/admin/index.html': 'for admins'})
    export, create = re.search(r'^ +(export KRATOS_CONFIG=.*)\n +(kratosctl identity create .*)$', guide.text, re.M).groups()
    done = it.shell(f"{export}\necho '{PASSWORD}' | {create}")
    assert done.returncode == 0, done.stderr
    ana = Visitor(it)
    assert ana.sign_in(ana.get(WWW + '/admin/'), 'ana@example.org').text == 'for admins'
    shown = it.shell(f'{export}\nkratosctl identity get ana@example.org')
    assert shown.returncode == 0 and 'admin' in shown.stdout
