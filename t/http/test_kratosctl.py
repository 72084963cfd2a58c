# SPDX-License-Identifier: Apache-2.0
"""The owner's tool without a server: its command line, help, completion, and what comes before a start."""
import re
import shutil
import subprocess

import pytest

from lib.ctl import OUT, SQL, kratosctl
from lib.serving import ROOT
from lib.settings import base, example, write


@pytest.fixture
def file(tmp_path):
    return tmp_path / 'kratos.sqlite'


@pytest.fixture
def config(tmp_path):
    return write(tmp_path, base(8080))


def migrate(file, *options):
    return kratosctl('migrate', *options, '--sql', SQL, 'sqlite3', file)


# -- migrate, check ------------------------------------------------------------


def test_migrate_tells_what_is_pending_then_applies_it_and_is_fine_when_run_again(file):
    pending = migrate(file, '--dry-run')
    assert pending.returncode == 1 and 'pending' in pending.stdout
    assert migrate(file).returncode == 0
    assert migrate(file, '--dry-run').stdout == '0 migration(s) pending\n'
    assert migrate(file).stdout == '0 migration(s) applied\n'


def test_a_database_that_cannot_be_reached_is_said_in_words():
    r = kratosctl('migrate', '--sql', SQL, 'mysql', 'host=127.0.0.1,port=1,user=nobody,dbname=none')
    assert r.returncode == 1 and r.stderr.strip()


def test_check_says_what_httpd_would_say(config, tmp_path):
    r = kratosctl('check', ROOT / 'conf' / 'kratos.yml')
    assert r.returncode == 1 and 'secrets.cookie: element 1 is a sample' in r.stderr
    shutil.copytree(ROOT / 'conf' / 'schemas', tmp_path / 'schemas')
    (tmp_path / 'mine.yml').write_text(example())
    assert kratosctl('check', tmp_path / 'mine.yml').returncode == 0
    bad = tmp_path / 'bad.yml'
    bad.write_text('session:\n  lifspan: 1h\n')
    r = kratosctl('check', bad)
    assert r.returncode == 1 and 'session.lifspan' in r.stderr and 'session.lifespan' in r.stderr
    bad.write_text('session: { lifespan: 2h }')
    assert kratosctl('check', config, bad).returncode == 0, 'several files are merged'


# -- which realm -----------------------------------------------------------------


def test_a_missing_realm_or_database_is_said_before_anything_is_done(config, file):
    where = ['--config', config]
    assert '--config' in kratosctl('identity', 'list').stderr
    assert '--database' in kratosctl('identity', 'list', *where).stderr
    r = kratosctl('identity', 'list', *where, '--database', f'sqlite3 {file}')
    assert r.returncode == 1 and 'kratosctl migrate' in r.stderr and not file.exists(), 'a typing error makes no database'
    file.touch()
    r = kratosctl('identity', 'list', *where, '--database', f'sqlite3 {file}', '--sql', SQL)
    assert r.returncode == 1 and 'not migrated' in r.stderr
    assert kratosctl('identity', 'list', *where, '--database', f'sqlite3 {file}', '--realm', 'A b').returncode == 1


def test_environment_stands_for_options_that_are_not_given(config, file):
    migrate(file)
    env = {'KRATOS_CONFIG': str(config), 'KRATOS_DATABASE': f'sqlite3 {file}', 'KRATOS_REALM': 'there'}
    assert kratosctl('identity', 'create', '--trait', 'email=ana@example.org', '--sql', SQL, env=env).returncode == 0
    assert 'ana@' in kratosctl('identity', 'list', '--sql', SQL, env=env).stdout
    assert 'ana@' not in kratosctl('identity', 'list', '--sql', SQL, '--realm', 'here', env=env).stdout


def test_settings_are_read_as_httpd_reads_them_and_secrets_never_shown(config, file):
    migrate(file)
    where = ['--config', config, '--database', f'sqlite3 {file}', '--sql', SQL]
    r = kratosctl('identity', 'list', *where, '--set', 'session.lifspan=1h')
    assert r.returncode == 1 and 'session.lifespan' in r.stderr
    r = kratosctl('identity', 'list', *where, '--set', 'secrets.cookie=["tooshort-Pssst"]')
    assert r.returncode == 1 and 'secrets.cookie' in r.stderr and 'Pssst' not in r.stderr
    assert 'password=Pssst' not in kratosctl('identity', 'list', '--config', config, '--database', 'mysql pass=Pssst,frob=1').stderr


# -- the command line ---------------------------------------------------------------


@pytest.mark.parametrize('args', [
    (), ('frobnicate',), ('migrate',), ('migrate', 'sqlite3'), ('check',), ('identity',), ('identity', 'frobnicate'),
    ('identity', 'get'), ('identity', 'get', 'a', 'b'), ('check', '--frob', 'x'), ('check', '--allow-unbuilt=1', 'x'),
    ('identity', 'create', '--state', 'locked'), ('identity', 'create', '--state'), ('import', 'x', '--format', 'xml'),
    ('session', 'revoke'), ('session', 'revoke', '--all', 'x'), ('courier', 'retry'), ('completion', 'tcsh'),
    ('identity', 'create', '--trait', 'x'), ('identity', 'create', '--trait', 'a=b', '--traits', '{}'), ('--realm', 'x', 'check', 'y'),
])
def test_wrong_use_says_so_and_exits_with_2(args):
    r = kratosctl(*args)
    assert r.returncode == 2 and 'kratosctl' in r.stderr and not r.stdout


def test_options_stand_anywhere_and_two_dashes_end_them(file):
    assert migrate(file).returncode == 0
    assert kratosctl('migrate', 'sqlite3', file, f'--sql={SQL}', '--dry-run').returncode == 0
    assert kratosctl('check', '--', '--allow-unbuilt').stderr.startswith('--allow-unbuilt: cannot be read')


@pytest.mark.parametrize('args', [('help',), ('--help',), ('-h',), ('help', 'identity'), ('identity', '--help'),
                                  ('help', 'identity', 'create'), ('identity', 'create', '--help')])
def test_help_is_for_standard_output(args):
    r = kratosctl(*args)
    assert r.returncode == 0 and 'identity create' in r.stdout and not r.stderr


def all_commands():
    lines = [ln for ln in kratosctl('help').stdout.splitlines() if ln.startswith('  kratosctl ')]
    return [re.match(r'  kratosctl ([a-z-]+(?: (?:create|get|list|disable|enable|delete|factors|remove-factor|revoke|retry|watch|verify))?)', ln)[1] for ln in lines]


def test_every_command_has_help_and_stands_in_the_manual_and_the_page_for_owners():
    manual, page = kratosctl('manual').stdout, (ROOT / 'docs' / 'kratosctl.md').read_text()
    assert manual == (ROOT / 'docs' / 'kratosctl.8').read_text(), 'build/docs writes it anew'
    commands = all_commands()
    assert len(commands) == 22
    for command in commands:
        assert kratosctl('help', *command.split()).stdout.startswith(f'kratosctl {command}')
        assert f'.SS kratosctl {command} ' in manual
        assert f'kratosctl {command}' in page, command


def complete(*words):
    """What bash offers for the last of these words."""
    script = f'''source <({' '.join(['"$0"', 'completion', 'bash'])})
        COMP_WORDS=(kratosctl "$@"); COMP_CWORD=$#; _kratosctl; printf '%s\\n' "${{COMPREPLY[@]}}"'''
    return subprocess.run(['bash', '-c', script, f'{OUT}/kratosctl', *words], check=True, capture_output=True,
                          text=True).stdout.split()


def test_bash_completes_commands_options_and_values():
    assert complete('ide') == ['identity']
    assert complete('identity', 'd') == ['disable', 'delete']
    assert complete('identity', 'list', '--i') == ['--identifier']
    assert complete('courier', 'list', '--status', '') == ['queued', 'sent', 'abandoned']
    assert complete('check', './fi') == [], 'names of files are left to bash'


def test_scripts_for_the_other_shells_know_all_commands():
    for shell in ('zsh', 'fish'):
        script = kratosctl('completion', shell).stdout
        for command in all_commands():
            assert command.split()[-1] in script
