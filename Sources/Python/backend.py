"""Builds the wheel, with the Swift toolchain and the standard library of Python alone.

What pip calls is ``build_wheel``. The library is built in the ``.build`` of the Swift package that this folder is in, where
Swift has built it before or not; nothing comes to be in the sources. By hand, from anywhere:

    python Sources/Python/backend.py FOLDER      puts the wheel into FOLDER
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

here = Path(__file__).resolve().parent
swift_package = here.parents[1]
suffix = "dylib" if sys.platform == "darwin" else "so"


def get_requires_for_build_wheel(config_settings=None) -> list[str]:
    return []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None) -> str:
    library = built_library()
    name = f"{project['name']}-{version}"
    tag = f"py3-none-{re.sub('[-.]', '_', sysconfig.get_platform())}"
    contents = {f"noisemax/{file.name}": file.read_bytes() for file in sources()}
    contents[f"noisemax/{library.name}"] = library.read_bytes()
    contents["noisemax/_version.py"] = f'__version__ = "{version}"\n'.encode()
    contents[f"{name}.dist-info/METADATA"] = metadata().encode()
    contents[f"{name}.dist-info/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: noisemax\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    )
    record = f"{name}.dist-info/RECORD"
    lines = [f"{path},sha256={digest(data)},{len(data)}" for path, data in contents.items()]
    contents[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    wheel = Path(wheel_directory) / f"{name}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            # One date for all, so that the same sources make the same wheel.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return wheel.name


def build_sdist(sdist_directory, config_settings=None) -> str:
    raise RuntimeError("there is no sdist: the Swift sources are not in this folder; build a wheel")


def built_library() -> Path:
    """The library for C, which carries the Swift runtime on Linux."""
    if not (swift_package / "Package.swift").is_file():
        raise RuntimeError(f"{here} is built where it stands, in the Swift package that it is part of")
    command = ["swift", "build", "-c", "release", "--product", "NoisemaxC", "--package-path", str(swift_package)]
    environment = {**os.environ, "NOISEMAX_STATIC": "1"}
    try:
        subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
        folder = subprocess.run(
            [*command, "--show-bin-path"], check=True, env=environment, capture_output=True, text=True
        ).stdout.strip()
    except FileNotFoundError:
        raise RuntimeError("the wheel is built by a Swift toolchain, and there is no command 'swift'") from None
    return Path(folder) / f"libNoisemaxC.{suffix}"


def sources() -> list[Path]:
    files = sorted((here / "noisemax").glob("*.py"))
    return [*files, here / "noisemax" / "py.typed"]


def metadata() -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {version}"]
    lines += [f"Summary: {project['description']}", f"Requires-Python: {project['requires-python']}"]
    lines += [f"Classifier: {classifier}" for classifier in project["classifiers"]]
    lines += [f"Requires-Dist: {requirement}" for requirement in project["dependencies"]]
    for extra, requirements in project["optional-dependencies"].items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f'Requires-Dist: {requirement}; extra == "{extra}"' for requirement in requirements]
    lines += ["Description-Content-Type: text/markdown", "", (here / project["readme"]).read_text("utf-8")]
    return "\n".join(lines)


def digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


project = tomllib.loads((here / "pyproject.toml").read_text("utf-8"))["project"]
version_file = swift_package / "Sources" / "Noisemax" / "Version.swift"
version = version_file.is_file() and re.search(r'noisemaxVersion = "(.+)"', version_file.read_text("utf-8"))[1]

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(folder / build_wheel(folder))
