# SPDX-License-Identifier: Apache-2.0
"""Reads what a Markdown page wants its reader to paste or to type."""
import re

import yaml

from .serving import ROOT
from .settings import merge

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
        return {f'{n}-site': text for n, text in enumerate(self.all('apache'))}

    @property
    def modules(self):
        """What it wants enabled: all of its a2enmod lines."""
        return sorted({name for line in re.findall(r'a2enmod ([\w -]+)', self.text) for name in line.split()} | {'kratos'})

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
