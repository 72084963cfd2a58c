# SPDX-License-Identifier: Apache-2.0
"""Reads what a Markdown page wants its reader to paste or to type, and does what each of them promises."""
import re

import yaml

from .clients import new_email
from .serving import ROOT
from .settings import merge
from .visitor import Visitor

WWW = 'https://www.example.org'

FENCE = re.compile(r'^```(\w+)[^\n]*\n(.*?)^```$', re.M | re.S)


class Guide:
    """A page below the root of the project."""

    def __init__(self, path):
        self.path = path
        self.text = (ROOT / path).read_text()
        self.blocks = FENCE.findall(self.text)

    def all(self, language):
        return [text for lang, text in self.blocks if lang == language]

    def one(self, language):
        text, = self.all(language)
        return text

    @property
    def sites(self):
        """Its virtual hosts, in its order."""
        return {f'site-{n}': text for n, text in enumerate(self.all('apache'))}

    @property
    def modules(self):
        """What it wants enabled: all of its a2enmod lines."""
        return sorted({name for line in re.findall(r'^(?: {4}|#).*a2enmod ([\w -]+)$', self.text, re.M) for name in line.split()} | {'kratos'})

    @property
    def without(self):
        """What it wants switched off: all of its a2dissite lines."""
        return sorted({name for line in re.findall(r'^(?: {4}|#).*a2dissite ([\w -]+)$', self.text, re.M) for name in line.split()})

    @property
    def kratos(self):
        """{file: changes to conf/kratos.yml}; a block whose first line is a comment with a path is that file."""
        files = {}
        for text in self.all('yaml'):
            named = re.match(r'# /etc/kratos/(\S+)', text)
            name = named.group(1) if named else 'kratos.yml'
            files[name] = merge(files.get(name, {}), yaml.safe_load(text) or {})
        return files or {'kratos.yml': {}}

    @property
    def files(self):
        """{path: text} of its programs; their first line is a comment with the path."""
        named = ((re.match(r'// (/\S+)', text), text) for text in self.all('jsonnet'))
        return {name.group(1): text for name, text in named if name}

    @property
    def dialogues(self):
        """(command, what it prints) of its console blocks; "..." in an answer stands for anything."""
        for text in self.all('console'):
            for part in re.split(r'^\$ ', text, flags=re.M)[1:]:
                command, _, answer = re.sub(r'\\\n\s*', '', part).partition('\n')
                yield command, answer


def agrees(expected, printed):
    """Is that what a page said would be printed?"""
    pattern = '.*'.join(re.escape(piece) for piece in expected.strip().split('...'))
    return re.fullmatch(pattern, printed.strip(), re.S) is not None


def check_dialogues(it, guide):
    """Types in what the page says, and compares. What `cat` shows is put there first; an `export` holds for what follows."""
    dialogues, exports = list(guide.dialogues), ''
    assert dialogues
    for command, answer in dialogues:
        if command.startswith('cat '):
            (it.dir / command.removeprefix('cat ')).write_text(answer)
        done = it.shell(exports + command)
        assert agrees(answer, done.stdout), f'{guide.path}: {command}\nprinted {done.stdout + done.stderr!r}\nand not {answer!r}'
        if command.startswith('export '):
            exports += command + '\n'


def is_login(page):
    return page.status == 200 and page.url.startswith(WWW + '/auth/ui/login?flow=')


def walk_in_and_out(it, url):
    """The way of a new visitor, and out again. Hands back the visitor and the page."""
    ana, email = Visitor(it), new_email()
    page = ana.get(url)
    assert is_login(page), (page.url, page.text)
    page = ana.sign_up(page, {'email': email})
    assert (page.url, page.status) == (url, 200), page.text
    account = ana.get(WWW + '/auth/ui/welcome')
    out = next(link for link in account.links if '/self-service/logout?' in link)
    assert ana.get(out).status == 200
    assert is_login(ana.get(url))
    page = ana.sign_in(ana.get(url), email)
    assert (page.url, page.status) == (url, 200)
    return ana, page
