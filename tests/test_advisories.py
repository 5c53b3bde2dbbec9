"""The check of the lock against a database of advisories, which here is a server of the test's own."""

import json
import runpy
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
advisories = SimpleNamespace(**runpy.run_path(str(ROOT / "tools/advisories.py")))

Answer = Callable[[list[Any]], Any]


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that answers as the test says."""
    answer: Answer = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            body = json.dumps(answer(queries)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def weak(queries: list[Any]) -> Any:
    """One package of one version is weak."""
    asked = [(each["package"]["name"], each["package"]["ecosystem"], each["version"]) for each in queries]
    return {"results": [{"vulns": [{"id": "A-1"}]} if each == ("b", "PyPI", "2.0") else {} for each in asked]}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "all.lock").write_text(
        "a==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:00\nb==2.0 \\\n"
    )
    (tmp_path / "uv.lock").write_text("b==3.0 ; python_version > '3.11'\nc-d==3.0.post1\n")
    return tmp_path


def test_the_locks_of_this_project_are_read_whole() -> None:
    found = advisories.locked(ROOT / "requirements")
    assert {"torch", "uv", "numpy", "snakemake", "safetensors"} <= {name for name, _ in found}
    lines = [
        line for path in (ROOT / "requirements").glob("*.lock") for line in path.read_text().splitlines()
    ]
    assert len(found) == len({line.split()[0] for line in lines if line[0].isalnum()}) > 50


@pytest.mark.parametrize("database", [weak], indirect=True)
def test_a_known_weakness_is_told_with_its_package(
    database: str, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advisories.locked(lock) == [("a", "1.0"), ("b", "2.0"), ("b", "3.0"), ("c-d", "3.0.post1")]
    assert advisories.main(lock, database) == 1
    said = capsys.readouterr().out
    assert said.startswith("b 2.0: https://osv.dev/vulnerability/A-1\n1 of 4 locked packages")


@pytest.mark.parametrize("database", [lambda queries: {"results": [{} for _ in queries]}], indirect=True)
def test_none_is_told_as_none(database: str, lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert advisories.main(lock, database) == 0
    assert capsys.readouterr().out == "0 of 4 locked packages have known weaknesses\n"


@pytest.mark.parametrize(
    "database", [lambda _: {"results": [{}]}, lambda _: [], lambda _: {}, lambda _: None], indirect=True
)
def test_an_answer_that_is_none_is_not_taken_for_all_is_well(
    database: str, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert advisories.main(lock, database) == 2
    assert "Nothing is known of the 4 locked packages" in capsys.readouterr().out


def test_a_database_that_cannot_be_reached_is_said(lock: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert advisories.main(lock, "http://127.0.0.1:9") == 2
    said = capsys.readouterr().out
    assert said.startswith("advisories: expected an answer from http://127.0.0.1:9; got: ")
    assert "try again where there is a network" in said
