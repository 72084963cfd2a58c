# SPDX-License-Identifier: Apache-2.0
"""configtest on what is guarded at one place and open at another, on what another login left over, and on folders of databases."""
import os
import shutil

import pytest

from lib.settings import nested
from test_doctor import TLS, configtest, folder  # noqa: F401

LOGIN = f'''<VirtualHost 127.0.0.1:443>
    ServerName login.example.org
    {TLS}
    KratosDatabase sqlite3 {{dir}}/kratos.sqlite
    KratosConfig {{dir}}/kratos.yml
    <Location "/auth">
        SetHandler kratos
    </Location>
    <Location "/ui">
        SetHandler kratos-ui
    </Location>
</VirtualHost>
'''
GUARDED = f'''<VirtualHost 127.0.0.1:443>
    ServerName www.example.org
    {TLS}
    DocumentRoot {{dir}}/site
    {{lines}}
</VirtualHost>
'''
BESIDE = '''<VirtualHost 127.0.0.1:80>
    ServerName open.example.org
    {lines}
</VirtualHost>
'''
GATE = 'Require kratos-session'
ALL = f'<Location "/">\n{GATE}\n</Location>'
FOLDER = f'<Directory "{{dir}}/site">\n{GATE}\n</Directory>'
INNER = f'<Directory "{{dir}}/site/private">\n{GATE}\n</Directory>'
SAME = 'DocumentRoot {dir}/site'


@pytest.fixture
def tell(configtest, folder):  # noqa: F811
    """What configtest says of a login, a site with these lines, and a server beside it; only lines with that number."""
    def run(number, gate, beside='', top=''):
        for name in ('site/private', 'other', 'www'):
            (folder / name).mkdir(parents=True, exist_ok=True)
        text = LOGIN + GUARDED.replace('{lines}', gate) + (BESIDE.replace('{lines}', beside) if beside else '')
        status, said = configtest(top='Listen 127.0.0.1:80\n' + top.replace('{dir}', str(folder)), only=text.replace('{dir}', str(folder)))
        assert status == 0, said
        return [line for line in said if line.startswith(number)]
    return run


SHARED = {
    'the same folder': (ALL, SAME),
    'said of the folder': (FOLDER, SAME),
    'one part of it': (INNER, SAME),
    'a folder around it': (ALL, 'DocumentRoot {dir}'),
    'a folder in it': (ALL, 'DocumentRoot {dir}/site/private'),
    'opened on purpose, or so it seems': (ALL, SAME + '\n<Location "/">\nRequire all granted\n</Location>'),
    'some of it redirected': (INNER, SAME + '\nRedirect /old /new'),
    'in the old words': ('<Location "/">\nAuthType Kratos\nRequire valid-user\n</Location>', SAME),
}


@pytest.mark.parametrize('case', SHARED)
def test_a_server_that_gives_away_what_another_guards_is_told(tell, case):
    said = tell('KR1292', *SHARED[case])
    assert len(said) == 1 and 'www.example.org guards' in said[0] and 'redirect all of this server' in said[0], said
    assert 'httpd.conf:' in said[0]


APART = {
    'guarded as well': (ALL, SAME + '\n' + ALL),
    'guarded for both': ('', SAME, FOLDER),
    'guarded in both': (INNER, SAME + '\n' + INNER),
    'redirected': (ALL, SAME + '\nRedirect permanent / https://www.example.org/'),
    'rewritten': (ALL, SAME + '\nRewriteEngine On\nRewriteRule ^ https://www.example.org%{REQUEST_URI} [R=301,L]'),
    'shut': (ALL, SAME + '\n<Location "/">\nRequire all denied\n</Location>'),
    'another folder': (ALL, 'DocumentRoot {dir}/other'),
    'a name that begins so': (ALL, 'DocumentRoot {dir}/site-old'),
    'no folder of its own': (ALL, 'ErrorDocument 404 gone'),
    'another part': (INNER, 'DocumentRoot {dir}/other'),
    'one part, and that is shut there': (INNER, SAME + '\n<Location "/private">\nRequire all denied\n</Location>'),
    'an alias in its place': (INNER, SAME + '\nAlias /private {dir}/other'),
}


@pytest.mark.parametrize('case', APART)
def test_no_false_alarm_about_servers_beside(tell, case):
    gate, beside, *top = APART[case]
    assert tell('KR1292', gate, beside, *top) == []


LEFT = {
    'beside the gate': f'<Location "/">\nAuthType Basic\nAuthName x\n{GATE}\n</Location>',
    'around it': f'<Location "/">\nAuthType Digest\n</Location>\n<Location "/members">\n{GATE}\n</Location>',
    'for the folder': f'<Directory "{{dir}}/site">\nAuthType Basic\n</Directory>\n{ALL}',
    'with rules of ours': '<Location "/">\nAuthType Basic\n<RequireAll>\nRequire kratos-session\nRequire kratos-verified\n</RequireAll>\n</Location>',
}


@pytest.mark.parametrize('case', LEFT)
def test_a_login_that_is_left_over_is_told(tell, case):
    said = tell('KR1291', LEFT[case])
    assert len(said) == 1 and 'is left over' in said[0] and 'say AuthType Kratos' in said[0], said


@pytest.mark.parametrize('lines', [
    f'<Location "/">\nAuthType Kratos\n{GATE}\n</Location>',
    f'<Location "/">\nAuthType Basic\nAuthName x\n{GATE}\nRequire valid-user\n</Location>',         # either way lets in
    f'<Location "/">\nAuthType Basic\nRequire valid-user\n</Location>\n<Location "/m">\nAuthType Kratos\n{GATE}\n</Location>',
    f'<Location "/old">\nAuthType Basic\nRequire valid-user\n</Location>\n<Location "/members">\n{GATE}\n</Location>',
], ids=['ours', 'both', 'each its own', 'elsewhere'])
def test_no_false_alarm_about_other_logins(tell, lines):
    assert tell('KR1291', lines) == []


def test_a_folder_that_is_not_there_is_told(configtest, folder):  # noqa: F811
    status, said = configtest(database=f'sqlite3 {folder}/nowhere/kratos.sqlite')
    assert status == 0 and [line[:6] for line in said] == ['KR1206'] and 'install -d' in said[0] and 'httpd.conf:' in said[0]


def test_a_folder_that_children_cannot_write_is_told(configtest, folder):  # noqa: F811
    if os.geteuid() != 0:
        return                      # httpd's children are who it is itself then
    (folder / 'closed').mkdir(mode=0o700)
    where = f'sqlite3 {folder}/closed/kratos.sqlite'
    status, said = configtest(database=where, top='User www-data\nGroup www-data')
    assert status == 0 and [line[:6] for line in said] == ['KR1207'] and 'chown www-data' in said[0]
    shutil.chown(folder / 'closed', 'www-data')
    assert configtest(database=where, top='User www-data\nGroup www-data') == (0, [])


def test_settings_are_looked_at_as_well(configtest):  # noqa: F811
    changes = nested('selfservice.flows.recovery.enabled', True) | {'courier': {'smtp': {'connection_uri': 'smtps://mail.example.org:587/'}}}
    status, said = configtest(changes)
    assert status == 0 and any('KR1202' in line and 'write smtp://' in line for line in said), said
    assert any('selfservice.flows.recovery.enabled: no identity schema has an address for it' in line for line in said), said
