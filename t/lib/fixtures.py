# SPDX-License-Identifier: Apache-2.0
"""Fixtures that tests over HTTP and tests in a browser have in common."""
import pytest

from .hooks import Target
from .hydra import Hydra
from .mailbox import Mailbox
from .provider import Provider


@pytest.fixture(scope='module')
def post():
    """A post office for all tests of a file."""
    post = Mailbox()
    yield post
    post.close()


@pytest.fixture(scope='module')
def provider():
    """A site to sign in with, for all tests of a file."""
    provider = Provider()
    yield provider
    provider.close()


@pytest.fixture
def afresh(provider):
    """The provider does as it should, before and after a test."""
    provider.reset()
    yield
    provider.reset()


@pytest.fixture(scope='module')
def target():
    """A server that web hooks call, for all tests of a file."""
    target = Target()
    yield target
    target.close()


@pytest.fixture
def forget(target):
    """What was called before a test is none of its business."""
    target.forget()


@pytest.fixture(scope='module')
def hydra():
    """An OAuth2 server that has people sign in here, for all tests of a file."""
    hydra = Hydra()
    yield hydra
    hydra.close()
