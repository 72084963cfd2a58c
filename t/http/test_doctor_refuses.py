# SPDX-License-Identifier: Apache-2.0
"""What would start and give something away, or could never work, stops httpd: with the line, the reason, and what to write."""
import shutil

import pytest

from lib.serving import ROOT
from lib.settings import nested
from test_doctor import configtest, folder  # noqa: F401

STOPS = {
    'the sample secret': (dict(changes=nested('secrets.cookie', ['change-me-before-anybody-signs-in'])),
                          r'secrets.cookie: element 1 is a sample', 'openssl rand -hex 16'),
    'one of Kratos\' own': (dict(changes=nested('secrets.default', ['PLEASE-CHANGE-ME-I-AM-VERY-INSECURE'])),
                            'secrets.default: element 1 is a sample', 'openssl rand -hex 16'),
    'a variable that nobody defined': (dict(lines='KratosSet serve.public.base_url https://${NO_SUCH_HOST}/auth'),
                                       'serve.public.base_url', 'write the value itself'),
    'everybody\'s origin with cookies': (
        dict(changes=nested('serve.public.cors', {'enabled': True, 'allowed_origins': ['*', 'https://www.example.org']})),
        'serve.public.cors.allowed_origins[0]: "*" beside other origins', 'take it away'),
}


@pytest.mark.parametrize('case', STOPS)
def test_it_stops_httpd_with_the_line_and_the_fix(configtest, case):  # noqa: F811
    how, what, fix = STOPS[case]
    how = dict(how)
    status, said = configtest(how.pop('changes', None), **how)
    mine = [line for line in said if what in line]
    assert status != 0 and mine and fix in mine[0], said
    assert 'kratos.yml:' in mine[0] or 'httpd.conf:' in mine[0] or ' line ' in mine[0] or any(' line ' in line for line in said), said


def test_the_files_of_the_project_want_a_secret_of_ones_own(configtest, folder):  # noqa: F811
    """conf/kratos.yml as it is copied, before the README's next line."""
    shutil.copytree(ROOT / 'conf' / 'schemas', folder / 'schemas')
    shutil.copy(ROOT / 'conf' / 'kratos.yml', folder / 'example.yml')
    site = (ROOT / 'conf' / 'example-site.conf').read_text().replace('/etc/kratos/kratos.yml', f'{folder}/example.yml')
    status, said = configtest(only=site.replace('/var/lib/kratos', str(folder)))
    assert status != 0 and any('example.yml:' in line and 'secrets.cookie: element 1 is a sample' in line for line in said), said
