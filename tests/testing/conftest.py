"""What the tests of broken things share."""

from __future__ import annotations

import pytest

from tdgnas.testing import ConformanceError


@pytest.fixture
def caught():
    """Returns the sentence of a report about a rule; a report that says nothing about it is a failure."""

    def sentence(report, rule):
        found = dict(report.violations)
        assert rule in found, f"caught were only {found}"
        assert not report.ok
        with pytest.raises(ConformanceError, match="violates"):
            report.raise_if_any()
        return found[rule]

    return sentence
