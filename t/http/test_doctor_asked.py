# SPDX-License-Identifier: Apache-2.0
"""configtest on gates that ask for more than a session: what nobody could give, and what nobody could give in time."""
import pytest

from lib.settings import merge, nested
from test_doctor import configtest, folder  # noqa: F401

CODES = nested('selfservice.methods.code', {'enabled': True, 'mfa_enabled': True})
PLACE = '<Location "/admin">\n{}\n</Location>'


@pytest.fixture
def tell(configtest):  # noqa: F811
    """What configtest says of a site with a place that has these lines."""
    def run(lines, changes=None, **options):
        status, said = configtest(changes, gate=PLACE.format(lines), **options)
        assert status == 0, said
        return [line for line in said if line.startswith('KR')]
    return run


@pytest.mark.parametrize('changes', [None, nested('selfservice.methods.code', {'enabled': False, 'mfa_enabled': True})])
def test_a_second_factor_that_nobody_can_have_is_told(tell, changes):
    said = tell('Require kratos-aal aal2', changes)
    assert len(said) == 1 and said[0].startswith('KR1283') and 'selfservice.methods.totp' in said[0] and 'site.conf:' in said[0], said


def test_one_line_for_all_hosts_is_told_once(configtest):  # noqa: F811
    said = configtest(more=PLACE.format('Require kratos-aal aal2'))[1]
    assert len([line for line in said if line.startswith('KR1283')]) == 1


@pytest.mark.parametrize('line', ['Require kratos-session max-age=59s', 'Require kratos-aal aal1 max-age=1s'])
def test_an_age_that_nobody_can_keep_is_told(tell, line):
    said = tell(line)
    assert len(said) == 1 and said[0].startswith('KR1284') and 'max-age=15m' in said[0], said


@pytest.mark.parametrize('line, changes', [
    ('Require kratos-aal aal2', CODES),
    ('Require kratos-aal aal2 max-age=1m', CODES),
    ('Require kratos-aal aal1', None),
    ('Require kratos-session max-age=15m', None),
    ('<RequireAll>\nRequire not kratos-aal aal2\nRequire kratos-session\n</RequireAll>', None),
])
def test_what_works_is_not_spoken_of(tell, line, changes):
    mail = nested('courier.smtp', {'connection_uri': 'smtp://127.0.0.1:25/', 'from_address': 'a@example.org'})
    said = tell(line, merge(changes or {}, mail))
    assert not [line for line in said if 'KR1283' in line or 'KR1284' in line], said


@pytest.mark.parametrize('line', ['Require all granted\nKratosKeepPost 64k', 'KratosKeepPost 64k'])
def test_forms_that_are_kept_where_nobody_is_stopped_are_told(tell, line):
    said = tell(line)
    assert len(said) == 1 and said[0].startswith('KR1285') and 'Require kratos-' in said[0] and 'site.conf:' in said[0], said


def test_forms_that_are_kept_at_a_gate_are_not_spoken_of(tell, configtest):  # noqa: F811
    assert tell('Require kratos-session\nKratosKeepPost 64k') == [] and tell('KratosKeepPost Off') == []
    assert tell('AuthType Kratos\nRequire valid-user\nKratosKeepPost 64k') == []
    said = configtest(gate='<Location "/members/deep">\nKratosKeepPost 64k\n</Location>')[1]    # inside of a guarded place
    assert not [line for line in said if line.startswith('KR')], said
    said = configtest(gate='<Location "/">\nKratosKeepPost 64k\n</Location>')[1]                # around one
    assert not [line for line in said if line.startswith('KR')], said
