# SPDX-License-Identifier: Apache-2.0
"""`kratosctl audit verify`: the first line that is not as it was written, whatever was done to the stream. No server is needed for that."""
import pytest

from lib.audit import Stream
from lib.ctl import SQL, kratosctl
from lib.settings import base, merge, nested, write

REALM = ['--realm', 'main']


def secret(*secrets):
    return nested('secrets.cookie', list(secrets))


OLD, FRESH = 'an-old-secret-of-the-tests-4711', 'a-fresh-secret-of-the-tests-4712'


class Site:
    """A stream of ten lines, of accounts that were made."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / 'audit.log'
        self.database = ['--database', f'sqlite3 {folder}/kratos.sqlite', '--sql', SQL]
        self.use(OLD)
        kratosctl('migrate', '--sql', SQL, 'sqlite3', folder / 'kratos.sqlite')
        people = folder / 'people.jsonl'
        people.write_text(''.join(f'{{"schema_id":"person","traits":{{"email":"p{n}@example.org"}}}}\n' for n in range(10)))
        run = kratosctl('import', people, *self.options)
        assert run.returncode == 0, run.stderr

    def use(self, *secrets):
        self.config = write(self.folder, merge(base(8080), secret(*secrets)))
        self.stream = Stream(self.file, self.config)
        self.options = ['--config', self.config, *REALM, *self.database, '--audit', self.file]

    def one_more(self, email):
        run = kratosctl('identity', 'create', '--trait', f'email={email}', *self.options)
        assert run.returncode == 0, run.stderr

    def says(self, *words, status=1):
        run = self.stream.verify()
        assert run.returncode == status and all(word in run.stdout + run.stderr for word in words), run.stdout + run.stderr


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp('audit'))
    return site, site.file.read_text().splitlines(True), (site.folder / 'audit.log.chain').read_bytes()


@pytest.fixture
def site(written):
    """As it was written."""
    site, lines, chain = written
    site.use(OLD)
    site.file.write_text(''.join(lines))
    (site.folder / 'audit.log.chain').write_bytes(chain)
    return site


def test_a_stream_as_it_was_written_holds(site):
    site.says('10 line(s) as they were written', 'number 1 to 10', status=0)


@pytest.mark.parametrize('spoil, words', [
    (lambda x: [*x[:3], x[3].replace('"uid":0', '"uid":1').replace('"import"', '"imPort"'), *x[4:]], [':4: changed']),
    (lambda x: [*x[:3], x[3].replace('"seq":4', '"seq":14'), *x[4:]], [':4: changed']),
    (lambda x: [*x[:3], x[3].replace('"mac":"', '"mac":"x', 1)[:-4] + '"}\n', *x[4:]], [':4: changed']),
    (lambda x: [*x[:3], *x[4:]], [':4: missing before it: number 4 to 4']),
    (lambda x: [*x[:3], *x[6:]], [':4: missing before it: number 4 to 6']),
    (lambda x: [*x[:5], x[2], *x[5:]], [':6: out of order: number 3 after 5']),
    (lambda x: [*x[:5], 'Nobody wrote this.\n', *x[5:]], [':6: added or changed']),
    (lambda x: [*x[:5], '\n', *x[5:]], [':6: added or changed']),
    (lambda x: [x[0], x[2], x[1], *x[3:]], [':2: missing before it']),
    (lambda x: x[:8], ['cut: number 9 to 10 are missing at the end']),
    (lambda x: [*x[:9], x[9][:40]], ['cut: the file ends in what is no whole line']),
    (lambda x: [], ['cut: number 1 to 10']),
    (lambda x: [*x[:4], x[4].replace('"realm":"main"', '"realm":"other"'), *x[5:]], [':6: changed, or the line before it']),
], ids=['changed', 'another number', 'another hash', 'one taken out', 'several taken out', 'repeated', 'put in', 'an empty line', 'moved',
        'the end taken off', 'the end cut', 'emptied', 'given to another realm'])
def test_whatever_is_done_to_it_is_found(site, spoil, words):
    lines = site.file.read_text().splitlines(True)
    spoiled = spoil(lines)
    assert spoiled != lines
    site.file.write_text(''.join(spoiled))
    site.says(*words)


def test_whoever_also_sets_the_chain_back_is_found(site):
    chain = site.folder / 'audit.log.chain'
    lines = site.file.read_text().splitlines(True)
    site.file.write_text(''.join(lines[:8]))
    chain.write_text(chain.read_text().replace(' 10 ', ' 8 ', 1))
    site.says('audit.log.chain was changed')


def test_old_secrets_verify_and_a_stranger_s_do_not(site):
    site.use(FRESH, OLD)
    site.one_more('fresh@example.org')
    site.says('11 line(s)', status=0)
    site.use(FRESH)
    site.says(':1: changed: none of the realm')


def test_lines_of_other_realms_are_known_to_those_after_them(site):
    site.one_more('main@example.org')
    site.options[site.options.index('main')] = 'other'
    site.one_more('other@example.org')
    site.says('12 line(s)', '1 line(s) are other realms', status=0)


def test_files_are_taken_together_in_any_order(site):
    former = site.file.rename(site.folder / 'audit.log.1')
    site.one_more('next@example.org')
    for files in ((former, site.file), (site.file, former)):
        assert '11 line(s)' in site.stream.holds(*files)
    kept = former.read_text()
    former.write_text(kept[:kept[:-1].rfind('\n') + 1])
    run = site.stream.verify(former, site.file)
    assert run.returncode == 1 and 'audit.log:1: missing before it: number 10 to 10' in run.stdout


def test_what_cannot_be_read_is_said(site):
    assert site.stream.verify(site.folder / 'none.log').returncode == 3
    run = kratosctl('audit', 'verify', site.file)
    assert run.returncode == 1 and '--config' in run.stderr
    assert kratosctl('audit', 'verify').returncode == 2


def test_what_was_to_be_written_down_is_not_done_when_that_cannot_be(site):
    site.options[-1] = site.folder / 'none' / 'audit.log'
    run = kratosctl('identity', 'create', '--trait', 'email=never@example.org', *site.options)
    assert run.returncode == 1 and '--audit' in run.stderr
    assert 'never@' not in kratosctl('identity', 'list', *site.options[:-2]).stdout
