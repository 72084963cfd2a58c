# SPDX-License-Identifier: Apache-2.0
"""A rolling upgrade: nodes of two versions over one database. The later one is this one with migrations of a version to come."""
import shutil
import signal

import pytest

from lib.clients import PASSWORD, new_email
from lib.ctl import SQL, kratosctl
from lib.serving import scratch, status_of, wait_for

EXPAND = "ALTER TABLE flows ADD COLUMN remark VARCHAR(20) NOT NULL DEFAULT 'none';\nCREATE TABLE remarks (id INTEGER);\n"
CONTRACT = '-- compatible since: 9001\nDROP TABLE remarks;\n'


@pytest.fixture
def later():
    """A folder with all migrations, to add some to."""
    folder = scratch('sql')
    shutil.copytree(SQL, folder, dirs_exist_ok=True)
    (folder / 'mysql' / '9001_expand.sql').write_text(EXPAND)
    yield folder
    shutil.rmtree(folder)


def test_nodes_of_two_versions_serve_together_until_the_schema_is_cut_back(serve_sqlite, mariadb, later):
    db = mariadb.fresh()
    old = serve_sqlite(db=db)
    someone, waiting, email = old.native(), old.native(), new_email()
    someone.register(email).must(200)
    flow = waiting.start('login')

    new = serve_sqlite(db=db, lines={'extra': f'KratosSqlDir {later}\n'})
    # each goes on with what the other began
    there, another = new.native(), new.native()
    another.token = someone.token
    another.whoami().must(200)
    answer = there.submit('login', flow, {'method': 'password', 'identifier': email, 'password': PASSWORD}).must(200)
    someone.token = answer.json['session_token']
    someone.whoami().must(200)
    begun = new.native().start('registration')
    old.native().submit('registration', begun, {'method': 'password', 'traits.email': new_email(), 'password': PASSWORD}).must(200)
    # an old process that starts now goes on, too, and says that it saw something newer
    old.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: 'KR0410' in old.log())
    wait_for(lambda: old.native().login(email).status == 200)

    (later / 'mysql' / '9002_contract.sql').write_text(CONTRACT)
    run = kratosctl('migrate', '--sql', later, *db.split(' ', 1))
    assert run.returncode == 0, run.stderr
    old.expect_log('KR0424|KR1208')
    old.proc.send_signal(signal.SIGUSR1)
    wait_for(lambda: status_of(old.url + '/health/ready') == 503)
    assert old.native().init('login').status == 503 and 'KR0424' in old.log()
    assert new.native().login(email).status == 200
    # nor does the old tool do anything to it
    run = old.ctl.run('identity', 'list')
    assert run.returncode == 1 and 'newer version' in run.stderr
