import subprocess
import sys

import pytest

from tdgnas.data import import_torchvision

AFTER_A_FAILED_IMPORT = """
import sys
try:
    import torchvision
except RuntimeError:
    pass
from tdgnas.data import import_torchvision
package = import_torchvision()
assert package is import_torchvision()
from torchvision import models, transforms
assert package.models.vgg19(weights=None, num_classes=2) is not None
loaded = [name.split(".") for name in sys.modules if name.startswith("torchvision.")]
assert all(hasattr(package, parts[1]) for parts in loaded), loaded
print("ready")
"""


def test_it_works_after_an_import_that_failed_half_way():
    """Modules left by a failed import are not attached to the package that is imported next."""
    done = subprocess.run(
        [sys.executable, "-c", AFTER_A_FAILED_IMPORT], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "ready", done.stderr


def test_tdgnas_data_does_not_import_it():
    code = "import sys, tdgnas.data; print('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_torchvision_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(ImportError, match="pip install torchvision"):
        import_torchvision()
